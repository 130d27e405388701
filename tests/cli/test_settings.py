"""Every setting with values that can be used and values that cannot: the latter stop the start with one sentence."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from workshops.config import PROJECT, SETTINGS, Mailbox, Settings, SettingsError, SmtpServer, keep_secret, load_settings

SECRET = "q8Zr3vXw7Lk2Tn9By4Hc6Jd1Mf5Gs0Pa"


def load(tmp_path: Path, **values: str) -> Settings:
    return load_settings({"WORKSHOPS_INSTANCE": str(tmp_path), "WORKSHOPS_SECRET_KEY": SECRET, **values})


@pytest.mark.parametrize(
    ("given", "read"),
    (
        ("https://events.example.org", "https://events.example.org"),
        ("HTTPS://Events.Example.org/", "https://events.example.org"),
        ("https://events.example.org:443", "https://events.example.org"),
        ("http://events.example.org:80", "http://events.example.org"),
        ("https://events.example.org:8443", "https://events.example.org:8443"),
        ("http://my_container:8000", "http://my_container:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ),
)
def test_a_base_address_is_read_as_browsers_write_it(tmp_path: Path, given: str, read: str) -> None:
    assert load(tmp_path, WORKSHOPS_BASE_URL=given).base_url == read


@pytest.mark.parametrize(
    "given",
    (
        "events.example.org ftp://x https:// https://x/path https://u:p@x https://@x https://x?q https://x#f "
        "https://x:0 https://x:99999 https://x:y https://-x https://x..y https://x. https://exämple.org "
        f"https://{'a' * 64}.org"
    ).split(),
)
def test_a_base_address_that_is_none_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsError, match="WORKSHOPS_BASE_URL must be an address"):
        load(tmp_path, WORKSHOPS_BASE_URL=given)


@pytest.mark.parametrize(
    ("given", "read"),
    (
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("PostgreSQL://u:p%40@h:5432/d", "postgresql+psycopg://u:p%40@h:5432/d"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
        ("postgresql:///d?host=/run/pg", "postgresql+psycopg:///d?host=/run/pg"),
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
    ),
)
def test_a_database_address_is_read(tmp_path: Path, given: str, read: str) -> None:
    assert load(tmp_path, WORKSHOPS_DATABASE_URL=given).database_url == read


def test_a_database_file_without_a_slash_stands_in_the_instance_folder(tmp_path: Path) -> None:
    assert load(tmp_path).database_url == f"sqlite:///{tmp_path}/workshops.sqlite3"
    assert load(tmp_path, WORKSHOPS_DATABASE_URL="sqlite:///x.db").database_url == f"sqlite:///{tmp_path}/x.db"


@pytest.mark.parametrize(
    "given",
    (
        "mysql://h/d sqlite:// sqlite:/// sqlite:///:memory: sqlite://h/x sqlite:///x.db?mode=ro postgresql:// "
        "postgresql+psycopg2://h/d postgresql://h:port/d postgresql://[::1/d postgresql://u:p@ss@h/d "
        "postgresql://u:p#x@h/d"
    ).split(),
)
def test_a_database_address_that_is_none_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsError, match="WORKSHOPS_DATABASE_URL must") as refusal:
        load(tmp_path, WORKSHOPS_DATABASE_URL=given)
    assert "p@ss" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "read"),
    (
        ("smtp://mail.example.org", SmtpServer("mail.example.org", 587, "starttls")),
        ("smtp://mail.example.org?tls=tls", SmtpServer("mail.example.org", 465, "tls")),
        ("smtp://127.0.0.1?tls=none", SmtpServer("127.0.0.1", 25, "none")),
        ("smtp://u:p%40w@mail.example.org:2525", SmtpServer("mail.example.org", 2525, "starttls", "u", "p@w")),
    ),
)
def test_a_mail_server_is_read(tmp_path: Path, given: str, read: SmtpServer) -> None:
    assert load(tmp_path, WORKSHOPS_SMTP_URL=given).smtp == read


@pytest.mark.parametrize(
    "given",
    (
        "mail.example.org smtps://h smtp:// smtp://h:99999 smtp://h:0 smtp://h/path smtp://h#x smtp://h?tls=ssl "
        "smtp://h?tls= smtp://h?x=1 smtp://h?tls=none&tls=tls smtp://u@h smtp://:p@h smtp://u%0d%0a:p@h smtp://u:é@h"
    ).split(),
)
def test_a_mail_server_that_is_none_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsError, match="WORKSHOPS_SMTP_URL must look like"):
        load(tmp_path, WORKSHOPS_SMTP_URL=given)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    (
        ("WORKSHOPS_SECRET_KEY", "short", "must have 32 characters or more"),
        ("WORKSHOPS_SECRET_KEY", "a" * 40, "is easy to guess"),
        ("WORKSHOPS_SECRET_KEY", "changeme-0123456789-abcdefghijklmn", "is easy to guess"),
        ("WORKSHOPS_MAIL_FROM", "Events <events@example.org>", "must be one e-mail address"),
        ("WORKSHOPS_MAIL_FROM", "a@b@example.org", "must be one e-mail address"),
        ("WORKSHOPS_MAIL_FROM", "a..b@example.org", "must be one e-mail address"),
        ("WORKSHOPS_MAIL_FROM", "events@-example.org", "must be one e-mail address"),
        ("WORKSHOPS_TRUSTED_PROXIES", "10.0.0.0/8, proxy", "holds “proxy”, which is no network"),
        ("WORKSHOPS_TRUSTED_PROXIES", "10.0.0.0/33", "which is no network"),
        ("WORKSHOPS_RATE_LIMITS", "true", "must be on or off"),
    ),
)
def test_what_cannot_be_used_is_refused_by_name(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as refusal:
        load(tmp_path, **{name: value})
    assert str(refusal.value).startswith(name) and str(refusal.value).endswith(".")


def test_what_is_left_out_or_empty_has_its_default(tmp_path: Path) -> None:
    settings = load_settings(
        {"WORKSHOPS_INSTANCE": str(tmp_path), **{name: " " for name in SETTINGS if "INST" not in name}}
    )
    assert (settings.base_url, settings.mail_from) == ("http://127.0.0.1:8000", "events@example.org")
    assert (settings.smtp, settings.trusted_proxies, settings.rate_limits) == (None, (), True)


def test_an_instance_folder_is_made_for_its_owner_alone_and_may_hold_blanks(tmp_path: Path) -> None:
    folder = tmp_path / "with blanks & ünï%20#"
    settings = load(folder)
    assert settings.instance == folder and stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert settings.database_url.endswith(f"{folder}/workshops.sqlite3")


def test_an_instance_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "why?"):
        with pytest.raises(SettingsError, match="WORKSHOPS_INSTANCE is "):
            load(folder)


def test_a_secret_is_kept_once_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = load_settings({"WORKSHOPS_INSTANCE": str(tmp_path)}).secret_key
    assert first == keep_secret(tmp_path) == (tmp_path / "secret_key").read_text().strip()
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def test_a_kept_secret_that_was_damaged_is_named_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("half\n")
    with pytest.raises(SettingsError, match="The secret kept in .*secret_key must have 32 characters or more"):
        load_settings({"WORKSHOPS_INSTANCE": str(tmp_path)})


def test_an_https_address_needs_a_secret_that_was_given_or_kept_before(tmp_path: Path) -> None:
    https = {"WORKSHOPS_INSTANCE": str(tmp_path), "WORKSHOPS_BASE_URL": "https://events.example.org"}
    with pytest.raises(SettingsError, match="WORKSHOPS_SECRET_KEY is not set"):
        load_settings(https)
    keep_secret(tmp_path)
    assert load_settings(https).is_https


@pytest.mark.parametrize("command", ("check", "db upgrade", "serve --port 1"))
def test_a_bad_setting_stops_every_start_with_one_sentence_and_no_traceback(tmp_path: Path, command: str) -> None:
    environ = {**os.environ, "WORKSHOPS_INSTANCE": str(tmp_path), "WORKSHOPS_DATABASE_URL": "postgresql://h:port/d"}
    done = subprocess.run(
        [sys.executable, "-m", "flask", *command.split()], cwd=PROJECT, env=environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("WORKSHOPS_DATABASE_URL must look like ") and done.stderr.count("\n") == 1


def test_migrating_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    environ = {
        **os.environ, "WORKSHOPS_INSTANCE": str(tmp_path), "WORKSHOPS_DATABASE_URL": "postgresql://u:hush@127.0.0.1:1/d"
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "flask", "db", "upgrade"], cwd=PROJECT, env=environ, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: The database does not answer: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("maildir:///var/mail/events", Mailbox(path=Path("/var/mail/events"))),
        ("imap://u:p%40ss@mx.example.org", Mailbox(None, "mx.example.org", 143, "starttls", "u", "p@ss", "INBOX")),
        ("imap://u:p@[::1]:993/Back/Here?tls=tls", Mailbox(None, "::1", 993, "tls", "u", "p", "Back/Here")),
    ],
)
def test_the_mailbox_is_read_from_its_address(tmp_path: Path, given: str, read: Mailbox) -> None:
    assert load(tmp_path, WORKSHOPS_MAILBOX_URL=given).mailbox == read
    assert "p@ss" not in repr(read)


@pytest.mark.parametrize(
    "given",
    [
        "maildir:///", "maildir://host/path", "maildir:relative", "imap://mx.example.org", "imap://u:p@",
        "imap://u:p@mx.example.org?tls=perhaps", "imap://u:p@mx.example.org:0", "imap://u:p%0D%0Ax@mx.example.org",
        "imap://u:p@mx.example.org/IN%0ABOX", "imap://u:p@mx.example.org?more=1", "pop://u:p@mx.example.org",
        "nonsense",
    ],
)
def test_a_mailbox_that_cannot_be_read_is_refused_in_words(tmp_path: Path, given: str) -> None:
    with pytest.raises(SettingsError, match="WORKSHOPS_MAILBOX_URL must look like"):
        load(tmp_path, WORKSHOPS_MAILBOX_URL=given)
