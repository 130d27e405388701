"""iTIP objects by the tables of RFC 5546 3.2.2 (REQUEST) and 3.2.5 (CANCEL), for exactly one person."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import icalendar
import pytest

from workshops.ical.invitation import invitation_bytes
from workshops.ical.sequence import next_sequence
from workshops.ical.serialise import vevent_bytes

STAMP = datetime(2017, 10, 3, 9, 15, tzinfo=UTC)

#: RFC 5546 3.2.2 and 3.2.5: how often each property may stand in the VEVENT.
MUST = {"UID", "DTSTAMP", "DTSTART", "ORGANIZER", "ATTENDEE", "SEQUENCE", "SUMMARY"}
MAY = {
    "DTEND",
    "DESCRIPTION",
    "LOCATION",
    "URL",
    "CATEGORIES",
    "TRANSP",
    "CREATED",
    "LAST-MODIFIED",
    "STATUS",
    "CONFERENCE",
}


def make(entry, **changes: Any) -> bytes:
    ordinary: dict[str, Any] = {
        "method": "REQUEST",
        "attendee_email": "ann@example.org",
        "attendee_name": "Ann Bell",
        "sequence": 4,
        "stamped_at": STAMP,
        "partstat": "ACCEPTED",
        "organiser_email": "events@example.org",
        "organiser_name": "Co-production team",
        "event_cancelled": False,
    }
    return invitation_bytes(entry, **{**ordinary, **changes})


def parsed(data: bytes) -> tuple[icalendar.Calendar, icalendar.Event]:
    calendar = icalendar.Calendar.from_ical(data)
    (event,) = calendar.walk("VEVENT")
    return calendar, event


CASES = {
    "request": {},
    "request while approval is open": {"partstat": "TENTATIVE"},
    "request online": {"joining_link": "https://meet.example.org/abc?x=1"},
    "one person leaves": {"method": "CANCEL"},
    "the event goes": {"method": "CANCEL", "event_cancelled": True},
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_conformance_15_every_method_has_the_properties_its_table_asks_for(make_entry, content_lines_of, case) -> None:
    data = make(make_entry(), **case)
    calendar, event = parsed(data)
    lines = content_lines_of(data)
    names = [
        line.split(":")[0].split(";")[0] for line in lines[lines.index("BEGIN:VEVENT") + 1 : lines.index("END:VEVENT")]
    ]
    assert set(names) >= MUST
    assert set(names) <= MUST | MAY
    assert len(names) == len(set(names))
    assert calendar["METHOD"] == case.get("method", "REQUEST")
    assert calendar["VERSION"] == "2.0" and calendar["PRODID"]
    assert [part.name for part in calendar.subcomponents] == ["VTIMEZONE", "VEVENT"]
    assert not event.errors
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert data.count(b"\n") == data.count(b"\r\n")


def test_the_one_attendee_is_the_recipient_and_the_organiser_the_sender(make_entry, content_lines_of) -> None:
    lines = content_lines_of(make(make_entry(organiser_email="other@example.org")))
    assert [line for line in lines if line.startswith("ATTENDEE")] == [
        "ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=FALSE"
        ';CN="Ann Bell":mailto:ann@example.org'
    ]
    assert [line for line in lines if line.startswith("ORGANIZER")] == [
        'ORGANIZER;CN="Co-production team":mailto:events@example.org'
    ]
    assert "other@example.org" not in "".join(lines)


def test_where_replies_are_read_the_invitation_asks_for_one(make_entry) -> None:
    _, event = parsed(make(make_entry(), rsvp=True, organiser_email="events+k3f9@example.org"))
    assert event["ATTENDEE"].params["RSVP"] == "TRUE"
    assert event["ORGANIZER"] == "mailto:events+k3f9@example.org"


def test_dtstamp_is_when_the_object_was_made_and_last_modified_when_the_event_was(make_entry, content_lines_of) -> None:
    lines = content_lines_of(make(make_entry()))
    assert "DTSTAMP:20171003T091500Z" in lines
    assert "LAST-MODIFIED:20171002T083000Z" in lines
    assert "SEQUENCE:4" in lines


def test_while_approval_is_open_status_and_part_are_tentative(make_entry) -> None:
    _, event = parsed(make(make_entry(), partstat="TENTATIVE"))
    assert (event["STATUS"], event["ATTENDEE"].params["PARTSTAT"]) == ("TENTATIVE", "TENTATIVE")
    _, event = parsed(make(make_entry()))
    assert (event["STATUS"], event["ATTENDEE"].params["PARTSTAT"]) == ("CONFIRMED", "ACCEPTED")


def test_conformance_21_a_cancel_to_one_person_has_no_status_and_leaves_the_feed_alone(make_entry) -> None:
    entry = make_entry()
    before = vevent_bytes(entry)
    _, event = parsed(make(entry, method="CANCEL"))
    assert "STATUS" not in event
    assert vevent_bytes(entry) == before and b"STATUS:CONFIRMED\r\n" in before


def test_when_the_event_goes_the_cancel_says_so(make_entry) -> None:
    entry = make_entry(status="CANCELLED", title_prefix="Cancelled: ")
    _, event = parsed(make(entry, method="CANCEL", event_cancelled=True))
    assert event["STATUS"] == "CANCELLED"
    assert event["SUMMARY"].startswith("Cancelled: ")


def test_conformance_20_a_whole_life_keeps_one_uid_and_a_rising_sequence(make_entry) -> None:
    """Confirmed, moved, left, came back, event cancelled, reinstated: the client must take each."""
    steps = [
        ("REQUEST", 0, "CONFIRMED", False),
        ("REQUEST", 1, "CONFIRMED", False),
        ("CANCEL", 1, "CONFIRMED", False),
        ("REQUEST", 1, "CONFIRMED", False),
        ("CANCEL", 2, "CANCELLED", True),
        ("REQUEST", 3, "CONFIRMED", False),
    ]
    last: int | None = None
    held: dict[str, int] = {}
    seen = []
    for method, event_sequence, status, gone in steps:
        last = next_sequence(event_sequence, last)
        entry = make_entry(sequence=event_sequence, status=status)
        calendar, event = parsed(make(entry, method=method, sequence=last, event_cancelled=gone))
        # A calendar program throws away what is not newer than what it holds.
        assert event["SEQUENCE"] > held.get(event["UID"], -1)
        held[event["UID"]] = event["SEQUENCE"]
        seen.append((str(calendar["METHOD"]), event["SEQUENCE"]))
    assert len(held) == 1
    assert seen == [("REQUEST", 0), ("REQUEST", 1), ("CANCEL", 2), ("REQUEST", 3), ("CANCEL", 4), ("REQUEST", 5)]


def test_a_joining_link_is_in_the_personal_request_alone(make_entry, content_lines_of) -> None:
    link = "https://meet.example.org/abc?x=1,2;3"
    entry = make_entry()
    lines = content_lines_of(make(entry, joining_link=link))
    assert f'CONFERENCE;VALUE=URI;FEATURE=VIDEO;LABEL="Join online":{link}' in lines
    _, event = parsed(make(entry, joining_link=link))
    assert event["DESCRIPTION"] == f"{entry.description}\n\nJoin online: {link}"
    assert b"meet.example.org" not in vevent_bytes(entry)
    assert b"meet.example.org" not in make(entry, joining_link=link, method="CANCEL").replace(b"\r\n ", b"")
    assert b"CONFERENCE" not in make(entry, joining_link="javascript:alert(1)")
    _, event = parsed(make(make_entry(description=""), joining_link=link))
    assert event["DESCRIPTION"] == f"Join online: {link}"


def test_the_time_zone_goes_along_only_when_it_is_used(make_entry) -> None:
    assert make(make_entry()).count(b"BEGIN:VTIMEZONE") == 1
    whole_day = make_entry(starts=date(2017, 11, 27), ends=date(2017, 12, 1), title=";TZID=Europe/London:")
    assert b"VTIMEZONE" not in make(whole_day)
    second_pass = make_entry(starts=datetime(2017, 10, 29, 1, 30, tzinfo=UTC), ends=None)
    assert b"VTIMEZONE" not in make(second_pass)


@pytest.mark.parametrize(
    "changes",
    [
        {"attendee_email": "nobody"},
        {"organiser_email": "a@b@example.org"},
        {"method": "PUBLISH"},
        {"partstat": "MAYBE"},
        {"sequence": -1},
        {"event_cancelled": True},
        {"stamped_at": STAMP.replace(tzinfo=None)},
    ],
)
def test_what_would_be_no_invitation_is_refused(make_entry, changes) -> None:
    with pytest.raises(ValueError):
        make(make_entry(), **changes)


def test_a_cancelled_event_is_never_requested(make_entry) -> None:
    with pytest.raises(ValueError, match="CANCEL"):
        make(make_entry(status="CANCELLED"))


@pytest.mark.parametrize(
    "name", ["Bell; X=1:mailto:x@example.org", 'A "B" C', "a\r\nATTENDEE:mailto:x@example.org", "", "^n^^"]
)
def test_a_hostile_name_adds_nobody(make_entry, name) -> None:
    _, event = parsed(make(make_entry(), attendee_name=name, organiser_name=name))
    assert event["ATTENDEE"] == "mailto:ann@example.org"
    assert set(event["ATTENDEE"].params) <= {"CUTYPE", "ROLE", "PARTSTAT", "RSVP", "CN"}
    assert event["ATTENDEE"].params.get("CN", "") == " ".join(name.split())
