"""How often feeds are fetched, counted in the memory of one process and handed on outside requests.

Nothing about anybody is kept: addresses are hashed with a salt that is made anew each day and never leaves the process,
only so that one reader is counted once; what is handed on are numbers. The memory it takes is bounded.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, field
from datetime import date, datetime

from workshops.core.london_time import london_date

#: Feeds and programs counted apart in one process on one day; whatever comes later is counted together.
MOST_TALLIES = 500
#: Readers told apart for each of them: above it the number stands.
MOST_READERS = 5_000
#: The name under which feeds are counted together.
OTHER_FEEDS = "other"


@dataclass(frozen=True)
class Counted:
    """What was counted since the last time. readers: at least so many on that day, in this process."""

    feed: str
    family: str
    day: date
    first_at: datetime
    last_at: datetime
    fetches: int
    unchanged: int
    readers: int


@dataclass(frozen=True)
class Used:
    """A personal calendar that was fetched. what: my_places or staff.   id: of its row."""

    what: str
    id: int
    day: date


@dataclass
class _Tally:
    readers: set[bytes] = field(default_factory=set)
    fetches: int = 0
    unchanged: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


class Fetches:
    """The counts of one process. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._day: date | None = None
        self._salt = b""
        self._tallies: dict[tuple[str, str, date], _Tally] = {}
        self._used: set[Used] = set()

    def note(self, feed: str, family: str, address: str, *, unchanged: bool, now: datetime) -> None:
        """One fetch. feed: its address without the host.   family: as clients.FAMILIES.   unchanged: answered 304."""
        day = london_date(now)
        with self._lock:
            if day != self._day:
                self._begin(day)
            key = (feed, family, day)
            if key not in self._tallies and len(self._tallies) >= MOST_TALLIES:
                key = (OTHER_FEEDS, family, day)
            tally = self._tallies.setdefault(key, _Tally())
            tally.fetches += 1
            tally.unchanged += unchanged
            tally.first_at = tally.first_at or now
            tally.last_at = now
            if len(tally.readers) < MOST_READERS:
                tally.readers.add(hashlib.blake2b(address.encode(), key=self._salt, digest_size=8).digest())

    def note_use(self, what: str, id: int, *, now: datetime) -> None:
        """A personal calendar was fetched; only the day is kept."""
        with self._lock:
            self._used.add(Used(what, id, london_date(now)))

    def take(self) -> tuple[list[Counted], list[Used]]:
        """What is new since the last time, in one order, so that two processes writing it cannot block each other."""
        with self._lock:
            counted = [
                Counted(feed, family, day, tally.first_at, tally.last_at, tally.fetches, tally.unchanged,
                        len(tally.readers))
                for (feed, family, day), tally in sorted(self._tallies.items())
                if tally.fetches and tally.first_at is not None and tally.last_at is not None
            ]  # fmt: skip
            used = sorted(self._used, key=lambda one: (one.what, one.id, one.day))
            self._used = set()
            # The readers of today stay, so that somebody who comes again is not counted twice.
            self._tallies = {
                key: _Tally(readers=tally.readers) for key, tally in self._tallies.items() if key[2] == self._day
            }
        return counted, used

    def give_back(self, counted: list[Counted], used: list[Used]) -> None:
        """What could not be written; it is handed on the next time."""
        with self._lock:
            for one in counted:
                tally = self._tallies.setdefault((one.feed, one.family, one.day), _Tally())
                tally.fetches += one.fetches
                tally.unchanged += one.unchanged
                tally.first_at = min(one.first_at, tally.first_at or one.first_at)
                tally.last_at = max(one.last_at, tally.last_at or one.last_at)
            self._used |= set(used)

    def _begin(self, day: date) -> None:
        """A new day: the addresses of the day before can be compared with nothing any more."""
        self._day, self._salt = day, secrets.token_bytes(32)
        for tally in self._tallies.values():
            tally.readers = set()
