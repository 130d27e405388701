"""Who may do what, how long a sign-in and a link last, and which passwords are taken. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import unquote, urlsplit

from workshops.core.errors import DomainError

#: From the one who may least to the one who may most; the same as web.access.ROLES, which rules may not import.
ROLES = ("viewer", "facilitator", "organiser", "admin")

#: What people with each role may do, as in "Facilitators run their own events".
ROLE_WORDS = {
    "viewer": "see events, counts and write-ups, and no names of people who registered",
    "facilitator": "run their own events, with the people who registered for them",
    "organiser": "run their programmes with all their events, and events of no programme",
    "admin": "do everything, staff accounts included",
}

MAX_NAME = 120

#: A sign-in ends when its browser was not seen for this long, and in any case after the second span (ASVS 7.3).
IDLE = timedelta(hours=2)
ABSOLUTE = timedelta(hours=12)
#: How exactly the last use is kept.
TOUCH_EVERY = timedelta(minutes=1)

#: How long a one-time link can be used.
LINK_LIFE = {
    "invitation": timedelta(days=7),
    "new_password": timedelta(hours=1),
    "demonstration": timedelta(hours=24),
}

#: Said for every sign-in that fails, whatever the reason.
SIGN_IN_FAILED = "The email address or the password is not right. Check both and try again"


class Signed(Protocol):
    """What the rules need to know about somebody signed in."""

    @property
    def id(self) -> int: ...

    @property
    def role(self) -> str: ...


class AlreadyThere(DomainError):
    """An account with this address exists."""

    sentence = "There is already an account with this email address"


class NotYourself(DomainError):
    """Nobody takes their own rights away by accident."""

    sentence = "You cannot change your own role or close your own account. Ask another admin to do it"


class LastAdmin(DomainError):
    """Without an admin nobody could let anybody in."""

    sentence = "This is the only admin. Make somebody else an admin first"


class WrongPassword(DomainError):
    """The current password did not fit."""

    sentence = "Your current password is not right"


class LinkGone(DomainError):
    """A one-time link that was used or is too old."""

    sentence = "This link no longer works"


# --- sign-ins and links -------------------------------------------------------------------------------------


def is_live(created_at: datetime, last_seen_at: datetime, ended_at: datetime | None, now: datetime) -> bool:
    """Whether a sign-in still holds."""
    return ended_at is None and now < created_at + ABSOLUTE and now < last_seen_at + IDLE


def link_works(used_at: datetime | None, expires_at: datetime, now: datetime) -> bool:
    """Whether a one-time link can still be used."""
    return used_at is None and now < expires_at


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """ "Chrome on Windows": enough for a person to recognise a browser of theirs, and no more is kept."""
    browser = next((words for mark, words in _BROWSERS if mark in user_agent), "")
    system = next((words for mark, words in _SYSTEMS if mark in user_agent), "")
    return " on ".join(part for part in (browser, system) if part) or "Unknown browser"


def own_path(path: str | None) -> str | None:
    """A path of this site to go on to after sign-in, or None when it is anything else (security.md D.2 row 10).

    Taken: one leading slash, then a path without "//", "\\", "." segments, control characters or blanks, also
    after percent-decoding any number of times; a query. Everything else could be read as another host by
    some browser.
    """
    if not path or not path.startswith("/") or len(path) > 2000 or "#" in path:
        return None
    decoded = path
    for _ in range(5):
        before, _, query = decoded.partition("?")
        if re.search(r"[\\\x00-\x20\x7f-\xa0]", before) or re.search(r"//|/\.{1,2}(/|$)", before):
            return None
        if re.search(r"[\x00-\x1f\x7f]", query):
            return None
        further = unquote(decoded)
        if further == decoded:
            break
        decoded = further
    else:
        return None
    parts = urlsplit(path)
    return None if parts.scheme or parts.netloc else path


# --- changes by an admin ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """What an account may do: its role, and whether it may sign in at all."""

    role: str
    is_active: bool


def check_change(
    *, actor_id: int | None, account_id: int, before: Standing, after: Standing, other_active_admins: int
) -> None:
    """Whether an account may be given another standing.

    actor_id: the admin who asks, None for the command line.   other_active_admins: not counting this account.
    Raises NotYourself or LastAdmin; ValueError for a role that does not exist.
    """
    if after.role not in ROLES:
        raise ValueError(f"{after.role!r} is no role")
    if before == after:
        return
    if actor_id == account_id:
        raise NotYourself(field="role" if before.role != after.role else "is_active")
    was_admin, stays_admin = before == Standing("admin", True), after == Standing("admin", True)
    if was_admin and not stays_admin and other_active_admins == 0:
        raise LastAdmin(field="role" if before.role != after.role else "is_active")
