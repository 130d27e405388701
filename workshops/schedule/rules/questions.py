"""An event's own questions to people who register: what they are, and what answers they take. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from workshops.core.text import clean_text
from workshops.schedule.rules.problems import Problem

QUESTIONS_MAX = 5
QUESTION_MAX = 200
OPTIONS_MAX = 20
OPTION_MAX = 100
REASON_MAX = 200

#: Who reads the answer to a personal question, and until when.
PERSONAL_WORDS = " Only the people who run this event see your answer. It is deleted 30 days after the event."

KINDS = {"text": "A text", "choice": "One of several choices", "choices": "Any of several choices"}


@dataclass(frozen=True)
class Question:
    """One question. kind: a key of KINDS.   options: the choices.   reason: why it is asked, shown to people.

    A personal question (health, family, beliefs ...) needs a reason.
    """

    text: str
    kind: str = "text"
    options: tuple[str, ...] = ()
    is_personal: bool = False
    reason: str = ""
    is_required: bool = False


def read_questions(kept: Sequence[Any]) -> tuple[Question, ...]:
    """The questions of an event as they are kept; a plain string is a text question of an older time."""
    found = []
    for item in kept:
        if isinstance(item, str):
            found.append(Question(item))
        elif isinstance(item, Mapping):
            values = {name: item[name] for name in Question.__dataclass_fields__ if name in item}
            found.append(Question(**{**values, "options": tuple(values.get("options", ()))}))
    return tuple(found)


def kept_questions(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """As they are kept: JSON."""
    return [asdict(question) | {"options": list(question.options)} for question in questions]


def clean_question(question: Question) -> Question:
    """Text without control characters, options once each; a text question has none."""
    options = tuple(dict.fromkeys(filter(None, map(clean_text, question.options))))
    return Question(
        text=clean_text(question.text),
        kind=question.kind,
        options=options if question.kind != "text" else (),
        is_personal=question.is_personal,
        reason=clean_text(question.reason),
        is_required=question.is_required,
    )


def question_problems(questions: Sequence[Question]) -> Iterator[Problem]:
    """Everything wrong with cleaned questions; the field of each is question_1 ... question_5."""
    if len(questions) > QUESTIONS_MAX:
        yield Problem("questions", f"Ask {QUESTIONS_MAX} questions or fewer")
    seen: set[str] = set()
    for number, question in enumerate(questions[:QUESTIONS_MAX], start=1):
        name = f"question_{number}"
        if question.text in seen:
            # An answer is kept under the words of its question, so the same words can be asked once only.
            yield Problem(name, "You ask this already. Each question needs words of its own")
        seen.add(question.text)
        if question.kind not in KINDS:
            yield Problem(f"{name}_kind", "Choose how people answer")
        if len(question.text) > QUESTION_MAX:
            yield Problem(name, f"Each question must be {QUESTION_MAX} characters or fewer")
        if question.kind in ("choice", "choices") and len(question.options) < 2:
            yield Problem(f"{name}_options", "Give at least 2 choices, each on a line of its own")
        if len(question.options) > OPTIONS_MAX:
            yield Problem(f"{name}_options", f"Give {OPTIONS_MAX} choices or fewer")
        if any(len(option) > OPTION_MAX for option in question.options):
            yield Problem(f"{name}_options", f"Each choice must be {OPTION_MAX} characters or fewer")
        if question.is_personal and not question.reason:
            yield Problem(f"{name}_reason", "Say why you ask this. People see it beside the question")
        if len(question.reason) > REASON_MAX:
            yield Problem(f"{name}_reason", f"The reason must be {REASON_MAX} characters or fewer")


def reason_words(question: Question) -> str:
    """Why it is asked and who reads the answer, as people see it beside the question; empty when nothing is to say."""
    reason = question.reason.rstrip(". ")
    if not reason:
        return ""
    start = reason[0].lower() + reason[1:] if reason[:2].istitle() else reason
    words = start if start.lower().startswith("because ") else f"because {start}"
    return f"We ask this {words}.{PERSONAL_WORDS if question.is_personal else ''}"


class Asks(Protocol):
    """What has questions: an event's row."""

    questions: list[Any]


def question_texts(event: Asks) -> list[str]:
    """The words of an event's own questions."""
    return [question.text for question in read_questions(event.questions)]
