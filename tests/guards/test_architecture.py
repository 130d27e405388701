"""The house: arrows of import, templates, models and migrations, settings and commands in the documents."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from workshops.config import PROJECT, SETTINGS
from workshops.core.db import Base, db

LINTER = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LINTER, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120)


def test_imports_run_downward_only() -> None:
    done = lint(PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr


#: A fault in each contract: where it is planted, what is planted, and the words that report it.
FAULTS = {
    "slices": ("workshops/messages/service.py", "import workshops.schedule.models", "Slices import only downward"),
    "exhaustive": ("workshops/utils.py", "", "Slices import only downward"),
    "inside": ("workshops/registration/models.py", "import workshops.registration.queries", "Inside a slice"),
    "pure": ("workshops/followup/rules.py", "import sqlalchemy", "Rules and iCalendar"),
    "services": ("workshops/attendance/service.py", "import flask", "Services know no Flask"),
    "views": ("workshops/wiring.py", "import workshops.accounts.views", "Views are imported by the application alone"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_contract_catches_a_planted_fault(fault: str, tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "workshops", tmp_path / "workshops", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    file, line, words = FAULTS[fault]
    target = tmp_path / file
    if not target.exists() and target.with_suffix("").is_dir():
        target = target.with_suffix("") / "__init__.py"
    target.write_text((target.read_text(encoding="utf-8") if target.exists() else "") + f"\n{line}\n", encoding="utf-8")
    done = lint(tmp_path)
    assert done.returncode != 0
    assert re.search(rf"{words}[^\n]*BROKEN", done.stdout), done.stdout


def test_models_match_the_migrations(app: Flask) -> None:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def pages_of(app: Flask) -> set[str]:
    """Every template below a slice's folder, partials and mails aside."""
    folder = PROJECT / "templates"
    found = (file.relative_to(folder) for file in folder.rglob("*.html"))
    return {
        str(path)
        for path in found
        if len(path.parts) == 2 and path.parts[0] in app.blueprints and not path.name.startswith("_")
    }


def test_each_page_template_belongs_to_an_endpoint(app: Flask) -> None:
    endpoints = {str(rule.endpoint).replace(".", "/") + ".html" for rule in app.url_map.iter_rules()}
    assert pages_of(app) - endpoints == set()


def test_every_setting_is_documented() -> None:
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [name for name in SETTINGS if f"`{name}`" not in text] == []
    assert set(re.findall(r"`(WORKSHOPS_[A-Z_]+)`", text)) == set(SETTINGS)


def test_every_command_is_documented(app: Flask) -> None:
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    promised = {
        "serve", "worker", "mail receive", "db upgrade", "demo load", "events import", "events export",
        "accounts create", "registrations export", "check", "backup", "restore", "purge",
    }  # fmt: skip
    ours = set()
    for name, command in app.cli.commands.items():
        if name in ("db", "run", "shell", "routes"):
            continue
        below = getattr(command, "commands", None)
        ours |= {f"{name} {sub}" for sub in below} if below else {name}
    assert ours | {"db upgrade"} == promised
    assert [name for name in promised if f"flask {name}" not in text] == []
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert "python3 dev.py run" in readme and "python3 dev.py test" in readme


def test_nothing_is_tracked_that_others_wrote() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("not a git checkout: nothing is tracked here")
    tracked = done.stdout.splitlines()
    assert [
        f for f in tracked if re.search(r"(^|/)(node_modules|dist|vendor|\.venv)/|\.(sqlite3?|db|eml|png|xlsx)$", f)
    ] == []


def test_the_code_is_clean() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("ruff"), "check", "."], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_types_hold() -> None:
    mypy = Path(sys.executable).with_name("mypy")
    done = subprocess.run([mypy], cwd=PROJECT, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout
