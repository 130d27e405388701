"""dev.py as people meet it: started as a program, in a folder with a space in its name, from somewhere else.

The programs it calls (the environment's Python, npm, node) are small scripts here that write down how
they were called; pip and npm themselves are met in the tests of a missing network.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

FAKE_PYTHON = """#!/bin/sh
echo "python $*" >> "{calls}"
case "$*" in
  *"db upgrade"*) exec "{python}" -c 'import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num TEXT)")
c.execute("DELETE FROM alembic_version")
c.execute("INSERT INTO alembic_version VALUES (1)")
c.commit()' "${{WORKSHOPS_INSTANCE:-{root}/instance}}/workshops.sqlite3" ;;
esac
"""
FAKE_NPM = '#!/bin/sh\necho "npm $*" >> "{calls}"\nmkdir -p node_modules\n'
FAKE_NODE = """#!/bin/sh
[ "$1" = --version ] && {{ echo v20.1.0; exit; }}
echo "node $*" >> "{calls}"
mkdir -p dist && touch dist/site.css
"""


class Tree:
    """A copy of dev.py with just enough around it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.calls_file = folder / "calls"
        self.database = folder / "instance" / "workshops.sqlite3"
        for name in ("static", "workshops/migrations", ".venv/bin"):
            (folder / name).mkdir(parents=True)
        shutil.copy(PROJECT / "dev.py", folder)
        for name in ("requirements.lock", "requirements-dev.lock", "static/package.json", "static/package-lock.json"):
            (folder / name).write_text("{}")
        for name in ("static/site.css", "workshops/migrations/0001.py", ".venv/bin/pip"):
            (folder / name).write_text("")
        for name, script in (("python", FAKE_PYTHON), ("npm", FAKE_NPM), ("node", FAKE_NODE)):
            file = folder / ".venv" / "bin" / name
            file.write_text(script.format(calls=self.calls_file, python=sys.executable, root=folder))
            file.chmod(0o755)

    def dev(self, *arguments: str, python: tuple[str, ...] = (), **settings: str) -> subprocess.CompletedProcess[str]:
        """Start dev.py from another folder, with no setting but these."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("WORKSHOPS_", "PYTEST_"))}
        start = [sys.executable, *(python or (str(self.root / "dev.py"),)), *arguments]
        return subprocess.run(start, cwd="/", env={**env, **settings}, capture_output=True, text=True, timeout=60)

    def run(self, *options: str, **settings: str) -> list[str]:
        """The calls of one `dev.py run`, which must succeed."""
        done = self.dev("run", "--port", str(free_port()), *options, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.calls()

    def calls(self) -> list[str]:
        """How programs were called since this was last asked."""
        calls = self.calls_file.read_text().splitlines() if self.calls_file.exists() else []
        self.calls_file.unlink(missing_ok=True)
        return [c.replace(f"{self.root}/", "").replace("-m flask --app wsgi", "flask") for c in calls]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    folder = tmp_path / "a clone"
    folder.mkdir()
    return Tree(folder)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


PIP = "python -m pip install --require-hashes --progress-bar=off -r "


def test_the_first_run_does_every_step_in_order_and_hands_over(tree: Tree) -> None:
    calls = tree.run()
    assert calls[:-1] == [
        f"{PIP}requirements.lock",
        "npm ci --ignore-scripts --no-audit --no-fund",
        "node build.mjs",
        "python flask db upgrade",
        "python flask demo load",
    ]
    assert re.fullmatch(r"python flask serve --host 127\.0\.0\.1 --port \d+ --demo-link", calls[-1])


def test_a_second_run_only_serves(tree: Tree) -> None:
    tree.run()
    (call,) = tree.run()
    assert call.startswith("python flask serve ") and call.endswith(" --demo-link")


def test_every_step_is_said_in_one_line_with_its_time(tree: Tree) -> None:
    lines = tree.dev("run", "--port", str(free_port())).stdout.splitlines()
    assert lines[0] == "Python environment: unchanged"
    assert len(lines) == 6
    assert all(re.search(r" \.\.\. \d+\.\d s$", line) for line in lines[1:])


@pytest.mark.parametrize(
    ("changed", "repeated"),
    [
        ("requirements.lock", [f"{PIP}requirements.lock"]),
        ("static/site.css", ["node build.mjs"]),
        ("static/package-lock.json", ["npm ci --ignore-scripts --no-audit --no-fund", "node build.mjs"]),
        ("workshops/migrations/0001.py", ["python flask db upgrade"]),
    ],
)
def test_a_change_repeats_its_own_step_alone(tree: Tree, changed: str, repeated: list[str]) -> None:
    tree.run()
    (tree.root / changed).write_text('{"changed": 1}')
    assert tree.run()[:-1] == repeated


def test_a_deleted_database_is_made_and_filled_again(tree: Tree) -> None:
    tree.run()
    tree.database.unlink()
    assert tree.run()[:-1] == ["python flask db upgrade", "python flask demo load"]


def test_deleted_assets_are_built_again(tree: Tree) -> None:
    tree.run()
    shutil.rmtree(tree.root / "static" / "dist")
    assert tree.run()[:-1] == ["node build.mjs"]


def test_without_the_demonstration_nothing_is_loaded_and_no_link_made(tree: Tree) -> None:
    calls = tree.run("--no-demo")
    assert "python flask demo load" not in calls
    assert "--demo-link" not in calls[-1]
    assert tree.run()[:-1] == ["python flask demo load"]


def test_a_database_file_in_the_instance_folder_is_known_again(tree: Tree) -> None:
    tree.run(WORKSHOPS_DATABASE_URL="sqlite:///workshops.sqlite3")
    (call,) = tree.run(WORKSHOPS_DATABASE_URL="sqlite:///workshops.sqlite3")
    assert call.startswith("python flask serve ")


def test_postgresql_is_asked_at_every_start(tree: Tree) -> None:
    tree.run(WORKSHOPS_DATABASE_URL="postgresql://db.example.org/workshops")
    calls = tree.run(WORKSHOPS_DATABASE_URL="postgresql://db.example.org/workshops")
    assert calls[:-1] == ["python flask db upgrade", "python flask demo load"]


def test_no_stamp_holds_the_password_of_the_database(tree: Tree) -> None:
    tree.run(WORKSHOPS_DATABASE_URL="postgresql://user:pencil@db.example.org/workshops")
    assert "pencil" not in (tree.root / "instance" / "dev.json").read_text()


def test_a_random_secret_is_kept_readable_by_its_owner_alone(tree: Tree) -> None:
    tree.run()
    kept = tree.root / "instance" / "secret_key"
    secret = kept.read_text()
    assert len(secret.strip()) == 64
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    tree.run()
    assert kept.read_text() == secret


@pytest.mark.parametrize(
    "settings",
    [{"WORKSHOPS_SECRET_KEY": "k" * 40}, {"WORKSHOPS_BASE_URL": "https://events.example.org"}],
)
def test_no_secret_is_made_where_somebody_sets_their_own(tree: Tree, settings: dict[str, str]) -> None:
    tree.run(**settings)
    assert not (tree.root / "instance" / "secret_key").exists()


def test_the_instance_folder_can_be_elsewhere(tree: Tree, tmp_path: Path) -> None:
    tree.run(WORKSHOPS_INSTANCE=str(tmp_path / "kept here"))
    assert (tmp_path / "kept here" / "secret_key").exists()
    assert not (tree.root / "instance" / "secret_key").exists()


def test_an_instance_folder_that_cannot_be_made_is_said_in_one_sentence(tree: Tree) -> None:
    (tree.root / "instance").write_text("a file")
    done = tree.dev("run", "--port", str(free_port()))
    assert done.returncode == 1
    assert "Stopped at this step: instance folder." in done.stdout.splitlines()[-1]
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], r"python -m pytest -n \d --dist worksteal"),
        (["--full"], r"python -m pytest -n \d --dist worksteal --full"),
        (
            ["tests/schedule", "-k", "slug or feed"],
            r"python -m pytest -n \d --dist worksteal tests/schedule -k slug .*",
        ),
        (["-n0", "-x"], r"python -m pytest -n0 -x"),
    ],
)
def test_test_hands_its_arguments_to_pytest(tree: Tree, arguments: list[str], expected: str) -> None:
    assert tree.dev("test", *arguments).returncode == 0
    calls = tree.calls()
    assert calls[0] == f"{PIP}requirements-dev.lock"
    assert re.fullmatch(expected, calls[-1])


def test_a_taken_port_is_said_before_anything_is_done(tree: Tree, taken_port: int) -> None:
    done = tree.dev("run", "--port", str(taken_port))
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"Stopped at this step: port. Port {taken_port} on 127.0.0.1 is taken")
    suggested = re.search(r"--port (\d+)$", line)
    assert suggested and int(suggested[1]) != taken_port
    assert tree.calls() == []


@pytest.mark.parametrize("arguments", [["run", "--port", "0"], ["run", "--port", "x"], ["walk"], []])
def test_wrong_usage_ends_with_2(tree: Tree, arguments: list[str]) -> None:
    assert tree.dev(*arguments).returncode == 2


def test_a_port_that_is_none_is_said_in_words(tree: Tree) -> None:
    answer = tree.dev("run", "--port", "80000")
    assert answer.returncode == 2
    assert "a port is a number from 1 to 65535, not '80000'" in answer.stderr


def test_a_missing_venv_module_names_the_package_to_install(tree: Tree) -> None:
    hidden = (
        "import runpy, sys; sys.modules['ensurepip'] = None; sys.argv[0] = 'dev.py';"
        f"runpy.run_path({str(tree.root / 'dev.py')!r}, run_name='__main__')"
    )
    done = tree.dev("run", "--port", str(free_port()), python=("-c", hidden))
    assert done.returncode == 1
    assert "has no venv module" in done.stdout
    assert f"python{sys.version_info[0]}.{sys.version_info[1]}-venv" in done.stdout
    assert tree.calls() == []


def test_a_failing_step_shows_its_last_lines_and_what_to_do(tree: Tree) -> None:
    (tree.root / ".venv" / "bin" / "node").write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo v20.1.0; exit; }\ni=1\n'
        'while [ $i -le 30 ]; do echo "line $i"; i=$((i + 1)); done\nexit 3\n'
    )
    done = tree.dev("run", "--port", str(free_port()))
    assert done.returncode == 1
    assert re.findall(r"line (\d+)", done.stdout) == [str(n) for n in range(21, 31)]
    assert "Stopped at this step: Building styles and scripts. Delete" in done.stdout.splitlines()[-1]
    # What was done before the failure stays done; the failed step comes again.
    tree.calls()
    (tree.root / ".venv" / "bin" / "node").write_text(FAKE_NODE.format(calls=tree.calls_file))
    assert tree.run()[0] == "node build.mjs"


def closed_port_settings(cache: Path) -> dict[str, str]:
    """A machine that reaches nothing: every registry is a closed port of this machine."""
    nowhere = f"http://127.0.0.1:{free_port()}/"
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": nowhere,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_RETRIES": "0",
        "npm_config_registry": nowhere,
        "npm_config_cache": str(cache),
        "npm_config_fetch_retries": "0",
    }


def test_without_a_package_index_the_step_is_named(tree: Tree, tmp_path: Path) -> None:
    (tree.root / "requirements.lock").write_text(f"workshops-is-on-no-index==1.0 --hash=sha256:{'0' * 64}\n")
    (tree.root / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    done = tree.dev("run", "--port", str(free_port()), **closed_port_settings(tmp_path / "cache"))
    assert done.returncode == 1
    assert "    ERROR: No matching distribution found" in done.stdout
    assert "Stopped at this step: Installing the Python packages of requirements.lock." in done.stdout
    assert "(network, proxy, PIP_ settings)" in done.stdout


def test_without_an_npm_registry_the_step_is_named(tree: Tree, tmp_path: Path) -> None:
    for name in ("npm", "node"):
        (tree.root / ".venv" / "bin" / name).unlink()
        # Where the system has none, the real project's environment holds the fallback.
        found = shutil.which(name) or shutil.which(name, path=str(PROJECT / ".venv" / "bin"))
        assert found, f"no {name}: run this through python3 dev.py test"
        (tree.root / ".venv" / "bin" / name).symlink_to(found)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PROJECT / "static" / name, tree.root / "static")
    done = tree.dev("run", "--port", str(free_port()), **closed_port_settings(tmp_path / "cache"))
    assert done.returncode == 1
    assert "ECONNREFUSED" in done.stdout
    assert "Stopped at this step: Fetching the design system with npm." in done.stdout


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock", "requirements-node.lock"])
def test_locks_carry_hashes_and_no_address(name: str) -> None:
    text = (PROJECT / name).read_text()
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--index|--find-links|--extra", text)


def test_what_is_tested_is_what_runs() -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (PROJECT / name).read_text(), re.MULTILINE))

    assert versions("requirements.lock") < versions("requirements-dev.lock")


def test_npm_packages_are_locked_with_hashes() -> None:
    packages = json.loads((PROJECT / "static" / "package-lock.json").read_text())["packages"]
    assert all("integrity" in entry for path, entry in packages.items() if path)
