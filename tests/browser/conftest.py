"""Fixtures of the browser tests: Chromium, and the production server with its worker on an instance of its own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.visitor import Visitor, visit
from tests.races.instance import Instance

#: `flask serve`, as people start it: the worker runs beside the web process and sends the mail.
SERVE = ("-m", "flask", "--app", "wsgi", "serve")
#: As root, Chromium needs --no-sandbox; the others keep it from calling home.
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


# A module's own: while Playwright runs, no other test of this process could start an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium. Without it these tests are skipped, and fail on a build server."""
    program = shutil.which("chromium")
    if program is None:
        how = "Chromium is missing: get it with `apt install chromium`"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(how, pytrace=False)
        pytest.skip(how)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@dataclass
class Site:
    """A running site: its instance (commands, mail folder) and its address."""

    instance: Instance
    base: str

    @property
    def mail_folder(self) -> Path:
        """Where the worker writes mail."""
        return self.instance.folder / "mail"


Start = Callable[..., Site]


@contextmanager
def served(folder: Path, database_url: str | None = None, *, demo: bool = False) -> Iterator[Site]:
    """A migrated instance with its server and worker, until the block ends."""
    instance = Instance(folder, database_url)
    instance.command("db", "upgrade")
    if demo:
        instance.command("demo", "load")
    with instance.served(launcher=SERVE, workers=1) as server:
        yield Site(instance, f"http://127.0.0.1:{server.port}")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """start(database_url=None) sets an empty instance up and serves it until the test is done."""
    with ExitStack() as running:
        yield lambda database_url=None: running.enter_context(served(tmp_path, database_url))


@dataclass(frozen=True)
class Scene:
    """The demonstration in every state (tests/browser/states.py), and the personal links into it."""

    site: Site
    places: dict[str, str]
    links: dict[str, str]
    proposals: dict[str, str]


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The demonstration, served. Tests may register there; nothing else changes."""
    with served(tmp_path_factory.mktemp("scene"), demo=True) as site:
        said = json.loads(site.instance.python("-m", "tests.browser.states"))
        yield Scene(site, said["places"], said["links"], said["proposals"])


@pytest.fixture
def new_visitor(chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """new_visitor(base, width=1280, javascript=True): a browser window; all are closed after the test."""
    open_windows: list[Visitor] = []

    def come(base: str, **how: int | bool) -> Visitor:
        open_windows.append(visit(chromium, base, **how))  # type: ignore[arg-type]
        return open_windows[-1]

    yield come
    for window in open_windows:
        window.close()
