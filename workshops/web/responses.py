"""Answers: redirects after a change, and public answers kept by version.

A public answer is the same for everybody. It is built once per version and kept in memory; it says until
which instant it holds by the clock. So a kept answer costs one SELECT and a 304 builds nothing (DESIGN 3).
"""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import cached_property

from flask import Response, current_app, make_response, redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

#: All kept answers of one process together, in bytes; the least recently used go first.
KEEP_BYTES = 64 * 1024 * 1024
#: Answers smaller than this are not worth compressing.
GZIP_FROM = 1024
#: Larger ones are compressed fast: a feed of 1,000 events in 2 ms to 53 KB, not in 5 ms to 43 KB.
GZIP_FAST_FROM = 128 * 1024

Version = tuple[object, ...]


@dataclass(frozen=True)
class Built:
    """A public answer as built: its bytes and the first instant at which the clock changes it (or None)."""

    body: bytes
    content_type: str
    until: datetime | None = None
    last_modified: datetime | None = None
    filename: str | None = None


class Zipped:
    """A body compressed when somebody first asks for it so: many calendar programs and monitors never do."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    @cached_property
    def content(self) -> bytes:
        """The compressed bytes, the same at every call and in every process."""
        return gzip.compress(self.body, 6 if len(self.body) < GZIP_FAST_FROM else 1, mtime=0)


@dataclass(frozen=True)
class Kept:
    """A built answer with what a conditional request needs. zipped None: never sent compressed."""

    built: Built
    version: Version
    etag: str
    zipped: Zipped | None

    @property
    def size(self) -> int:
        """What it takes in memory, about: pages compress to a quarter or less."""
        return len(self.built.body) * (5 if self.zipped else 4) // 4


@dataclass
class Keep:
    """The kept answers of one process."""

    kept: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str, version: Version, now: datetime) -> Kept | None:
        """The answer kept for this version, if the clock has not passed it."""
        with self.lock:
            found = self.kept.get(key)
            if (
                found is None
                or found.version != version
                or (found.built.until is not None and now >= found.built.until)
            ):
                return None
            self.kept.move_to_end(key)
            return found

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer; drop the least recently used ones while all together are too large."""
        with self.lock:
            old = self.kept.pop(key, None)
            self.size += kept.size - (old.size if old else 0)
            self.kept[key] = kept
            while self.size > KEEP_BYTES and self.kept:
                _, dropped = self.kept.popitem(last=False)
                self.size -= dropped.size


def see_other(location: str) -> ResponseReturnValue:
    """303: what ends every change that worked."""
    return redirect(location, 303)


def public_answer(key: str, version: Version, build: Callable[[], Built], *, now: datetime) -> Response:
    """A public answer from memory, or built; 304 when the asker has it already.

    key: what is shown (path and every filter that matters).   version: what moves when it changes; holds the
    epoch of the database.   build: makes it; called only when nothing fitting is kept.
    """
    keep: Keep = current_app.extensions["workshops.keep"]
    # pages carry absolute links, so two base addresses never share an answer
    kept = keep.get(key, version, now)
    if kept is None:
        built = build()
        etag = hashlib.sha256(built.body).hexdigest()[:32]
        zipped = Zipped(built.body) if len(built.body) >= GZIP_FROM else None
        kept = Kept(built, version, etag, zipped)
        keep.put(key, kept)
    return conditional(kept)


def kept_part(key: str, version: Version, build: Callable[[], Built], *, now: datetime) -> Markup:
    """A part of a page for staff from memory, or built: what everybody who may see the page sees alike.

    Who may see it is checked before, at each request; nothing about the reader belongs into it. Arguments as of
    public_answer. The page around it is made anew, so it carries no ETag.
    """
    keep: Keep = current_app.extensions["workshops.keep"]
    kept = keep.get(key, version, now)
    if kept is None:
        kept = Kept(build(), version, etag="", zipped=None)
        keep.put(key, kept)
    return Markup(kept.built.body.decode("utf-8"))


def conditional(kept: Kept) -> Response:
    """200 with the bytes, or 304, for this request (RFC 9110 13.2.2: If-None-Match before If-Modified-Since)."""
    zipped = kept.zipped if kept.zipped is not None and request.accept_encodings["gzip"] > 0 else None
    etag = f'"{kept.etag}-gz"' if zipped else f'"{kept.etag}"'
    if _asker_has_it(etag, kept.built.last_modified):
        response = Response(status=304)
    else:
        response = make_response(zipped.content if zipped else kept.built.body)
        response.headers["Content-Type"] = kept.built.content_type
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
        if kept.built.filename:
            response.headers["Content-Disposition"] = f'inline; filename="{kept.built.filename}"'
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "public, no-cache"
    if kept.zipped is not None:
        response.headers["Vary"] = "Accept-Encoding"
    if kept.built.last_modified is not None:
        response.headers["Last-Modified"] = format_datetime(kept.built.last_modified.astimezone(UTC), usegmt=True)
    return response


def _asker_has_it(etag: str, last_modified: datetime | None) -> bool:
    asked = request.headers.get("If-None-Match")
    if asked is not None:
        return any(part.strip().removeprefix("W/") in (etag, "*") for part in asked.split(","))
    since = request.headers.get("If-Modified-Since")
    if since is None or last_modified is None:
        return False
    try:
        return last_modified <= parsedate_to_datetime(since).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return False  # a bad date is ignored
