"""An event's own questions: their kinds on every form, and answers that stay with what was asked."""

from __future__ import annotations

import importlib.util
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.conftest import FormClient
from tests.factories import make_event, make_registration
from tests.registration.conftest import Desk
from workshops.config import PROJECT
from workshops.core.db import transaction
from workshops.registration.rules import answer_words, asked_before, merged_answers
from workshops.registration.service import erase_expired
from workshops.schedule.models import Event
from workshops.schedule.rules.questions import Question, kept_questions, question_problems, reason_words

ASKED = (
    Question("What brings you?"),
    Question("Which table?", "choice", ("Housing", "Health"), is_required=True),
    Question("Which days?", "choices", ("Monday", "Tuesday", "Friday")),
    Question("Are you a carer?", "choice", ("Yes", "No"), is_personal=True, reason="To plan breaks."),
    Question("Who comes along?", is_required=True),
)
ANN = {"name": "Ann Example", "email": "ann@example.org"}
ANSWERS: dict[str, Any] = {"answer_1": "The tea", "answer_2": "Health", "answer_3": ["Friday", "Monday"],
                           "answer_4": "", "answer_5": "Nobody"}  # fmt: skip


def asking(session: Session, *questions: Question, **more: Any) -> Event:
    return make_event(session, slug="asks", questions=kept_questions(questions or ASKED), **more)


def test_each_kind_of_question_has_its_own_control(client: FormClient, session: Session) -> None:
    asking(session)
    page = client.get("/events/asks/register").text
    kinds = {name: kind for kind, name in re.findall(r'type="(radio|checkbox)"[^>]*name="(answer_\d)"', page)}
    assert kinds == {"answer_2": "radio", "answer_3": "checkbox", "answer_4": "radio"}
    assert set(re.findall(r'<textarea[^>]*name="(answer_\d)"', page)) == {"answer_1", "answer_5"}
    told = "We ask this because to plan breaks. Only the people who run this event see your answer. "
    assert told + "It is deleted 30 days after the event." in page
    # Radios cannot be unticked, so one that need not be answered offers that as an answer of its own.
    assert page.count(">No answer<") == 1
    labels = re.sub(r"<[^>]+>", "", page)
    assert "Which days? (optional)" in labels and "Which table? (optional)" not in labels


def test_answers_are_kept_under_what_was_asked(client: FormClient, session: Session, desk: Desk) -> None:
    asking(session)
    assert client.send("/events/asks/register", {**ANN, **ANSWERS}).status_code == 303
    assert desk.person().answers == {
        "What brings you?": "The tea", "Which table?": "Health", "Which days?": ["Monday", "Friday"],
        "Who comes along?": "Nobody",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"answer_2": None}, "Choose an answer to “Which table?”"),
        ({"answer_5": "  "}, "Answer the question “Who comes along?”"),
        ({"answer_2": "The moon"}, "Choose one of the answers"),
        ({"answer_3": ["Monday", "Someday"]}, "Choose from the answers shown"),
        ({"answer_4": "x" * 5000}, "Choose one of the answers"),
        ({"answer_1": "x" * 1001}, "What brings you? must be 1,000 characters or fewer"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_everything_typed_stays(
    client: FormClient, session: Session, desk: Desk, typed: dict[str, Any], sentence: str
) -> None:
    asking(session)
    sent = {name: value for name, value in {**ANN, **ANSWERS, **typed}.items() if value is not None}
    answer = client.send("/events/asks/register", sent)
    assert answer.status_code == 422 and sentence in answer.text
    assert "ann@example.org" in answer.text
    assert ("The tea" in answer.text) == ("answer_1" not in typed)
    assert re.search(r'value="Monday" checked', answer.text)
    assert desk.mails() == []


def test_my_place_shows_answers_and_changes_them(client: FormClient, session: Session, desk: Desk) -> None:
    event = asking(session)
    client.send("/events/asks/register", {**ANN, **ANSWERS})
    link = desk.link()
    page = client.get(link).text
    assert "Which days?" in page and re.search(r"Monday\s+Friday", page)
    form = client.get(f"{link}/change").text
    assert re.search(r'value="Health" checked', form) and re.search(r'value="Friday" checked', form)
    assert client.send(
        f"{link}/change", {"name": "Ann Example", "answer_2": "Housing", "answer_5": "Bob"}
    ).status_code == 303
    assert desk.person(event=event).answers == {"Which table?": "Housing", "Who comes along?": "Bob"} | {
        # What is sent without the box of a text leaves it as it was; boxes that are not ticked are empty.
        "What brings you?": "The tea"
    }


def test_answers_never_move_under_another_question(
    client: FormClient, session: Session, desk: Desk, staff: Any
) -> None:
    event = asking(session)
    client.send("/events/asks/register", {**ANN, **ANSWERS})
    link, person = desk.link(), desk.person().id
    # The first is taken away, and the last is worded anew: "The tea" must not answer "Which table?".
    changed = desk.event(event)
    changed.questions = kept_questions((*ASKED[1:4], Question("Who else comes?")))
    changed.version += 1
    session.commit()
    page = client.get(link).text
    rows = dict(re.findall(r'<(?:dt|span)[^>]*summary-list__key[^>]*>(.*?)</.*?summary-list__value[^>]*>(.*?)</', page,
                           re.DOTALL))  # fmt: skip
    rows = {key.strip(): re.sub(r"<[^>]+>", "", value).strip() for key, value in rows.items()}
    assert rows["What brings you?"] == "The tea" and rows["Who comes along?"] == "Nobody"
    assert rows["Which table?"] == "Health" and rows["Who else comes?"] != "Nobody"
    shown = staff("admin").get(f"/staff/events/asks/people/{person}").text
    assert "What brings you? (asked before)" in shown and "Who else comes?" in shown
    # Changing something else keeps them all.
    client.send(f"{link}/change", {"name": "Ann B Example", "answer_1": "Health", "answer_2": ["Monday", "Friday"]})
    kept = desk.person().answers
    assert kept["What brings you?"] == "The tea" and kept["Who comes along?"] == "Nobody"
    assert kept["Which table?"] == "Health" and kept["Which days?"] == ["Monday", "Friday"]


def test_a_choice_that_is_no_longer_offered_stays_with_who_made_it(
    client: FormClient, session: Session, desk: Desk
) -> None:
    event = asking(session, Question("Which table?", "choice", ("Housing", "Health"), is_required=True))
    client.send("/events/asks/register", {**ANN, "answer_1": "Health"})
    link = desk.link()
    changed = desk.event(event)
    changed.questions = kept_questions((Question("Which table?", "choice", ("Housing", "Food"), is_required=True),))
    changed.version += 1
    session.commit()
    assert re.search(r'value="Health" checked', client.get(f"{link}/change").text)
    assert client.send(f"{link}/change", {"name": "Ann E", "answer_1": "Health"}).status_code == 303
    other = {"name": "B", "email": "b@example.org", "answer_1": "Health"}
    assert client.send("/events/asks/register", other).status_code == 422


def test_who_filled_in_other_questions_is_shown_those_asked_now(
    client: FormClient, session: Session, desk: Desk
) -> None:
    event = asking(session, Question("What brings you?"))
    page = client.get("/events/asks/register").text
    found = re.search(r'name="asked" value="([^"]+)"', page)
    assert found is not None
    changed = desk.event(event)
    changed.questions = kept_questions((Question("What do you bring?"),))
    changed.version += 1
    session.commit()
    sent = {**ANN, "asked": found[1], "answer_1": "A train"}
    answer = client.send("/events/asks/register", sent)
    assert answer.status_code == 422 and "The questions of this event have changed" in answer.text
    assert "A train" in answer.text and desk.mails() == []
    fresh = re.search(r'name="asked" value="([^"]+)"', answer.text)
    assert fresh is not None and fresh[1] != found[1]
    assert client.send("/events/asks/register", {**sent, "asked": fresh[1]}).status_code == 303


def test_staff_write_down_what_they_were_told_and_may_leave_questions_open(
    session: Session, desk: Desk, staff: Any
) -> None:
    asking(session)
    browser = staff("admin")
    page = browser.get("/staff/events/asks/people/add").text
    assert 'type="checkbox"' in page and "Which table? (optional)" in page
    sent = {"name": "Ann Example", "email": "ann@example.org", "answer_3": ["Tuesday"]}
    assert browser.send("/staff/events/asks/people/add", {**sent, "answer_2": "The moon"}).status_code == 422
    assert browser.send("/staff/events/asks/people/add", sent).status_code == 303
    assert desk.person().answers == {"Which days?": ["Tuesday"]}


def test_moving_to_another_date_takes_along_answers_to_the_same_questions(session: Session, desk: Desk) -> None:
    from workshops.registration.service import move_place
    from workshops.schedule.models import Series

    series = Series(title="Dates", created_at=desk.clock.now)
    session.add(series)
    session.flush()
    first = make_event(session, questions=["Why?", "What?"], series_id=series.id)
    second = make_event(session, questions=["What?", "Where?"], series_id=series.id)
    person = make_registration(session, first, answers={"Why?": "So", "What?": "This"})
    to = second.id
    desk.do(move_place, person, to_event_id=to)
    assert desk.person(person.email, second).answers == {"What?": "This"}


def test_kept_answers_are_read_and_merged() -> None:
    kept = {"Gone": "a", "Here": ["x", "y"]}
    assert (answer_words(kept, "Here"), answer_words(kept, "Never")) == ("x\ny", "")
    assert asked_before(kept, ["Here", "Never"]) == ["Gone"]
    assert merged_answers(kept, {"Never": "z"}, ["Here", "Never"]) == {"Gone": "a", "Never": "z"}


def test_errors_are_listed_in_the_order_of_the_page(client: FormClient, session: Session) -> None:
    asking(session)
    page = client.send("/events/asks/register", {}).text
    summary = page[page.index("There is a problem"):]
    assert re.findall(r'href="#([a-z_0-9-]+)"', summary)[:4] == ["name", "email", "answer_2-0", "answer_5"]


def test_personal_answers_go_with_the_needs(session: Session, desk: Desk) -> None:
    event = asking(session)
    plain = make_event(session, questions=["Why?"])
    for one, answers in ((event, {"Are you a carer?": "Yes", "Which table?": "Health", "Gone?": "Old"}),
                         (plain, {"Why?": "So", "Gone?": "Old"})):  # fmt: skip
        make_registration(session, one, answers=answers, email=f"{one.slug}@example.org")
    soon, late = event.over_at + timedelta(days=29), event.over_at + timedelta(days=31)
    for when, dry_run, number in ((soon, False, 0), (late, True, 1), (late, False, 1), (late, False, 0)):
        with transaction() as writing:
            counts = erase_expired(writing, now=when, dry_run=dry_run)
        assert counts["answers to personal questions"] == number, (when, dry_run)
    assert desk.person("asks@example.org").answers == {"Which table?": "Health"}
    assert desk.person(f"{plain.slug}@example.org").answers == {"Why?": "So", "Gone?": "Old"}


def test_the_same_words_are_asked_once() -> None:
    twice = [Question("Why?"), Question("Why?", "choice", ("a", "b"))]
    assert [problem.field for problem in question_problems(twice)] == ["question_2"]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("", ""),
        ("We plan breaks", "We ask this because we plan breaks."),
        ("because of the hall.", "We ask this because of the hall."),
        ("BSL is booked early", "We ask this because BSL is booked early."),
    ],
)
def test_a_reason_is_a_sentence(reason: str, words: str) -> None:
    assert reason_words(Question("Why?", reason=reason)) == words


def test_answers_of_an_older_time_keep_their_question() -> None:
    path = PROJECT / "workshops/migrations/versions/0004_who_gets_in.py"
    spec = importlib.util.spec_from_file_location("who_gets_in", path)
    assert spec is not None and spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    old = {"1": "So", "3": "Gone"}
    new = migration._by_words(old, ["Why?", "What?"])
    assert new == {"Why?": "So", "Question 3": "Gone"}
    assert migration._by_number(new, ["Why?", "What?"]) == {"1": "So"}
