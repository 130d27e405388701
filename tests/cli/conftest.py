"""Commands as scripts and people type them: inside the test's application, or as programs of their own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from tests.races.instance import Instance

Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    """run("events", "import", file) is `flask events import FILE` on the test's database."""
    return lambda *arguments: app.test_cli_runner().invoke(args=[str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """A migrated instance of its own on SQLite, for programs that run beside the test."""
    made = Instance(tmp_path_factory.mktemp("an instance"))
    made.command("db", "upgrade")
    return made
