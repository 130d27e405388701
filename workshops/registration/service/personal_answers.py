"""Answers to an event's own personal questions go with access and food needs: 30 days after the event."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text, cast, select
from sqlalchemy.orm import Session

from workshops.registration.models import Registration
from workshops.registration.rules import NEEDS_KEPT
from workshops.schedule.models import Event
from workshops.schedule.rules.questions import read_questions


def erase_personal_answers(session: Session, *, now: datetime, dry_run: bool) -> int:
    """Remove them where their time has passed; of how many people. dry_run only counts.

    Of an event that asks something personal the answers to questions not asked any more go too: nobody knows
    whether those were personal.
    """
    answered = cast(Registration.answers, Text).not_in(("{}", "null"))
    events = session.execute(
        select(Event.id, Event.questions)
        .where(
            Event.over_at <= now - NEEDS_KEPT,
            cast(Event.questions, Text) != "[]",
            Event.id.in_(select(Registration.event_id).where(answered)),
        )
        .order_by(Event.id)
    ).all()
    number = 0
    for event_id, kept in events:
        questions = read_questions(kept)
        if not any(question.is_personal for question in questions):
            continue
        stay = {question.text for question in questions if not question.is_personal}
        people = session.scalars(
            select(Registration).where(Registration.event_id == event_id, answered).order_by(Registration.id)
        )
        for person in people:
            left = {question: answer for question, answer in person.answers.items() if question in stay}
            if left != person.answers:
                number += 1
                if not dry_run:
                    person.answers = left
        session.flush()
    return number
