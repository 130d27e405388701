"""Calendars as Outlook, Google and Eventbrite write them: what comes of them, and what must never be kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_host, make_venue
from tests.schedule.test_import import Importer, events, load, outcomes  # noqa: F401 (a fixture)
from workshops.config import Settings
from workshops.messages.models import OutboxMessage
from workshops.messages.worker import do_once
from workshops.schedule.models import Series
from workshops.wiring import DUE_WORK, SEND_CHECKS

OUTLOOK = """BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
X-MS-OLK-FORCEINSPECTOROPEN:TRUE
BEGIN:VTIMEZONE
TZID:GMT Standard Time
BEGIN:STANDARD
DTSTART:16011028T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0100
TZOFFSETTO:-0000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T010000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:-0000
TZOFFSETTO:+0100
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;CN=ann@example.org;RSVP=TRUE:mailto:ann@example.org
ATTENDEE;CN="Bell, Ben";ROLE=OPT-PARTICIPANT:mailto:ben@example.org
CLASS:PUBLIC
CREATED:20270101T090000Z
DESCRIPTION:Who needs what\\, and when.\\n\\n______________\\nMicrosoft Teams meeting\\n
 Join: https://teams.microsoft.com/l/meetup-join/19%3ameeting_abc/0?context=x\\nMeeting ID: 1
DTEND;TZID="GMT Standard Time":20270614T120000
DTSTAMP:20270101T090000Z
DTSTART;TZID="GMT Standard Time":20270614T100000
LOCATION:Microsoft Teams Meeting
ORGANIZER;CN="Example, Olive":mailto:olive@example.org
PRIORITY:5
SEQUENCE:0
SUMMARY;LANGUAGE=en-gb:Planning together
TRANSP:OPAQUE
UID:040000008200E00074C5B7101A82E0080000000010
X-ALT-DESC;FMTTYPE=text/html:<html><body>ann@example.org</body></html>
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
BEGIN:VALARM
TRIGGER:-PT15M
ACTION:DISPLAY
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
BEGIN:VEVENT
CLASS:PRIVATE
DTSTART;TZID="GMT Standard Time":20170614T100000
DTEND;TZID="GMT Standard Time":20170614T110000
SUMMARY:Dentist for Olive
UID:private-1
END:VEVENT
END:VCALENDAR
"""

GOOGLE = """BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
X-WR-CALNAME:Co-production
X-WR-TIMEZONE:Europe/London
BEGIN:VEVENT
DTSTART;TZID=Europe/London:20270317T140000
DTEND;TZID=Europe/London:20270317T153000
RRULE:FREQ=WEEKLY;UNTIL=20270414T225959Z;BYDAY=WE
EXDATE;TZID=Europe/London:20270407T140000
DTSTAMP:20270101T090000Z
ORGANIZER;CN=Example Network:mailto:abc@group.calendar.google.com
UID:weekly@google.com
ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=ACCEPTED;CN=ann@example.org;X-NUM-GUESTS=0:mailto:ann@example.org
DESCRIPTION:<p>A <b>cup of tea</b> together.</p><br><a href="https://example.org/tea">More</a>
LOCATION:Example Hall\\, 1 Example Street\\, Glasgow\\, G1 1AA
STATUS:CONFIRMED
SUMMARY:Weekly tea
ATTACH;FILENAME=list.xlsx:https://drive.google.com/file/d/secret
END:VEVENT
BEGIN:VEVENT
DTSTART;TZID=Europe/London:20270324T150000
DTEND;TZID=Europe/London:20270324T160000
RECURRENCE-ID;TZID=Europe/London:20270324T140000
UID:weekly@google.com
SUMMARY:Weekly tea\\, later today
LOCATION:Example Hall\\, 1 Example Street\\, Glasgow\\, G1 1AA
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20270501
DTEND;VALUE=DATE:20270503
UID:fair@google.com
SUMMARY:May fair
END:VEVENT
END:VCALENDAR
"""

EVENTBRITE = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Eventbrite//Eventbrite Ical//EN
CALSCALE:GREGORIAN
METHOD:PUBLISH
BEGIN:VEVENT
DTSTAMP:20170101T090000Z
DTSTART:20170914T090000Z
DTEND:20170914T110000Z
STATUS:CONFIRMED
SUMMARY:Stories of change
DESCRIPTION:<div><p>Bring a story.</p></div><div>For details\\, click here: https://www.eventbrite.co.uk/e/1</div>
X-ALT-DESC;FMTTYPE=text/html:<p>x</p>
CLASS:PUBLIC
CREATED:20170101T090000Z
GEO:55.86;-4.25
LOCATION:Example Hall\\, 1 Example Street\\, Glasgow\\, G1 1AA
URL:https://www.eventbrite.co.uk/e/stories-of-change-tickets-1
SEQUENCE:1
UID:event-1@eventbrite.com
END:VEVENT
END:VCALENDAR
"""


def crlf(calendar: str) -> bytes:
    return calendar.replace("\n", "\r\n").encode()


def everything_kept(session: Session) -> str:
    """All that is stored of events and of what hangs on them, as one text."""
    session.rollback()
    tables = ("events", "hosts", "venues", "series", "topics", "audit", "outbox")
    found = []
    for table in tables:
        try:
            found += [str(tuple(row)) for row in session.execute(text(f"SELECT * FROM {table}"))]  # noqa: S608
        except Exception:  # noqa: BLE001  a table that goes by another name holds nothing of a calendar
            session.rollback()
    return "\n".join(found)


def test_outlook(session: Session, load: Importer) -> None:  # noqa: F811
    report = load(crlf(OUTLOOK), filename="calendar.ics")
    assert [row.outcome for row in report.rows] == ["new", "skipped"]
    assert report.rows[1].title == "A private entry"
    [event] = events(session)
    assert event.starts_at == datetime(2027, 6, 14, 9, tzinfo=UTC)
    assert event.ends_at == datetime(2027, 6, 14, 11, tzinfo=UTC)
    assert (event.mode, event.venue, event.host) == ("online", None, None)
    assert event.joining_link.startswith("https://teams.microsoft.com/l/meetup-join/")
    assert event.summary == "Who needs what, and when." and "meetup-join" not in event.description
    kept = everything_kept(session)
    assert not [word for word in ("ann@", "ben@", "Bell", "Olive", "olive@", "Dentist") if word in kept]
    assert "Planning together" in kept
    assert outcomes(load(crlf(OUTLOOK), filename="calendar.ics")) == {"unchanged": 1}


def test_google(session: Session, load: Importer) -> None:  # noqa: F811
    make_venue(session)
    make_host(session)
    report = load(crlf(GOOGLE), filename="basic.ics")
    assert outcomes(report) == {"new": 5}
    assert report.made == {}
    found = events(session)
    assert [(event.title, event.sort_at.isoformat()) for event in found] == [
        ("Weekly tea", "2027-03-17T14:00:00+00:00"),
        ("Weekly tea, later today", "2027-03-24T15:00:00+00:00"),
        ("Weekly tea", "2027-03-31T13:00:00+00:00"),
        ("Weekly tea", "2027-04-14T13:00:00+00:00"),
        ("May fair", "2027-04-30T23:00:00+00:00"),
    ]
    assert str(found[4].ends_on) == "2027-05-02"
    teas = found[:4]
    assert {event.venue.name for event in teas if event.venue} == {"Example Hall"}
    assert {event.host.name for event in (teas[0], *teas[2:]) if event.host} == {"Example Network"}
    assert len({event.uid for event in teas}) == 4 and len({event.series_id for event in teas}) == 1
    assert session.scalar(select(func.count()).select_from(Series)) == 1
    assert "A cup of tea together." in teas[0].summary + teas[0].description
    kept = everything_kept(session)
    assert "ann@" not in kept and "drive.google" not in kept and "<b>" not in kept
    assert outcomes(load(crlf(GOOGLE), filename="basic.ics")) == {"unchanged": 5}
    moved = GOOGLE.replace("20270324T150000", "20270324T151500")
    assert outcomes(load(crlf(moved), filename="basic.ics")) == {"changed": 1, "unchanged": 4}
    longer = GOOGLE.replace("UNTIL=20270414", "UNTIL=20270421")
    assert outcomes(load(crlf(longer), filename="basic.ics")) == {"new": 1, "changed": 1, "unchanged": 4}
    assert session.scalar(select(func.count()).select_from(Series)) == 1


def test_eventbrite_history_is_published_and_tells_nobody(
    session: Session, load: Importer, clock: FakeClock, settings: Settings  # noqa: F811
) -> None:
    assert outcomes(load(crlf(EVENTBRITE), filename="event.ics")) == {"new": 1}
    [event] = events(session)
    assert (event.state, event.summary) == ("published", "Bring a story.")
    assert event.source_url == "https://www.eventbrite.co.uk/e/stories-of-change-tickets-1"
    assert event.description == "For details, click here: https://www.eventbrite.co.uk/e/1"
    # neither at once nor by anything that is due later
    for _ in range(3):
        do_once(settings, due_work=DUE_WORK, checks=SEND_CHECKS, clock=lambda: clock.now)
        clock.advance(days=40)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0


@pytest.mark.parametrize("first", ["csv", "ics"])
def test_the_same_event_in_another_format_is_not_doubled(session: Session, load: Importer, first: str) -> None:  # noqa: F811
    sheet = (b"title,kind,starts,ends,mode,booking\n"
             b"Stories of change,learning event,2017-09-14T10:00,2017-09-14T12:00,in person,first come\n")
    files = {"csv": (sheet, "a.csv"), "ics": (crlf(EVENTBRITE), "a.ics")}
    second = "ics" if first == "csv" else "csv"
    assert load(files[first][0], filename=files[first][1]).count("new") == 1
    assert load(files[second][0], filename=files[second][1]).count("new") == 0
    assert len(events(session)) == 1
