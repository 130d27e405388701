"""Slugs, folding, times, details, states and what follows from a change: pure, no application."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workshops.core.london_time import london_date, time_words, typed_instant, wall_time
from workshops.core.typed_dates import parse_time
from workshops.schedule.rules.events import (
    Counts,
    EventDetails,
    Place,
    capacity_words,
    change_notes,
    changed_fields,
    check,
    clean_postcode,
    cleaned,
    decide_change,
    whole_number,
)
from workshops.schedule.rules.folding import fold
from workshops.schedule.rules.importing import refuse_untold, target_state
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.questions import Question
from workshops.schedule.rules.slugs import MAX_LENGTH, free_slug, is_slug, slug_of
from workshops.schedule.rules.states import (
    STEPS,
    Step,
    WrongState,
    check_publishable,
    clean_reason,
    possible_steps,
    take_step,
)
from workshops.schedule.rules.when import TypedDay, When, check_days, days_typed, when_typed

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
STARTS = datetime(2027, 4, 6, 9, tzinfo=UTC)


def details(**more: object) -> EventDetails:
    values = {
        "title": "Example round-table",
        "kind": "round-table",
        "when": When(starts_at=STARTS, ends_at=STARTS + timedelta(hours=2)),
        **more,
    }
    return EventDetails(**values)  # type: ignore[arg-type]


def sentences(values: EventDetails, now: datetime = NOW) -> dict[str, str]:
    try:
        check(cleaned(values), now=now)
    except DetailsDoNotFit as unfit:
        return {problem.field: problem.sentence for problem in unfit.problems}
    return {}


# --- slugs and folding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Co-Production Round-table", "co-production-round-table"),
        ("4th Conference: It's time to walk the talk", "4th-conference-its-time-to-walk-the-talk"),
        ("Scotland’s Vision", "scotlands-vision"),
        ("Còmhradh mu Ghàidhlig  &  Dùn Èideann!", "comhradh-mu-ghaidhlig-dun-eideann"),
        ("  --  ", "event"),
        ("会議", "event"),
    ],
)
def test_a_slug_drops_marks_and_apostrophes_and_joins_the_rest_with_hyphens(title: str, slug: str) -> None:
    assert slug_of(title) == slug


@given(st.text(max_size=200))
def test_every_slug_can_stand_in_an_address(title: str) -> None:
    assert is_slug(slug_of(title))
    assert len(slug_of(title)) <= MAX_LENGTH


def test_a_clash_gets_the_year_then_the_day_then_a_number() -> None:
    taken: set[str] = set()
    given_out = []
    for _ in range(5):
        slug = free_slug("Open day", taken.__contains__, day="2016-11-14")
        taken.add(slug)
        given_out.append(slug)
    assert given_out == ["open-day", "open-day-2016", "open-day-2016-11-14", "open-day-2", "open-day-3"]


@given(st.text(alphabet="ab c", min_size=1, max_size=120), st.sets(st.integers(0, 3)))
def test_a_slug_stays_within_its_length_after_a_clash(title: str, _: set[int]) -> None:
    base = slug_of(title)
    assert len(free_slug(title, {base}.__contains__, day="2016-11-14")) <= MAX_LENGTH


def test_an_event_called_new_does_not_take_the_address_of_the_form() -> None:
    assert free_slug("New", lambda _: False, day="2016-11") == "new-2016"


@given(st.text(max_size=60))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_folding_finds_gaelic_without_accents() -> None:
    assert fold("Dùn  ÈIDEANN") == "dun eideann"


# --- times --------------------------------------------------------------------------------------------------


def test_a_form_without_times_is_about_whole_days_with_the_last_one_included() -> None:
    when = when_typed(date(2027, 11, 15), None, date(2027, 11, 21), None)
    assert when == When(starts_on=date(2027, 11, 15), ends_on=date(2027, 11, 21))
    assert when.sort_at == datetime(2027, 11, 15, tzinfo=UTC)
    assert when.over_at == datetime(2027, 11, 22, tzinfo=UTC)
    assert when.words() == "Monday 15 November to Sunday 21 November 2027"


def test_summer_time_is_taken_into_account() -> None:
    when = when_typed(date(2027, 7, 1), time(10), None, time(12))
    assert (when.starts_at, when.over_at) == (datetime(2027, 7, 1, 9, tzinfo=UTC), datetime(2027, 7, 1, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("first", "starts", "last", "ends", "field"),
    [
        (date(2027, 5, 4), time(12), None, time(10), "end_time"),
        (date(2027, 5, 4), time(12), None, time(12), "end_time"),
        (date(2027, 5, 4), None, date(2027, 5, 3), None, "ends"),
        (date(2027, 5, 4), time(10), None, None, "end_time"),
        (date(2027, 5, 4), None, None, time(10), "start_time"),
        (date(2027, 3, 28), time(1, 30), None, time(4), "start_time"),
    ],
)
def test_times_that_cannot_be_are_refused_at_their_field(
    first: date, starts: time | None, last: date | None, ends: time | None, field: str
) -> None:
    with pytest.raises(DetailsDoNotFit) as refused:
        when_typed(first, starts, last, ends)
    assert refused.value.field == field


def test_the_hour_that_spring_leaves_out_is_refused_with_the_reason() -> None:
    with pytest.raises(DetailsDoNotFit, match="clocks go forward"):
        when_typed(date(2027, 3, 28), time(1, 15), None, time(3))


def test_a_time_that_autumn_repeats_is_refused_with_the_way_to_say_which_one() -> None:
    with pytest.raises(DetailsDoNotFit, match="write 1:30am BST for the first one, or 1:30am GMT for the second"):
        when_typed(date(2027, 10, 31), time(1, 30), None, time(3))
    with pytest.raises(DetailsDoNotFit, match="happens twice") as refused:
        when_typed(date(2027, 10, 31), time(0, 30), None, time(1, 30))
    assert refused.value.field == "end_time"
    first = when_typed(date(2027, 10, 31), parse_time("1:30am BST"), None, time(3))
    second = when_typed(date(2027, 10, 31), parse_time("1.30 a.m. gmt"), None, time(3))
    assert first.starts_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert second.starts_at == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert first.words() == "Sunday 31 October 2027, 1:30am BST to 3am"
    assert second.words() == "Sunday 31 October 2027, 1:30am GMT to 3am"
    night = when_typed(date(2027, 10, 31), parse_time("1:30am BST"), None, parse_time("1:30am GMT"))
    assert night.ends_at is not None and night.starts_at is not None
    assert night.ends_at - night.starts_at == timedelta(hours=1)


def test_a_zone_that_the_clocks_are_not_on_is_refused() -> None:
    with pytest.raises(DetailsDoNotFit, match="are on BST at 10am on Wednesday 14 July 2027: leave GMT out"):
        when_typed(date(2027, 7, 14), parse_time("10am GMT"), None, time(12))
    with pytest.raises(DetailsDoNotFit, match="clocks go forward"):
        when_typed(date(2027, 3, 28), parse_time("1:30am GMT"), None, time(12))
    assert when_typed(date(2027, 7, 14), parse_time("10am BST"), None, time(12)).words().endswith("10am to 12 noon")


@given(st.datetimes(min_value=NOW.replace(year=1996, tzinfo=None), timezones=st.just(UTC)))
@example(datetime(2027, 10, 31, 0, 30, tzinfo=UTC))
@example(datetime(2027, 10, 31, 1, 30, tzinfo=UTC))
def test_every_minute_can_be_read_back_from_the_words_it_is_written_in(at: datetime) -> None:
    at = at.replace(second=0, microsecond=0, year=min(at.year, 2090), day=min(at.day, 28))
    typed = parse_time(time_words(wall_time(at)))
    assert typed_instant(london_date(at), typed) == at


# --- times for each day -----------------------------------------------------------------------------------------


def at(day: int, starts: str, ends: str, month: int = 3) -> TypedDay:
    return TypedDay(date(2027, month, day), parse_time(starts), parse_time(ends))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([at(1, "10am", "4pm"), at(2, "10am", "4pm")], "Monday 1 and Tuesday 2 March 2027, 10am to 4pm each day"),
        (
            [at(1, "10am", "4pm"), at(2, "10am", "4pm"), at(3, "10am", "4pm")],
            "Monday 1 to Wednesday 3 March 2027, 10am to 4pm each day",
        ),
        (
            [at(1, "10am", "4pm"), at(3, "10am", "4pm"), at(5, "10am", "4pm")],
            "Monday 1, Wednesday 3 and Friday 5 March 2027, 10am to 4pm each day",
        ),
        (
            [at(1, "10am", "4pm"), at(2, "10am", "12 noon")],
            "Monday 1 March 2027, 10am to 4pm; Tuesday 2 March 2027, 10am to 12 noon",
        ),
        (
            [at(31, "10am", "4pm"), at(1, "10am", "4pm", 4)],
            "Wednesday 31 March and Thursday 1 April 2027, 10am to 4pm each day",
        ),
        ([at(20, "8pm", "1am"), at(22, "10am", "noon")],
         "Saturday 20 March 2027, 8pm to 1am the next day; Monday 22 March 2027, 10am to 12 noon"),
    ],
)  # fmt: skip
def test_several_days_are_written_in_one_clear_form(days: list[TypedDay], words: str) -> None:
    assert days_typed(days).words() == words
    assert days_typed(days).words(uk_time=True) == f"{words} (UK time)"


def test_a_day_without_times_is_left_out_and_one_day_alone_is_one_span() -> None:
    left_out = TypedDay(date(2027, 3, 2), None, None)
    when = days_typed([at(1, "10am", "4pm"), left_out, at(3, "10am", "4pm")])
    assert [london_date(starts).day for starts, _ in when.days] == [1, 3]
    assert (when.first_day, when.last_day) == (date(2027, 3, 1), date(2027, 3, 3))
    alone = days_typed([at(1, "10am", "4pm"), left_out])
    assert alone.days == () and alone.words() == "Monday 1 March 2027, 10am to 4pm"


def test_everything_wrong_with_several_days_is_said_at_the_day_it_belongs_to() -> None:
    days = [TypedDay(date(2027, 3, 26), time(10), None), at(27, "4pm", "10am"),
            TypedDay(date(2027, 3, 28), time(1, 30), time(5))]  # fmt: skip
    with pytest.raises(DetailsDoNotFit) as refused:
        days_typed(days)
    said = {problem.field: problem.sentence for problem in refused.value.problems}
    assert said["ends_2027-03-26"] == "Enter when Friday 26 March ends, or leave both times empty"
    assert said["ends_2027-03-27"] == "Saturday 27 March must end after it starts"
    assert "clocks go forward" in said["starts_2027-03-28"]
    with pytest.raises(DetailsDoNotFit, match="at least one day"):
        days_typed([TypedDay(date(2027, 3, 26), None, None)])
    with pytest.raises(DetailsDoNotFit, match="14 days"):
        check_days(date(2027, 3, 1), date(2027, 3, 15))
    check_days(date(2027, 3, 1), date(2027, 3, 14))


def test_a_month_lasts_until_the_next_one() -> None:
    when = When(month="2016-11")
    assert (when.first_day, when.last_day) == (date(2016, 11, 1), date(2016, 11, 30))
    assert when.over_at == datetime(2016, 12, 1, tzinfo=UTC)
    assert (when.words(), when.slug_day) == ("November 2016", "2016-11")


def test_an_event_has_exactly_one_kind_of_time() -> None:
    with pytest.raises(ValueError, match="one kind"):
        When(month="2016-11", starts_on=date(2016, 11, 1))
    with pytest.raises(ValueError, match="one kind"):
        When()


@given(st.datetimes(datetime(1950, 1, 1), datetime(2090, 1, 1)), st.integers(1, 5000))  # noqa: DTZ001
def test_an_event_is_over_after_it_began(start: datetime, minutes: int) -> None:
    starts = start.replace(tzinfo=UTC, microsecond=0)
    for when in (When(starts_at=starts, ends_at=starts + timedelta(minutes=minutes)), When(starts_at=starts),
                 When(starts_on=starts.date())):
        assert when.sort_at < when.over_at
        assert when.first_day <= when.last_day


# --- details ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"title": " "}, "title", "Enter a title"),
        ({"title": "x" * 201}, "title", "200 characters"),
        ({"summary": "x" * 401}, "summary", "400 characters"),
        ({"description": "x" * 20_001}, "description", "20,000 characters"),
        ({"kind": ""}, "kind", "kind of event"),
        ({"joining_link": "http://example.org/x"}, "joining_link", "https://"),
        ({"joining_link": "javascript:alert(1)"}, "joining_link", "https://"),
        ({"booking": "elsewhere"}, "booking_url", "where people register"),
        ({"booking": "elsewhere", "booking_url": "javascript:alert(1)"}, "booking_url", "http://"),
        ({"booking": "perhaps"}, "booking", "how people register"),
        ({"mode": "hologram"}, "mode", "Choose"),
        ({"capacity_in_person": -1}, "capacity_in_person", "whole number"),
        ({"mode": "online", "capacity_in_person": 5}, "capacity_in_person", "online only"),
        ({"capacity_online": 5}, "capacity_online", "in person only"),
        ({"when": When(month="2027-03")}, "starts", "month"),
        ({"opens_at": STARTS, "closes_at": STARTS}, "closes_at", "after it opens"),
        ({"closes_at": STARTS + timedelta(hours=3)}, "closes_at", "before the event ends"),
        ({"questions": tuple(map(Question, "abcdef"))}, "questions", "5 questions"),
        ({"bsl": "perhaps"}, "bsl", "yes, no or not known"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(wrong: dict[str, object], field: str, says: str) -> None:
    assert says in sentences(details(**wrong))[field]


def test_details_that_fit_are_taken() -> None:
    assert sentences(details(mode="hybrid", capacity_in_person=0, capacity_online=5, when=When(starts_at=STARTS))) == {}
    assert sentences(details(when=When(month="2016-11"))) == {}


def test_everything_wrong_is_said_at_once() -> None:
    assert set(sentences(details(title="", booking="elsewhere", capacity_online=3))) == {
        "title", "booking_url", "capacity_online"}  # fmt: skip


def test_text_is_cleaned_and_topics_are_there_once() -> None:
    kept = cleaned(details(
        title="A\r\nB\x00\u202e", topics=("Co-production", "power;  stories", "co-Production"),
        venue=Place(" ", "", ""), description="one\r\ntwo", joining_link=" https://example.org/room "))  # fmt: skip
    assert kept.title == "A B"
    assert kept.topics == ("Co-production", "power", "stories")
    assert kept.venue is None
    assert kept.description == "one\ntwo"
    assert kept.joining_link == "https://example.org/room"
    assert cleaned(kept) == kept


@pytest.mark.parametrize(("typed", "number"), [("", None), (" 25 ", 25), ("0", 0), ("1,000", 1000)])
def test_whole_numbers_are_read(typed: str, number: int | None) -> None:
    assert whole_number(typed, "Places") == number


@pytest.mark.parametrize(("typed", "says"), [("-1", "less than 0"), ("2.5", "whole number"), ("ten", "whole number"),
                                              ("9" * 5000, "or fewer"), ("100001", "or fewer"), ("²", "whole number")])
def test_other_numbers_are_refused_with_a_sentence(typed: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        whole_number(typed, "Places in person")


def test_a_postcode_is_written_one_way() -> None:
    assert clean_postcode("g409 1ag") == "G409 1AG"
    assert clean_postcode("eh144as") == "EH14 4AS"
    assert Place("A", "B", "eh14 4as").key == Place("a", "b", "EH144AS").key


# --- changes ------------------------------------------------------------------------------------------------


def test_another_spelling_of_a_name_is_no_change() -> None:
    before = details(host="Scottish Network", topics=("Power",), venue=Place("Hall", "1 Street", "G1 1AA"))
    after = replace(before, host="SCOTTISH  network", topics=("power",), venue=Place("hall", "1 street", "g11aa"))
    assert changed_fields(before, after) == ()


def test_changes_are_named_and_the_time_is_starts_and_ends() -> None:
    before = details()
    after = replace(before, title="Other", when=When(starts_at=STARTS, ends_at=STARTS + timedelta(hours=3)))
    assert changed_fields(before, after) == ("title", "ends")


MOVED = When(starts_at=STARTS + timedelta(days=1), ends_at=STARTS + timedelta(days=1, hours=2))


@pytest.mark.parametrize(
    ("change", "state", "people", "now", "asks"),
    [
        ({"when": MOVED}, "published", 3, NOW, True),
        ({"venue": Place("Other hall")}, "published", 3, NOW, True),
        ({"joining_link": "https://example.org/1"}, "published", 3, NOW, True),
        ({"when": MOVED}, "postponed", 3, NOW, True),
        ({"title": "Other"}, "published", 3, NOW, False),
        ({"when": MOVED}, "published", 0, NOW, False),
        ({"when": MOVED}, "draft", 3, NOW, False),
        ({"when": MOVED}, "published", 3, STARTS + timedelta(days=9), False),
    ],
)
def test_a_choice_to_tell_people_is_asked_for_only_when_somebody_must_learn_of_it(
    change: dict[str, object], state: str, people: int, now: datetime, asks: bool
) -> None:
    decided = decide_change(
        details(), replace(details(), **change), state=state, counts=Counts(taken_in_person=people), now=now  # type: ignore[arg-type]
    )
    assert decided.needs_choice is asks


def test_whoever_took_part_in_the_way_that_goes_does_so_in_the_other() -> None:
    counts = Counts(taken_in_person=3, taken_online=1, waiting_in_person=2, asked_online=1)
    online = details(mode="online", capacity_in_person=None, capacity_online=3)
    decided = decide_change(details(), online, state="published", counts=counts, now=NOW)
    assert decided.needs_choice and decided.changes_places
    assert change_notes(online, counts, decided) == [
        "5 people who were to take part in person take part online and keep the places and turns they have.",
        "Now 4 places online are taken and 3 are offered. Nobody loses their place; no new places are given until "
        "there is room.",
    ]
    assert counts.in_mode("online") == Counts(taken_online=4, waiting_online=2, asked_online=1)
    assert counts.in_mode("in_person").people == counts.people == counts.in_mode("hybrid").people
    back = details(capacity_in_person=4)
    one = Counts(taken_online=1)
    assert change_notes(back, one, decide_change(online, back, state="published", counts=one, now=NOW)) == [
        "1 person who was to take part online takes part in person and keeps the place or turn they have."
    ]
    both = details(mode="hybrid")
    assert change_notes(both, counts, decide_change(details(), both, state="published", counts=counts, now=NOW)) == []


def test_fewer_places_than_taken_is_allowed_and_explained() -> None:
    smaller = details(capacity_in_person=5)
    assert "mode" not in decide_change(details(), smaller, state="published", counts=Counts(8), now=NOW).fields
    assert capacity_words(smaller, Counts(8)).startswith("Now 8 places in person are taken and 5 are offered.")
    assert capacity_words(smaller, Counts(5)) == ""


# --- states -------------------------------------------------------------------------------------------------

LATER = NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        ("draft", ("publish",)),
        ("published", ("cancel", "postpone", "unpublish")),
        ("postponed", ("cancel", "reinstate")),
        ("cancelled", ("reinstate",)),
    ],
)
def test_each_state_leads_where_it_should(state: str, steps: tuple[str, ...]) -> None:
    assert possible_steps(state, over_at=LATER, now=NOW) == steps
    over = possible_steps(state, over_at=NOW, now=NOW)
    assert over == (("publish",) if state == "draft" else ())


def test_nobody_who_registered_loses_sight_of_the_event() -> None:
    assert "unpublish" not in possible_steps("published", over_at=LATER, now=NOW, has_people=True)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
@pytest.mark.parametrize("state", ["draft", "published", "postponed", "cancelled"])
@pytest.mark.parametrize("is_over", [False, True])
def test_every_step_from_every_state_is_taken_or_refused_with_a_sentence(
    step: Step, state: str, is_over: bool
) -> None:
    over_at = NOW if is_over else LATER
    offered = step.name in possible_steps(state, over_at=over_at, now=NOW)
    if offered:
        assert take_step(step, state, over_at=over_at, now=NOW) == step.target != state
        return
    with pytest.raises(WrongState) as refused:
        take_step(step, state, over_at=over_at, now=NOW)
    said = str(refused.value)
    assert said.startswith("This event") and said.endswith(".") and said.count(".") <= 2
    assert ("over" in said) == (state in step.sources and is_over)
    assert set(step.refusals) == {"draft", "published", "postponed", "cancelled"} - set(step.sources)


def test_only_past_months_can_be_published() -> None:
    check_publishable(details(when=When(month="2016-11")), now=NOW)
    with pytest.raises(DetailsDoNotFit):
        check_publishable(details(when=When(month="2027-03")), now=NOW)


@pytest.mark.parametrize("typed", ["", " \n ", "x" * 401])
def test_a_reason_is_asked_for(typed: str) -> None:
    with pytest.raises(DetailsDoNotFit) as refused:
        clean_reason(typed)
    assert refused.value.field == "reason"


# --- what an import may do ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("current", "asked", "over", "publish", "target"),
    [
        ("draft", None, True, False, "published"),
        ("draft", None, False, False, "draft"),
        ("draft", None, False, True, "published"),
        ("draft", "draft", True, True, "draft"),
        ("draft", "cancelled", True, False, "cancelled"),
        ("draft", "cancelled", False, False, "draft"),
        ("published", None, False, False, "published"),
        ("published", "cancelled", False, False, "cancelled"),
        ("cancelled", "published", False, False, "published"),
    ],
)
def test_where_a_row_leads(current: str, asked: str | None, over: bool, publish: bool, target: str) -> None:
    over_at = NOW - timedelta(days=1) if over else LATER
    assert target_state(current, asked, over_at=over_at, now=NOW, publish=publish, is_new=False) == target


def test_a_row_cannot_take_a_public_event_back() -> None:
    with pytest.raises(DetailsDoNotFit, match="draft again"):
        target_state("published", "draft", over_at=LATER, now=NOW, publish=False, is_new=False)


def test_a_row_does_not_move_people_who_would_not_be_told() -> None:
    decided = decide_change(details(), details(when=MOVED), state="published", counts=Counts(2), now=NOW)
    with pytest.raises(DetailsDoNotFit, match="2 people are registered and an import emails nobody"):
        refuse_untold(decided, moves=False, state="published", counts=Counts(2), is_over=False)
    refuse_untold(decided, moves=False, state="published", counts=Counts(2), is_over=True)


def test_sentences_for_people_have_no_jargon() -> None:
    said = " ".join(sentences(details(title="", joining_link="x", capacity_in_person=-1, booking="elsewhere")).values())
    assert not re.search(r"\b(invalid|please|successfully)\b", said, re.IGNORECASE)
