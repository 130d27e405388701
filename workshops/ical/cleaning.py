"""What may enter a calendar: text without control characters, and links and addresses that work.

A feed carries the words of many people. One bad character or link must cost that one value and
never the feed, so nothing here raises: text loses what no calendar can show, a link or an
address that cannot be used becomes None.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

#: Characters that are dropped: C0 except tab and newline, DEL and C1 (several readers break lines
#: at U+0085), the line and paragraph separators, and the bidirectional embeddings, overrides and
#: isolates, which can make a place read as another one. Plain direction marks stay.
_DROPPED: dict[int, None] = dict.fromkeys(
    [code for code in range(0x20) if code not in (0x09, 0x0A)]
    + list(range(0x7F, 0xA0))
    + [0x2028, 0x2029]
    + list(range(0x202A, 0x202F))
    + list(range(0x2066, 0x206A))
)

#: Longer links are cut by some readers, and nobody types one.
MAX_URL_LENGTH = 2000

_UNSAFE_IN_URL = re.compile(r"[\s\x00-\x20\x7f-\x9f\u2028-\u202e\u2066-\u2069\"<>\\^`{|}]")
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LOCAL_PART = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def clean_text(value: str) -> str:
    """The text as a calendar can carry it: newlines as LF, no control characters, ends trimmed."""
    text = value.replace("\r\n", "\n").replace("\r", "\n").translate(_DROPPED)
    # Half of a surrogate pair has no UTF-8 form and would stop the whole feed.
    return text.encode("utf-8", "ignore").decode("utf-8").strip()


def clean_line(value: str) -> str:
    """Text for a place that holds one line, such as a person's name: every run of space is one."""
    return " ".join(clean_text(value).split())


def clean_url(value: str | None) -> str | None:
    """The http or https link in ASCII (RFC 3986), or None when it cannot be used.

    A link that carries a user name or password is refused too: feeds are public.
    """
    text = (value or "").strip()
    if not text or len(text) > MAX_URL_LENGTH or _UNSAFE_IN_URL.search(text):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
        if parts.scheme.lower() not in ("http", "https") or not host or "@" in parts.netloc:
            return None
        if ":" not in host:
            host = _ascii_host(host)
        elif host.isascii():
            host = f"[{host}]"
        else:
            return None
        if host is None:
            return None
        netloc = host if port is None else f"{host}:{port}"
        rest = [quote(_BROKEN_PERCENT.sub("%25", part), safe="!$%&'()*+,-./:;=?@_~[]#") for part in parts[2:]]
    except (ValueError, UnicodeError):
        return None
    return urlunsplit((parts.scheme.lower(), netloc, rest[0], rest[1], rest[2]))


def clean_email(value: str | None) -> str | None:
    """The address in ASCII, or None when no mail could go there. Case is kept."""
    text = (value or "").strip()
    local, at, domain = text.rpartition("@")
    if not at or len(text) > 254 or not _LOCAL_PART.fullmatch(local):
        return None
    host = _ascii_host(domain)
    return None if host is None else f"{local}@{host}"


def mailto(email: str) -> str:
    """A cleaned address as a CAL-ADDRESS value; what a URI reserves is percent-encoded (RFC 6068)."""
    local, _, domain = email.rpartition("@")
    encoded = quote(local, safe="!$'*+")
    return f"mailto:{encoded}@{domain}"


def _ascii_host(host: str) -> str | None:
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    labels = ascii_host.rstrip(".").split(".")
    return ascii_host if len(ascii_host) <= 253 and all(_HOST_LABEL.fullmatch(label) for label in labels) else None
