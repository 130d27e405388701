"""`flask mail receive`, and what `flask check` says of the mailbox."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from flask import Flask

from tests.messages.reports import report
from workshops.config import Mailbox, Settings
from workshops.messages.mailbox import check_mailbox


def run(app: Flask, *arguments: str, **more: Any) -> Any:
    return app.test_cli_runner().invoke(args=["mail", "receive", *arguments], **more)


def test_one_mail_from_standard_input_and_a_maildir_are_read(app: Flask, tmp_path: Path) -> None:
    done = run(app, "--stdin", input=report("<a@example.org>"))
    assert (done.exit_code, done.output) == (0, "1 mail read, 0 understood.\n")
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    done = run(app, "--maildir", str(tmp_path / "box"))
    assert (done.exit_code, done.output) == (0, "0 mails read, 0 understood.\n")


def test_what_cannot_be_read_is_said_in_one_sentence(app: Flask, tmp_path: Path) -> None:
    unset = run(app)
    assert unset.exit_code == 1 and "WORKSHOPS_MAILBOX_URL is not set" in unset.output
    nothing = run(app, "--maildir", str(tmp_path / "nowhere"))
    assert nothing.exit_code == 1 and "is no Maildir" in nothing.output
    assert run(app, "--stdin", "--maildir", str(tmp_path)).exit_code == 2


def test_check_names_a_mailbox_that_cannot_be_read(settings: Settings, tmp_path: Path) -> None:
    assert check_mailbox(settings) is None
    assert "is no Maildir" in str(check_mailbox(replace(settings, mailbox=Mailbox(path=tmp_path / "nowhere"))))
    closed = Mailbox(host="127.0.0.1", port=9, tls="none", user="u", password="pw")
    assert "cannot be reached" in str(check_mailbox(replace(settings, mailbox=closed)))
