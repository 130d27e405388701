"""Sets the project up and hands over; with nothing but Python 3.11 or newer and its standard library.

    python3 dev.py run      the application on http://127.0.0.1:8000, with the demonstration programme
    python3 dev.py test     the whole test-suite; arguments go on to pytest, --full runs every round
    python3 dev.py lock     for who changes pyproject.toml: writes requirements*.lock again (--upgrade: newest)

Each step is said in one line and leaves a stamp, so that a second start skips what is unchanged. The
environment (proxies, certificates, index settings) goes through to pip and npm. This file must not
import anything of the project, and its syntax stays readable to old Pythons, which get a sentence
instead of a traceback; so it has no `from __future__` line.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - said to those who start it with an older one
    sys.exit(f"This needs Python 3.11 or newer; this one is {sys.version.split()[0]}. Try python3.11 dev.py run")

import argparse
import errno
import hashlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

try:
    import fcntl
except ImportError:
    sys.exit("This runs on Linux and macOS. On Windows, use the Windows Subsystem for Linux.")

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STATIC = ROOT / "static"
MIGRATIONS = ROOT / "workshops" / "migrations"

OLDEST_NODE = 18
#: Bytes of free memory from which databases of tests are kept there.
MEMORY_FOR_TESTS = 4 * 1024**3
LINES_SHOWN_OF_A_FAILURE = 10


class Stopped(Exception):
    """A step that cannot go on. The message says which step and what to do."""


# -- Telling ---------------------------------------------------------------------------------------


def say(line: str, end: str = "\n") -> None:
    """Print at once, also into a pipe and before this process becomes another."""
    print(line, end=end, flush=True)


def command(
    arguments: Sequence[str | Path], *, what: str, advice: str, env: Mapping[str, str], cwd: Path = ROOT
) -> None:
    """Run one program quietly; say what is done and how long it took.

    Raises Stopped, with the last lines of the output, when the program fails or is not there.
    """
    say(f"{what} ... ", end="")
    begun = time.monotonic()
    try:
        done = subprocess.run(
            [str(a) for a in arguments],
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        status, output = done.returncode, done.stdout
    except OSError as error:
        status, output = 127, f"{arguments[0]}: {error.strerror}"
    took = f"{time.monotonic() - begun:.1f} s"
    if status == 0:
        say(took)
        return
    say(f"failed after {took}")
    lines = [line for line in output.splitlines() if line.strip()]
    for line in lines[-LINES_SHOWN_OF_A_FAILURE:]:
        say(f"    {line}")
    raise Stopped(f"Stopped at this step: {what}. {advice}")


# -- Stamps ----------------------------------------------------------------------------------------


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of files, whatever order they come in."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()


def read_stamps(file: Path) -> dict[str, str]:
    """What was done before; nothing when the file is missing or damaged."""
    try:
        stamps = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamps if isinstance(stamps, dict) else {}


def write_stamps(file: Path, **stamps: str) -> None:
    """Remember what is done, in one move, so that no half file is ever read."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps({**read_stamps(file), **stamps}, indent=1), encoding="utf-8")
    new.replace(file)


# -- Checks before anything is changed -------------------------------------------------------------


def check_python(find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Raise Stopped when a part of the standard library is missing. Debian keeps venv in a package of its own."""
    if find("venv") is None or find("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise Stopped(
            f"Stopped at this step: Python. {sys.executable} has no venv module. "
            f"Install it (Debian, Ubuntu: sudo apt install python{version}-venv) and start this again."
        )
    for module, name in (("_ssl", "ssl"), ("_sqlite3", "sqlite3")):
        if find(module) is None:
            raise Stopped(f"Stopped at this step: Python. {sys.executable} has no {name} module; use another Python.")


def can_listen(host: str, port: int) -> int:
    """0 when a server can listen there, or the error number that says why not. Raises OSError for an unknown host."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return error.errno or errno.EIO
    return 0


def check_port(host: str, port: int) -> None:
    """Raise Stopped, naming a port that is free, when nothing can listen at this one."""
    try:
        problem = can_listen(host, port)
    except OSError:
        raise Stopped(f"Stopped at this step: port. This machine does not know the host {host}.") from None
    if not problem:
        return
    if problem == errno.EADDRNOTAVAIL:
        raise Stopped(f"Stopped at this step: port. {host} is no address of this machine; choose another --host.")
    candidates = range(max(port, 8000) + 1, min(max(port, 8000) + 100, 65536))
    free = next((other for other in candidates if not can_listen(host, other)), 0)
    why = "is taken by another program" if problem == errno.EADDRINUSE else "may not be used by this user"
    raise Stopped(
        f"Stopped at this step: port. Port {port} on {host} {why}. "
        f"Choose another one: python3 dev.py run --port {free or 'NUMBER'}"
    )


# -- Set-up ----------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """The environment for every program started here: the caller's own, minus what would lead Python astray."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "FLASK_APP", "VIRTUAL_ENV")}
    env["PATH"] = os.pathsep.join([str(VENV / "bin"), env.get("PATH", os.defpath)])
    # Somebody without a network should hear of it in seconds; own settings win.
    for name, value in (("PIP_RETRIES", "2"), ("npm_config_fetch_retries", "1")):
        env.setdefault(name, value)
    env.update(PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", npm_config_update_notifier="false")
    if env.get("WORKSHOPS_INSTANCE", "").strip():
        # Every later program starts in the project's folder; the caller meant their own.
        env["WORKSHOPS_INSTANCE"] = str(Path(env["WORKSHOPS_INSTANCE"].strip()).expanduser().absolute())
    return env


def make_venv(env: Mapping[str, str]) -> None:
    """A virtual environment in .venv; made anew when its Python is gone or the project's folder has moved."""
    stamps = VENV / "dev.json"
    known = read_stamps(stamps).get("folder", str(ROOT))
    if PYTHON.exists() and (VENV / "bin" / "pip").exists() and known == str(ROOT):
        say("Python environment: unchanged")
    else:
        advice = "Delete the folder .venv and start this again."
        command(
            [sys.executable, "-m", "venv", "--clear", VENV],
            what=f"Making a Python {sys.version_info[0]}.{sys.version_info[1]} environment in .venv",
            advice=advice,
            env=env,
        )
    write_stamps(stamps, folder=str(ROOT))


def install(lock: str, env: Mapping[str, str]) -> None:
    """The packages of one lock file into .venv, each checked against its hash."""
    stamps = VENV / "dev.json"
    wanted = digest([ROOT / lock])
    if read_stamps(stamps).get(lock) == wanted:
        say(f"Python packages of {lock}: unchanged")
        return
    command(
        [PYTHON, "-m", "pip", "install", "--require-hashes", "--progress-bar=off", "-r", ROOT / lock],
        what=f"Installing the Python packages of {lock}",
        advice="Check that this machine reaches a Python package index (network, proxy, PIP_ settings), "
        "then start this again: it goes on from here.",
        env=env,
    )
    write_stamps(stamps, **{lock: wanted})


def has_node(env: Mapping[str, str]) -> bool:
    """Whether the system brings npm and a Node that is young enough."""
    node = shutil.which("node", path=env["PATH"])
    if node is None or shutil.which("npm", path=env["PATH"]) is None:
        return False
    said = subprocess.run([node, "--version"], env=dict(env), capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)\.", said)
    return version is not None and int(version[1]) >= OLDEST_NODE


def build_assets(env: Mapping[str, str]) -> None:
    """Styles, scripts, icons and fonts: from npm's packages into static/dist."""
    modules, built = STATIC / "node_modules", STATIC / "dist"
    stamps = modules / "dev.json"
    packages = digest(f for f in (STATIC / "package.json", STATIC / "package-lock.json") if f.exists())
    kept_out = {modules, built}
    sources = (f for f in STATIC.rglob("*") if f.is_file() and kept_out.isdisjoint(f.parents))
    source = digest(sources)
    done = read_stamps(stamps)
    is_installed = done.get("packages") == packages
    if is_installed and done.get("source") == source and built.is_dir() and any(built.iterdir()):
        say("Styles and scripts: unchanged")
        return
    if not has_node(env):
        install("requirements-node.lock", env)
    if not is_installed:
        command(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            what="Fetching the design system with npm",
            advice="Check that this machine reaches an npm registry (network, proxy, npm settings), "
            "then start this again: it goes on from here.",
            env=env,
            cwd=STATIC,
        )
        write_stamps(stamps, packages=packages)
    command(
        ["node", "build.mjs"],
        what="Building styles and scripts",
        advice="Delete the folder static/node_modules and start this again.",
        env=env,
        cwd=STATIC,
    )
    write_stamps(stamps, source=source)


# -- The instance ----------------------------------------------------------------------------------


def prepare_instance(env: Mapping[str, str]) -> Path:
    """The instance folder, with a kept random secret when none is set. Raises Stopped when it cannot be written."""
    instance = Path(env.get("WORKSHOPS_INSTANCE", "").strip() or ROOT / "instance")
    try:
        instance.mkdir(parents=True, exist_ok=True)
        # Behind https, somebody runs a real service, and the application asks for a secret of theirs.
        is_https = env.get("WORKSHOPS_BASE_URL", "").strip().startswith("https://")
        if not env.get("WORKSHOPS_SECRET_KEY", "").strip() and not is_https:
            keep_secret(instance / "secret_key")
    except OSError as error:
        raise Stopped(
            f"Stopped at this step: instance folder. {instance} cannot be written to ({error.strerror}); "
            "set WORKSHOPS_INSTANCE to a folder of yours."
        ) from None
    return instance


def keep_secret(file: Path) -> None:
    """A random secret, made once and readable by its owner alone."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(secrets.token_urlsafe(48) + "\n")


def database_file(instance: Path, env: Mapping[str, str]) -> Path | None:
    """The file of the embedded database, or None when the database is elsewhere and must be asked each time."""
    url = env.get("WORKSHOPS_DATABASE_URL", "").strip()
    if not url:
        return instance / "workshops.sqlite3"
    path = re.sub("^sqlite:///", "", url, flags=re.IGNORECASE)
    # without a slash at its front it stands in the instance folder, as the application reads it
    return instance / path if path != url else None


def database_identity(file: Path) -> str:
    """This very file at this very revision: changes when it is deleted, replaced or migrated. Empty when unknown."""
    # Here and not above: a Python built without it gets the sentence of check_python.
    import sqlite3

    try:
        where = f"file:{urllib.parse.quote(str(file))}?mode=ro"
        connection = sqlite3.connect(where, uri=True)
        try:
            revisions = sorted(str(row[0]) for row in connection.execute("SELECT version_num FROM alembic_version"))
        finally:
            connection.close()
        return f"{file}:{file.stat().st_ino}:{','.join(revisions)}"
    except (OSError, sqlite3.Error):
        return ""


def prepare_database(instance: Path, env: Mapping[str, str], *, with_demo: bool) -> None:
    """Migrations and, when wanted, the demonstration; skipped where this database has them already."""
    stamps = instance / "dev.json"
    file = database_file(instance, env)
    done = read_stamps(stamps)
    before = database_identity(file) if file else ""
    migrations = digest(MIGRATIONS.rglob("*.py"))
    same_database = bool(before) and done.get("database") == before
    if same_database and done.get("migrations") == migrations:
        say("Database: unchanged")
    else:
        command(
            [PYTHON, "-m", "flask", "--app", "wsgi", "db", "upgrade"],
            what="Migrating the database",
            advice="Read the sentence above; `.venv/bin/flask check` looks at settings and database.",
            env=env,
        )
    has_demo = same_database and done.get("demonstration") == "loaded"
    if with_demo and has_demo:
        say("Demonstration programme: unchanged")
    elif with_demo:
        command(
            [PYTHON, "-m", "flask", "--app", "wsgi", "demo", "load"],
            what="Loading the demonstration programme",
            advice="Start this again, or without it: python3 dev.py run --no-demo",
            env=env,
        )
    write_stamps(
        stamps,
        migrations=migrations,
        database=database_identity(file) if file else "",
        demonstration="loaded" if with_demo or has_demo else "",
    )


# -- Commands --------------------------------------------------------------------------------------


def one_at_a_time() -> int:
    """Wait until no other dev.py sets this folder up. The lock ends with the process or with os.close."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Waiting for another dev.py that is setting this folder up.")
        fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def become(arguments: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """End as another program, so that signals and the exit status are that program's own."""
    os.chdir(ROOT)
    os.execve(PYTHON, [str(PYTHON), *arguments], dict(env))


def run(host: str, port: int, *, with_demo: bool) -> NoReturn:
    """Set up and serve."""
    check_port(host, port)
    check_python()
    env = environment()
    one_at_a_time()
    make_venv(env)
    install("requirements.lock", env)
    build_assets(env)
    prepare_database(prepare_instance(env), env, with_demo=with_demo)
    options = ["--demo-link"] if with_demo else []
    become(["-m", "flask", "--app", "wsgi", "serve", "--host", host, "--port", str(port), *options], env)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keep_tests_in_memory(env: dict[str, str]) -> None:
    """Let databases of tests live in memory where there is room: nothing in them has to outlive the run."""
    memory = Path("/dev/shm")
    if "TMPDIR" not in env and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > MEMORY_FOR_TESTS:
        env["TMPDIR"] = str(memory)


def test(arguments: list[str]) -> NoReturn:
    """Set up and run pytest: in parallel unless the arguments say otherwise."""
    check_python()
    env = environment()
    one_at_a_time()
    make_venv(env)
    install("requirements-dev.lock", env)
    build_assets(env)
    keep_tests_in_memory(env)
    is_chosen = any(re.match(r"-n|--numprocesses|--pdb|--dist", a) for a in arguments)
    # One database server and one browser a process: more than eight would only wait for each other.
    count = min(max(processors(), 2), 8)
    parallel = [] if is_chosen else ["-n", str(count), "--dist", "worksteal"]
    say("Running the tests" if is_chosen else f"Running the tests in {count} processes")
    become(["-m", "pytest", *parallel, *arguments], env)


def lock(*, upgrade: bool) -> None:
    """Write the lock files from pyproject.toml, with uv from a throw-away environment.

    They hold for every platform and Python from 3.11 on, with hashes, and name no index. The packages of
    the application are locked within those of the tests, so that what is tested is what runs.
    """
    check_python()
    env = environment()
    options = ["--universal", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    options += ["--python-version=3.11", "--no-config", "--quiet", *(["--upgrade"] if upgrade else [])]
    jobs = (
        ("requirements-dev.lock", ["pyproject.toml", "--group=pyproject.toml:dev"]),
        ("requirements.lock", ["pyproject.toml", "--constraint=requirements-dev.lock"]),
        ("requirements-node.lock", ["--group=pyproject.toml:node"]),
    )
    advice = "Check the network and pyproject.toml."
    with tempfile.TemporaryDirectory() as folder:
        uv = Path(folder) / "venv" / "bin" / "uv"
        command([sys.executable, "-m", "venv", uv.parent.parent], what="Making an environment", advice=advice, env=env)
        command(
            [uv.with_name("python"), "-m", "pip", "install", "uv"], what="Installing uv in it", advice=advice, env=env
        )
        for name, sources in jobs:
            command(
                [uv, "pip", "compile", *sources, *options, f"--output-file={name}"],
                what=f"Writing {name}",
                advice=advice,
                env=env,
            )
            if "://" in (ROOT / name).read_text(encoding="utf-8"):
                raise Stopped(f"{name} holds an address; lock files carry none. Look at the index settings.")


def port_number(value: str) -> int:
    """A port somebody can open in a browser; argparse shows the sentence above its usage."""
    if not re.fullmatch("[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, not {value!r}")
    return int(value)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line; wrong usage ends with exit status 2."""
    parser = argparse.ArgumentParser(prog="dev.py", description="Sets the project up and runs or tests it.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    serve = commands.add_parser("run", help="set everything up and serve the application")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    serve.add_argument("--port", type=port_number, default=8000, help="port to listen at (8000)")
    serve.add_argument("--no-demo", action="store_true", help="do not load the demonstration programme")
    commands.add_parser("test", help="set everything up and run the tests; --full runs every round")
    # No help text keeps it out of the list: only who changes the dependencies needs it.
    commands.add_parser("lock").add_argument("--upgrade", action="store_true", help="take the newest versions")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    """One command; a step that fails ends with a sentence and exit status 1."""
    try:
        if arguments[:1] == ["test"] and not {"-h", "--help"}.intersection(arguments):
            test([a for a in arguments[1:] if a != "--"])
        chosen = parse(arguments)
        if chosen.command == "run":
            run(chosen.host, chosen.port, with_demo=not chosen.no_demo)
        lock(upgrade=chosen.upgrade)
    except Stopped as reason:
        say(str(reason))
        sys.exit(1)
    except KeyboardInterrupt:
        say("\nStopped.")
        sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
