"""What proposals must say, what is no proposal, and how they move: without an application."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.proposals.rules import (
    STATES,
    Details,
    WrongState,
    age_words,
    check_details,
    cleaned,
    may_decide,
    may_edit,
    may_edit_event,
    own_words,
    refuse_rubbish,
    require_decision,
    when_typed_words,
)
from workshops.schedule.rules.problems import DetailsDoNotFit

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOST = Details(
    organisation="Example Partner", name="Ann Example", title="Walk and talk", summary="A walk through the town.",
    kind="workshop", starts_on=date(2027, 4, 6), start_time="10:00", end_time="12:00", places=25,
)  # fmt: skip
ASK = Details(organisation="Example Team", name="Ann Example", title="A session for new staff",
              summary="We are twelve and new to this.", when_words="A morning in May")  # fmt: skip


def problems(purpose: str, details: Details) -> dict[str, str]:
    try:
        check_details(purpose, cleaned(details), now=NOW)
    except DetailsDoNotFit as unfit:
        return {problem.field: problem.sentence for problem in unfit.problems}
    return {}


def rubbish(**texts: str) -> dict[str, str]:
    try:
        refuse_rubbish(texts)
    except DetailsDoNotFit as unfit:
        return {problem.field: problem.sentence for problem in unfit.problems}
    return {}


def test_whole_proposals_fit() -> None:
    assert problems("host", HOST) == problems("ask", ASK) == {}


@pytest.mark.parametrize(
    ("purpose", "change", "field"),
    [
        ("host", {"title": " "}, "title"),
        ("host", {"name": ""}, "name"),
        ("host", {"organisation": "\u202e"}, "organisation"),
        ("host", {"summary": ""}, "summary"),
        ("host", {"summary": "x" * 401}, "summary"),
        ("host", {"starts_on": None}, "starts_on"),
        ("host", {"starts_on": date(2027, 2, 1)}, "starts_on"),
        ("host", {"end_time": "09:00"}, "end_time"),
        ("host", {"end_time": ""}, "end_time"),
        ("host", {"starts_on": date(2027, 3, 28), "start_time": "01:30", "end_time": "03:00"}, "start_time"),
        ("host", {"ends_on": date(2027, 4, 5)}, "ends_on"),
        ("host", {"mode": "by post"}, "mode"),
        ("host", {"audience": "nobody"}, "audience"),
        ("host", {"area": "Narnia"}, "area"),
        ("host", {"places": -1}, "places"),
        ("ask", {"when_words": ""}, "when_words"),
        ("ask", {"starts_on": date(2027, 6, 1), "ends_on": date(2027, 5, 1)}, "ends_on"),
        ("ask", {"ends_on": date(2027, 2, 1)}, "ends_on"),
        ("ask", {"summary": "x" * 2001}, "summary"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(purpose: str, change: dict[str, object], field: str) -> None:
    found = problems(purpose, replace(HOST if purpose == "host" else ASK, **change))  # type: ignore[arg-type]
    assert list(found) == [field]
    assert found[field]


def test_an_online_event_has_no_place() -> None:
    assert cleaned(replace(HOST, mode="online", venue_name="Hall", postcode="g11aa")).venue_name == ""


@pytest.mark.parametrize(
    ("texts", "field"),
    [
        ({"title": "https://cheap.example/pills"}, "title"),
        ({"title": "Walk", "summary": "http://a.example http://b.example"}, "summary"),
        ({"title": "Walk", "summary": "see www.pills.example now"}, "summary"),
        ({"name": "Win at casino.com/now"}, "name"),
        ({"organisation": "http://x.example"}, "organisation"),
        ({"title": "Walk", "message": '<a href="https://x.example">x</a>'}, "message"),
        ({"title": "Walk", "message": "[url=https://x.example]x[/url]"}, "message"),
        ({"title": "!!", "summary": "A walk through the town."}, "title"),
        (
            {"title": "Walk", "summary": "We would walk.", "message": "https://a.example/ https://b.example/ "
             "https://c.example/ https://d.example/"},
            "message",
        ),
    ],
)  # fmt: skip
def test_rubbish_is_refused_in_words(texts: dict[str, str], field: str) -> None:
    assert list(rubbish(**texts)) == [field]


def test_what_people_write_is_no_rubbish() -> None:
    assert rubbish(
        title="Còmhradh: who decides? <3", organisation="Example & Sons (Highland)", name="Màiri O’Example-Smith",
        summary="We talk about power. Less than 5 < 10 people came last year. More on https://example.org/walk",
        message="Our page: https://example.org/us, and last year: https://example.org/2026", topics="power; voice",
        venue_name="St. Example's Hall", venue_address="1/2 Example St., Inverness",
    ) == {}  # fmt: skip


@given(st.text(max_size=300), st.text(max_size=300))
def test_looking_for_rubbish_never_fails(title: str, summary: str) -> None:
    rubbish(title=title, summary=summary)


@pytest.mark.parametrize("text", ["a." * 1000, "<" * 2000, "[" * 2000, "www." * 500, "a-" * 1000, "http:" * 400])
def test_looking_for_rubbish_is_quick(text: str) -> None:
    begun = time.process_time()
    rubbish(title="Walk", summary=text)
    assert time.process_time() - begun < 0.2


def test_decisions_by_state() -> None:
    table = {state: [name for name in ("accept", "ask", "decline") if may_decide(name, state)] for state in STATES}
    assert table == {
        "unconfirmed": [],
        "waiting": ["accept", "ask", "decline"],
        "changes": ["accept", "decline"],
        "accepted": [],
        "declined": ["accept", "ask"],
        "withdrawn": [],
    }
    for state, allowed in table.items():
        for decision in ("accept", "ask", "decline"):
            if decision not in allowed:
                with pytest.raises(WrongState, match=r"\.$"):
                    require_decision(decision, state)


def test_a_draft_is_the_hosts_until_it_is_published() -> None:
    assert may_edit_event("host", "accepted", "draft")
    for purpose, state, event in (
        ("host", "accepted", "published"), ("host", "accepted", "cancelled"), ("ask", "accepted", "draft"),
        ("host", "waiting", None),
    ):  # fmt: skip
        assert not may_edit_event(purpose, state, event)
    assert [state for state in STATES if may_edit(state)] == ["waiting", "changes"]


def test_every_state_has_words_for_its_person() -> None:
    for purpose in ("host", "ask"):
        for state in STATES[1:]:
            for event in (None, "draft", "published", "postponed", "cancelled"):
                heading, words = own_words(purpose, state, event)
                assert heading and not heading.endswith(".") and words.endswith(".")


def test_ages_and_times_in_words() -> None:
    assert age_words(NOW, NOW) == "Today"
    assert age_words(NOW - timedelta(days=1), NOW) == "1 day"
    assert age_words(NOW - timedelta(days=12), NOW) == "12 days"
    assert when_typed_words("host", HOST) == "Tuesday 6 April 2027, 10am to 12 noon"
    asked = replace(ASK, starts_on=date(2027, 5, 3), ends_on=date(2027, 5, 28))
    assert when_typed_words("ask", asked) == "From Monday 3 May 2027 to Friday 28 May 2027\nA morning in May"
