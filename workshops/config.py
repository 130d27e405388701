"""Settings from the environment. One dataclass; every setting is documented here and in docs/operations.md."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

#: The folder that holds wsgi.py; the default instance folder stands inside it.
PROJECT = Path(__file__).resolve().parent.parent

#: A secret shorter than this, or made of fewer different characters, is refused.
SECRET_MIN_LENGTH = 32
SECRET_MIN_DIFFERENT = 10

_WEAK_SECRET = re.compile(r"change.?me|secret.?key|password|example|default|insecure", re.IGNORECASE)

# RFC 1123 2.1: letters, digits and inner hyphens between dots; and the low line that containers are called by.
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_ADDRESS = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_HOST.pattern}")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_TLS_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_IMAP_PORTS = {"starttls": 143, "tls": 993, "none": 143}

#: The sender while none is set; nobody can answer it.
DEFAULT_MAIL_FROM = "events@example.org"


class SettingsError(Exception):
    """A setting that cannot be used. The message is one sentence for the person who starts the application."""


@dataclass(frozen=True)
class SmtpServer:
    """Where mail is handed over. tls is starttls, tls or none."""

    host: str
    port: int
    tls: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Mailbox:
    """Where returned mail is read: a Maildir (path), or a folder of an IMAP server. tls is starttls, tls or none."""

    path: Path | None = None
    host: str = ""
    port: int = 0
    tls: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    folder: str = "INBOX"


@dataclass(frozen=True)
class Settings:
    """Everything that can be set from outside, already checked."""

    #: WORKSHOPS_INSTANCE: folder for the embedded database, mail files and the kept secret.
    instance: Path
    #: WORKSHOPS_DATABASE_URL: sqlite:///... or postgresql://...; as SQLAlchemy wants it.
    database_url: str
    #: WORKSHOPS_BASE_URL: the one source of absolute links, without a slash at its end.
    base_url: str
    #: WORKSHOPS_SECRET_KEY, or the random one kept in the instance folder.
    secret_key: str = field(repr=False)
    #: WORKSHOPS_SMTP_URL: None means mail is written as files under instance/mail.
    smtp: SmtpServer | None
    #: WORKSHOPS_MAIL_FROM: sender of every mail and ORGANIZER of every invitation.
    mail_from: str
    #: WORKSHOPS_TRUSTED_PROXIES: networks whose X-Forwarded-For is believed.
    trusted_proxies: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    #: WORKSHOPS_RATE_LIMITS: on or off.
    rate_limits: bool
    #: True when WORKSHOPS_BASE_URL was given, and not derived from the address served.
    base_url_is_set: bool = False
    #: WORKSHOPS_MAILBOX_URL: where returned mail is read; None: nowhere.
    mailbox: Mailbox | None = None

    @property
    def is_https(self) -> bool:
        """Whether cookies must be Secure and named __Host-, and HSTS is sent."""
        return self.base_url.startswith("https://")

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded engine is used."""
        return self.database_url.startswith("sqlite")

    @property
    def mail_folder(self) -> Path:
        """Where .eml files go when there is no SMTP server."""
        return self.instance / "mail"


#: Every setting with what it means, as `flask check` and docs/operations.md list them.
SETTINGS: dict[str, str] = {
    "WORKSHOPS_INSTANCE": "folder for the database, mail files and the kept secret",
    "WORKSHOPS_DATABASE_URL": "sqlite:///... or postgresql://...",
    "WORKSHOPS_BASE_URL": "the address people use, such as https://events.example.org",
    "WORKSHOPS_SECRET_KEY": "32 characters or more",
    "WORKSHOPS_SMTP_URL": "smtp://user:pass@host:port?tls=starttls, tls or none",
    "WORKSHOPS_MAIL_FROM": "sender of mail and organiser of invitations",
    "WORKSHOPS_MAILBOX_URL": (
        "where returned mail is read: maildir:///path, or imap://user:pass@host:port/INBOX?tls=starttls, tls or none"
    ),
    "WORKSHOPS_TRUSTED_PROXIES": "networks, separated by commas",
    "WORKSHOPS_RATE_LIMITS": "on or off",
}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check all settings.

    environ: the environment; os.environ when None. Empty values count as not set.
    Makes the instance folder, and a kept random secret when none is set and the address is not https.
    Raises SettingsError with one sentence for the first setting that cannot be used.
    """
    values = {k: v.strip() for k, v in (os.environ if environ is None else environ).items() if k in SETTINGS}
    values = {k: v for k, v in values.items() if v}
    instance = _instance(values.get("WORKSHOPS_INSTANCE"))
    base_url = _base_url(values.get("WORKSHOPS_BASE_URL"), instance)
    return Settings(
        instance=instance,
        database_url=_database_url(values.get("WORKSHOPS_DATABASE_URL"), instance),
        base_url=base_url,
        base_url_is_set="WORKSHOPS_BASE_URL" in values,
        secret_key=_secret_key(values.get("WORKSHOPS_SECRET_KEY"), instance, base_url.startswith("https://")),
        smtp=_smtp(values.get("WORKSHOPS_SMTP_URL")),
        mail_from=_mail_from(values.get("WORKSHOPS_MAIL_FROM")),
        mailbox=_mailbox(values.get("WORKSHOPS_MAILBOX_URL")),
        trusted_proxies=_networks(values.get("WORKSHOPS_TRUSTED_PROXIES", "")),
        rate_limits=_on_or_off("WORKSHOPS_RATE_LIMITS", values.get("WORKSHOPS_RATE_LIMITS", "on")),
    )


def _instance(value: str | None) -> Path:
    folder = Path(value).expanduser() if value else PROJECT / "instance"
    folder = folder if folder.is_absolute() else (Path.cwd() / folder)
    if "?" in str(folder):
        raise SettingsError(f"WORKSHOPS_INSTANCE is {folder}; a database's address cannot hold a question mark.")
    try:
        # personal data lie in it: a folder made here is for its owner alone
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingsError(
            f"WORKSHOPS_INSTANCE is {folder}, which cannot be made or used as a folder: {error.strerror}."
        ) from None
    if not os.access(folder, os.W_OK):
        raise SettingsError(f"WORKSHOPS_INSTANCE is {folder}, which this user may not write to.")
    return folder


def _database_url(value: str | None, instance: Path) -> str:
    if value is None:
        return f"sqlite:///{instance / 'workshops.sqlite3'}"
    scheme, _, rest = value.partition("://")
    if scheme.lower() == "sqlite" and rest.startswith("/") and rest != "/" and not re.search(r":memory:|\?", rest):
        # a file without a leading slash stands in the instance folder, wherever a command is run from
        return f"sqlite:///{instance / rest[1:]}"
    if scheme.lower() in ("postgresql+psycopg", "postgresql", "postgres") and rest:
        try:
            parts = urlsplit(f"postgresql://{rest}")
            whole = (parts.port is None or bool(parts.hostname)) and parts.netloc.count("@") <= 1
        except ValueError:
            whole = False
        if not whole:
            raise SettingsError(
                "WORKSHOPS_DATABASE_URL must look like postgresql://user:pass@host:5432/name; "
                "write special characters in the password as %XX."
            )
        return f"postgresql+psycopg://{rest}"
    raise SettingsError(
        "WORKSHOPS_DATABASE_URL must begin with sqlite:/// (and name a file, without options) or postgresql://."
    )


def _base_url(value: str | None, instance: Path) -> str:
    if value is None:
        # `flask serve` leaves the address it serves here, so that links made by other commands fit.
        kept = instance / "served_at"
        served = kept.read_text(encoding="ascii", errors="replace").strip() if kept.is_file() else ""
        return served if re.fullmatch(r"http://[^\s/]+", served) else "http://127.0.0.1:8000"
    sentence = "WORKSHOPS_BASE_URL must be an address such as https://events.example.org, without a path."
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise SettingsError(sentence) from None
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
    if parts.scheme not in _DEFAULT_PORTS or not plain or port == 0 or not (":" in host or _HOST.fullmatch(host)):
        raise SettingsError(sentence)
    name = f"[{host}]" if ":" in host else host
    # as browsers write it: without the port that the scheme means anyway
    return f"{parts.scheme}://{name}" + (f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else "")


def _secret_key(value: str | None, instance: Path, is_https: bool) -> str:
    kept = instance / "secret_key"
    name = "WORKSHOPS_SECRET_KEY"
    if value is None and not kept.exists() and is_https:
        raise SettingsError(
            "WORKSHOPS_SECRET_KEY is not set: give it 32 or more random characters, for example from "
            "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )
    if value is None:
        name = f"The secret kept in {kept}"
        try:
            value = keep_secret(instance)
        except OSError as error:
            raise SettingsError(f"{name} cannot be read or written: {error.strerror}.") from None
    if len(value) < SECRET_MIN_LENGTH:
        raise SettingsError(f"{name} must have {SECRET_MIN_LENGTH} characters or more.")
    if len(set(value)) < SECRET_MIN_DIFFERENT or _WEAK_SECRET.search(value):
        raise SettingsError(f"{name} is easy to guess: use random characters.")
    return value


def keep_secret(instance: Path) -> str:
    """The random secret of this instance, made once and readable by its owner alone. Raises OSError."""
    kept = instance / "secret_key"
    if not kept.exists():
        new = instance / f".secret_key.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(48) + "\n")
            # whole or not at all, and the first of several that start at once makes it
            with contextlib.suppress(FileExistsError):
                os.link(new, kept)
        finally:
            new.unlink(missing_ok=True)
    return kept.read_text(encoding="ascii", errors="replace").strip()


def _smtp(value: str | None) -> SmtpServer | None:
    if value is None:
        return None
    sentence = (
        "WORKSHOPS_SMTP_URL must look like smtp://user:pass@host:587?tls=starttls (or tls, or none); "
        "write special characters in the password as %XX."
    )
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname or ""
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise SettingsError(sentence) from None
    tls = query.pop("tls", ["starttls"])
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    # smtplib signs in with ASCII alone, and a line break would begin a command of its own
    clean = (user + password).isascii() and (user + password).isprintable()
    complete = bool(user) == bool(password) and port != 0 and not query and parts.path in ("", "/")
    known = parts.scheme == "smtp" and (":" in host or _HOST.fullmatch(host)) and tls[1:] == [] and tls[0] in _TLS_PORTS
    if not (clean and complete and known) or parts.fragment:
        raise SettingsError(sentence)
    return SmtpServer(
        host=host,
        port=port or _TLS_PORTS[tls[0]],
        tls=tls[0],
        user=user or None,
        password=password or None,
    )


def _mailbox(value: str | None) -> Mailbox | None:
    if value is None:
        return None
    sentence = (
        "WORKSHOPS_MAILBOX_URL must look like maildir:///path/to/Maildir or "
        "imap://user:pass@host:143/INBOX?tls=starttls (or tls, or none); write special characters as %XX."
    )
    try:
        parts = urlsplit(value)
        port, host = parts.port, parts.hostname or ""
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise SettingsError(sentence) from None
    path = unquote(parts.path)
    if value.startswith("maildir:///") and len(path) > 1 and not parts.query and path.isprintable():
        return Mailbox(path=Path(path))
    tls = query.pop("tls", ["starttls"])
    user, password, folder = unquote(parts.username or ""), unquote(parts.password or ""), path.strip("/") or "INBOX"
    # imaplib writes these as they are, and a line break would begin a command of its own
    clean = all(text.isascii() and text.isprintable() for text in (user, password, folder))
    complete = bool(user and password) and port != 0 and not query and not parts.fragment
    known = parts.scheme == "imap" and (":" in host or _HOST.fullmatch(host)) and tls in [[how] for how in _IMAP_PORTS]
    if not (clean and complete and known):
        raise SettingsError(sentence)
    return Mailbox(
        host=host, port=port or _IMAP_PORTS[tls[0]], tls=tls[0], user=user, password=password, folder=folder
    )


def _mail_from(value: str | None) -> str:
    if value is None:
        return DEFAULT_MAIL_FROM
    if not _ADDRESS.fullmatch(value):
        raise SettingsError("WORKSHOPS_MAIL_FROM must be one e-mail address, such as events@example.org.")
    return value


def _networks(value: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    networks = []
    for part in filter(None, (p.strip() for p in value.split(","))):
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError:
            raise SettingsError(
                f"WORKSHOPS_TRUSTED_PROXIES holds “{part}”, which is no network such as 10.0.0.0/8."
            ) from None
    return tuple(networks)


def _on_or_off(name: str, value: str) -> bool:
    if value.lower() not in ("on", "off"):
        raise SettingsError(f"{name} must be on or off.")
    return value.lower() == "on"
