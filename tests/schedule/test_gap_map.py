"""The gap map: what is empty, what clashes, and what is behind each number."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tests.conftest import FakeClock, FormClient
from tests.factories import BEGINNING, make_event, make_programme, make_venue
from tests.schedule.test_public_pages import page, selects
from workshops.core.db import transaction
from workshops.schedule.models import Event, EventTopic, Programme, Topic
from workshops.schedule.rules import gaps
from workshops.schedule.rules.clashes import Clash
from workshops.schedule.rules.events import AREAS
from workshops.schedule.rules.gaps import COUNCILS, Planned, days_by_area, topics_by_audience
from workshops.web.responses import Keep

Staff = Callable[..., FormClient]

FIRST = date(2027, 3, 1)
SPAN = (FIRST, FIRST + timedelta(days=9))


def planned(number: int, **more: Any) -> Planned:
    values: dict[str, Any] = {
        "id": number, "slug": f"event-{number}", "title": f"Event {number}", "when": "", "place": "", "host": "",
        "is_draft": False, "area": "Fife", "audience": "policy", "topics": {"power": "Power"}, "days": [FIRST],
        **more,
    }  # fmt: skip
    return Planned(**values)


# --- rules ------------------------------------------------------------------------------------------------------


def test_there_are_32_council_areas() -> None:
    assert len(COUNCILS) == 32


def test_each_event_stands_on_its_days_and_counts_once_in_the_totals() -> None:
    events = [
        planned(1, days=[FIRST, FIRST + timedelta(days=2)]),
        planned(2, is_draft=True),
        planned(3, area="Online"),
        planned(4, area="", days=[FIRST - timedelta(days=40)]),
        planned(5, area="Dùn Èideann", days=[]),
    ]
    grid = days_by_area(events, {}, SPAN)
    assert [row.text for row in grid.rows] == ["Fife", "Online", "Dùn Èideann", "No area given"]
    assert [column.text for column in grid.columns][:2] == ["Mon 1 Mar", "Tue 2 Mar"]
    assert [column.text for column in grid.columns][-2:] == ["Other days", "No day"]
    cell = grid.cell("fife", "2027-03-01")
    assert cell is not None and [event.id for event in cell.events] == [1, 2] and cell.drafts == 1
    totals = {row.key: len(grid.row_totals[row.key].events) for row in grid.rows}
    assert totals == {"fife": 2, "online": 1, "dun-eideann": 1, "none": 1}
    assert grid.cell("fife", "2027-03-02") == gaps.Cell()
    assert grid.cell("moray") is None and grid.cell("fife", "2027-04-01") is None
    assert grid.cell() is not None and len(grid.total.events) == 5


def test_topics_by_audience_says_what_is_not_said() -> None:
    events = [planned(1, topics={"power": "Power", "land": "Land"}), planned(2, topics={}, audience="")]
    grid = topics_by_audience(events, {})
    assert [row.text for row in grid.rows] == ["Land", "Power", "No topic given"]
    assert grid.columns[-1].text == "Not said"
    assert [len(grid.cells[row, "policy"].events) for row in ("land", "power")] == [1, 1]
    assert len(grid.column_totals["policy"].events) == 1
    assert gaps.empty_audiences(events) == ["People with lived experience", "Practitioners", "Third sector"]


def test_what_is_on_at_the_same_time_elsewhere_is_no_clash_of_a_cell() -> None:
    events = [planned(1), planned(2, area="Moray"), planned(3), planned(4, area="Angus")]

    def clash(kind: str, other: int) -> Clash:
        return Clash(kind=kind, words="", event_id=other)

    clashes = {1: [clash("programme", 2), clash("programme", 3)], 2: [clash("programme", 1), clash("programme", 3)],
               3: [clash("programme", 1)], 4: [clash("room", 99), clash("holiday", 0)]}  # fmt: skip
    grid = days_by_area(events, clashes, SPAN)
    day = FIRST.isoformat()
    found = {row: grid.cells[row, day].clashing for row in ("fife", "moray", "angus")}
    assert found == {"fife": 2, "moray": 0, "angus": 1}


@given(st.dates(date(1990, 1, 1), date(2060, 1, 1)), st.integers(0, 12_000))
def test_columns_hold_every_day_of_a_programme_once(first: date, days: int) -> None:
    last = first + timedelta(days=days)
    columns = gaps.day_columns(first, last)
    assert columns[0][1] <= first and last <= columns[-1][2]
    assert len(columns) <= max(gaps.MAX_COLUMNS + 1, days // 365 + 2)
    assert all(one[2] + timedelta(days=1) == other[1] for one, other in zip(columns, columns[1:], strict=False))
    assert len({line.key for line, _, _ in columns}) == len(columns)


DAYS = st.lists(st.dates(FIRST - timedelta(days=3), FIRST + timedelta(days=20)), max_size=4, unique=True)
PLANNED = st.builds(planned, st.integers(1, 9), area=st.sampled_from(["", "Elsewhere", *AREAS[:4]]), days=DAYS)


@given(st.lists(PLANNED))
def test_no_event_is_lost_between_the_cells(events: list[Planned]) -> None:
    grid = days_by_area(events, {}, SPAN)
    assert sum(len(cell.events) for cell in grid.row_totals.values()) == len(events)
    assert {event.id for cell in grid.cells.values() for event in cell.events} == {event.id for event in events}
    empty = gaps.empty_days(events, SPAN)
    assert all((grid.cell(column=day.isoformat()) or gaps.Cell()).events == () for day in empty)
    assert len(gaps.empty_areas(events)) == 32 - len({event.area for event in events} & set(COUNCILS))


# --- pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def programme(session: Session) -> Programme:
    """Ten days: three events in Fife on the first, two of them at the same time; a draft in Moray; one cancelled."""
    made = make_programme(session, "Example Week", starts_on=FIRST + timedelta(days=7),
                          ends_on=FIRST + timedelta(days=16))  # fmt: skip
    topic = Topic(name="power", slug="power")
    session.add_all([topic, Topic(name="land", slug="land")])
    session.flush()
    day = BEGINNING + timedelta(days=7)
    hall = make_venue(session, "Example Hall")
    common: dict[str, Any] = {"programme_id": made.id, "audience": "policy"}
    one = make_event(session, title="One", area="Fife", starts_at=day, venue_id=hall.id, **common)
    make_event(session, title="Two", area="Fife", starts_at=day + timedelta(hours=1), venue_id=hall.id, **common)
    make_event(session, title="Later", area="Fife", starts_at=day + timedelta(hours=6), **common)
    make_event(session, title="Draft", area="Moray", state="draft", starts_at=day + timedelta(days=2), **common)
    make_event(session, title="Gone", area="Angus", state="cancelled", starts_at=day, **common)
    session.add(EventTopic(event_id=one.id, topic_id=topic.id, position=0))
    session.commit()
    return made


def test_the_gap_map_says_in_words_what_is_empty_and_what_clashes(staff: Staff, programme: Programme) -> None:
    html = page(staff("viewer"), f"/staff/programmes/{programme.slug}/gaps")
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))
    assert "4 events" in words and "1 draft among them" in words and "1 cancelled not counted" in words
    assert "30 of the 32 council areas:" in words and "no event yet in Aberdeen City," in words
    assert "Orkney Islands" in words and "Shetland Islands" in words
    assert "8 days: no event yet on Tuesday 9 March 2027" in words
    assert "3 audiences: no event yet that is meant for people with lived experience," in words
    assert "1 topic: no event yet about land" in words
    fife = re.search(r'<th scope="row">Fife</th>(.*?)</tr>', html, re.S)
    assert fife is not None
    cells = [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", cell)).strip() for cell in re.findall(r"<td.*?</td>", fife[1])]
    assert cells[0] == "3 events, Fife, Monday 8 March 2027 2 clash" and cells[1] == "none"
    assert "draft" in re.search(r'<th scope="row">Moray</th>(.*?)</tr>', html, re.S)[1]  # type: ignore[index]
    assert "Example Hall is taken by “Two”" in words and "Example Hall is taken by “One”" in words
    assert "Gone" not in words


def test_each_number_leads_to_its_events(staff: Staff, programme: Programme) -> None:
    browser = staff("viewer")
    html = page(browser, f"/staff/programmes/{programme.slug}/gaps")
    for address, number in re.findall(r'href="([^"]*/gaps/events[^"]*)">(\d+)<', html):
        listed = page(browser, address.replace("&amp;", "&"))
        assert len(re.findall(r'<th scope="row">', listed.partition("<h2>Clashes")[0])) == int(number), address
    page(browser, f"/staff/programmes/{programme.slug}/gaps/events?map=days&row=nowhere", 404)
    page(browser, f"/staff/programmes/{programme.slug}/gaps/events?map=nothing", 404)
    assert "the whole programme" in page(browser, f"/staff/programmes/{programme.slug}/gaps/events")


def test_the_gap_map_as_a_spreadsheet_holds_the_empty_cells_too(staff: Staff, programme: Programme) -> None:
    answer = staff("viewer").get(f"/staff/programmes/{programme.slug}/gaps.csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    found = {(row["row"], row["column"]): (row["events"], row["drafts"], row["clashes"]) for row in rows}
    assert found["Fife", "Monday 8 March 2027"] == ("3", "0", "2")
    assert found["Fife", "Tuesday 9 March 2027"] == ("0", "0", "0")
    assert found["Power", "for policy makers"] == ("1", "0", "1")


def test_an_empty_programme_has_a_gap_map_and_an_unknown_one_has_none(staff: Staff, session: Session) -> None:
    slug = make_programme(session, "Nothing Yet", is_published=False).slug
    browser = staff("viewer")
    assert "There are no events in this programme yet" in page(browser, f"/staff/programmes/{slug}/gaps")
    assert page(browser, f"/staff/programmes/{slug}/gaps.csv").strip("\ufeff\r\n").count("\n") == 0
    page(browser, "/staff/programmes/nowhere/gaps", 404)


def test_the_gap_map_costs_the_same_selects_however_many_events(
    app: Flask, staff: Staff, session: Session, programme: Programme
) -> None:
    browser = staff("viewer")

    def cost(path: str) -> int:
        page(browser, path)
        app.extensions["workshops.keep"] = Keep()
        with selects(app) as sent:
            page(browser, path)
        return len(sent)

    base = f"/staff/programmes/{programme.slug}/gaps"
    paths = [base, f"{base}/events?map=days&row=fife"]
    few = [cost(path) for path in paths]
    for number in range(40):
        venue = make_venue(session, f"Hall {number}")
        make_event(session, programme_id=programme.id, venue_id=venue.id, area=AREAS[number % 34],
                   starts_at=BEGINNING + timedelta(days=7 + number % 12))  # fmt: skip
    assert [cost(path) for path in paths] == few
    assert max(few) <= 12


# --- kept until something is planned otherwise --------------------------------------------------------------------


def test_the_gap_map_is_kept_and_made_anew_after_every_way_of_changing_what_is_planned(
    app: Flask, staff: Staff, session: Session, programme: Programme
) -> None:
    browser = staff("viewer")
    base = f"/staff/programmes/{programme.slug}/gaps"
    event = session.scalars(
        select(Event).where(Event.programme_id == programme.id, Event.state == "published").order_by(Event.id)
    ).first()
    assert event is not None and event.area != "Moray"
    topic = Topic(name="Kept topic", slug="kept-topic")
    session.add(topic)
    session.commit()

    def rows_changed(session: Session) -> None:
        session.get_one(Event, event.id).area = "Moray"

    def row_added(session: Session) -> None:
        session.add(EventTopic(event_id=event.id, topic_id=topic.id, position=9))

    def many_deleted(session: Session) -> None:
        session.execute(delete(EventTopic).where(EventTopic.topic_id == topic.id))

    def many_changed(session: Session) -> None:
        session.execute(update(Programme).where(Programme.id == programme.id).values(ends_on=date(2027, 5, 1)))

    def place_taken(session: Session) -> None:
        session.get_one(Event, event.id).taken_in_person += 1

    def shown() -> tuple[str, int]:
        with selects(app) as sent:
            answer = page(browser, base)
        return answer[answer.index('class="site-gaps"') : answer.index("</main>")], len(sent)

    first, built = shown()
    again, kept = shown()
    assert again == first and kept < built, "kept: only who reads, the version and the programme are asked for"
    for change in (rows_changed, row_added, many_deleted, many_changed):
        with transaction() as inside:
            change(inside)
        after, selected = shown()
        assert selected == built and after != first, change.__name__
        first = after
    with transaction() as inside:
        place_taken(inside)
    assert shown() == (first, kept), "a registration plans nothing"


def test_what_is_over_by_now_is_counted_anew(
    app: Flask, staff: Staff, session: Session, programme: Programme, clock: FakeClock
) -> None:
    browser = staff("viewer")
    base = f"/staff/programmes/{programme.slug}/gaps"
    page(browser, base)
    last = max(one.over_at for one in session.scalars(select(Event).where(Event.programme_id == programme.id)))
    with selects(app) as kept:
        page(browser, base)
    clock.now = last
    browser = staff("viewer")  # nobody stays signed in for so long
    with selects(app) as anew:
        page(browser, base)
    assert len(anew) > len(kept)
