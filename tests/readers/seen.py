"""Other people's calendar programs, asked what they see in a calendar of ours.

Each is a program of its own, started with a system time zone of its own, because that is how a wrong zone shows.
All answer in the same form, so that they can be compared with each other and with the database.
"""

from __future__ import annotations

import ctypes.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent
NODE_MODULES = PROJECT / "static" / "node_modules"
#: How long a reader may take, in seconds; these machines are busy.
PATIENCE_S = 120

Instant = datetime | date


@dataclass(frozen=True)
class Seen:
    """One event as a program sees it. starts, ends: aware instants in UTC or dates; a date's end is exclusive.

    None is what this program does not tell.
    """

    starts: Instant
    ends: Instant | None
    summary: str | None = None
    location: str | None = None
    description: str | None = None
    status: str | None = None


Reader = Callable[[bytes, str, Path], Mapping[str, Seen]]


def run(arguments: list[str | Path], *, zone: str = "UTC", given: bytes = b"", **more: str) -> bytes:
    """What a program prints, run in a system time zone. Fails the test with its words when it ends badly."""
    env = {**os.environ, "TZ": zone, "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", **more}
    done = subprocess.run(
        [str(part) for part in arguments], input=given, env=env, capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, f"{arguments[0]}: {done.stderr.decode(errors='replace')[-800:]}"
    return done.stdout


def instant(text: str) -> Instant:
    """2027-03-28T00:30:00Z as an instant, 2027-03-28 as a date."""
    return datetime.fromisoformat(text).astimezone(UTC) if "T" in text else date.fromisoformat(text)


def _from_lines(printed: bytes) -> dict[str, Seen]:
    """The readers we started print one JSON object a line."""
    found: dict[str, Seen] = {}
    for line in printed.decode("utf-8").split("\n"):
        if line:
            told = json.loads(line)
            ends = told.get("ends")
            uid = told["uid"] + (f" {told['starts']}" if told["uid"] in found else "")
            found[uid] = Seen(
                instant(told["starts"]), instant(ends) if ends else None, told.get("summary"), told.get("location"),
                told.get("description"), told.get("status"),
            )  # fmt: skip
    return found


def by_icalendar(feed: bytes, zone: str, folder: Path) -> Mapping[str, Seen]:
    """icalendar, in a process of its own."""
    return _from_lines(run([sys.executable, HERE / "with_icalendar.py"], zone=zone, given=feed))


def by_recurring_ical_events(feed: bytes, zone: str, folder: Path) -> Mapping[str, Seen]:
    """recurring-ical-events, asked for every day."""
    return _from_lines(run([sys.executable, HERE / "with_icalendar.py", "--days"], zone=zone, given=feed))


def by_ical_js(feed: bytes, zone: str, folder: Path) -> Mapping[str, Seen]:
    """ical.js, which Thunderbird and Nextcloud use."""
    return _from_lines(run([node(), HERE / "with_ical_js.mjs", NODE_MODULES], zone=zone, given=feed))


def by_node_ical(feed: bytes, zone: str, folder: Path) -> Mapping[str, Seen]:
    """node-ical, which many home servers use."""
    return _from_lines(run([node(), HERE / "with_node_ical.mjs", NODE_MODULES], zone=zone, given=feed))


def by_libical(feed: bytes, zone: str, folder: Path) -> Mapping[str, Seen]:
    """libical, which GNOME and KDE use."""
    library = ctypes.util.find_library("ical")
    if library is None:
        missing("libical is not installed: apt-get install libical3")
    return _from_lines(run([sys.executable, HERE / "with_libical.py", str(library)], zone=zone, given=feed))


def by_khal(feed: bytes, zone: str, folder: Path) -> Mapping[str, Seen]:
    """khal, which reads a folder of single events, as vdirsyncer writes them. It tells times in the system's zone."""
    events = folder / "khal"
    (events / "shown").mkdir(parents=True)
    (events / "feed.ics").write_bytes(feed)
    config = events / "config"
    config.write_text(
        f"[calendars]\n[[shown]]\npath = {events / 'shown'}\n[sqlite]\npath = {events / 'khal.db'}\n"
        f"[locale]\nlocal_timezone = {zone}\ndefault_timezone = {zone}\ntimeformat = %H:%M\ndateformat = %Y-%m-%d\n"
        "longdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%dT%H:%M\nlongdatetimeformat = %Y-%m-%dT%H:%M\n",
        encoding="utf-8",
    )
    khal: list[str | Path] = [Path(sys.executable).with_name("khal"), "-c", config]
    run([*khal, "import", "--batch", "-a", "shown", events / "feed.ics"], zone=zone)
    form = "{uid}|{all-day}|{start-long-full}|{end-long-full}"
    printed = run([*khal, "list", "--once", "--day-format", "", "--format", form, "2027-01-01", "400d"], zone=zone)
    return _khal_lines(printed.decode("utf-8"), ZoneInfo(zone))


def _khal_lines(printed: str, zone: ZoneInfo) -> dict[str, Seen]:
    found = {}
    for uid, is_all_day, starts, ends in re.findall(r"(?m)^([^|]+)\|([^|]+)\|([^|]+)\|(.+)$", printed):
        if is_all_day == "True":
            last = date.fromisoformat(ends[:10])
            found[uid] = Seen(date.fromisoformat(starts[:10]), date.fromordinal(last.toordinal() + 1))
        else:
            instants = [datetime.fromisoformat(at).replace(tzinfo=zone).astimezone(UTC) for at in (starts, ends)]
            found[uid] = Seen(instants[0], instants[1])
    return found


def by_calcurse(feed: bytes, zone: str, folder: Path) -> Mapping[str, Seen]:
    """calcurse, which has no UIDs and tells times in the system's zone: its events are named by their titles."""
    calcurse = shutil.which("calcurse")
    if calcurse is None:
        missing("calcurse is not installed: apt-get install calcurse")
    data = folder / "calcurse"
    data.mkdir()
    (data / "feed.ics").write_bytes(feed)
    run([str(calcurse), "-q", "-D", data, "-i", data / "feed.ics"], zone=zone)
    found: dict[str, Seen] = {}
    when = r"(\d\d)/(\d\d)/(\d{4})"
    for line in (data / "apts").read_text(encoding="utf-8").split("\n"):
        timed = re.match(rf"{when} @ (\d\d):(\d\d) -> {when} @ (\d\d):(\d\d)(?:>\w+)? \|(.*)", line)
        if timed:
            m, d, y, hour, minute, m2, d2, y2, hour2, minute2 = (int(part) for part in timed.groups()[:-1])
            starts = datetime(y, m, d, hour, minute, tzinfo=ZoneInfo(zone)).astimezone(UTC)
            ends = datetime(y2, m2, d2, hour2, minute2, tzinfo=ZoneInfo(zone)).astimezone(UTC)
            found[timed[11]] = Seen(starts, ends, timed[11])
    return found


READERS: dict[str, Reader] = {
    "icalendar": by_icalendar,
    "recurring-ical-events": by_recurring_ical_events,
    "ical.js": by_ical_js,
    "node-ical": by_node_ical,
    "libical": by_libical,
    "khal": by_khal,
    "calcurse": by_calcurse,
}


def node() -> str:
    """Node, as the machine or the project has it."""
    found = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if found is None:
        missing("node is not installed: python3 dev.py test sets it up")
    return found


def missing(words: str) -> None:
    """Skip with one line, but fail where the build server should have it."""
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)
