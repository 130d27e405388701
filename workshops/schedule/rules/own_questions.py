"""An event's own questions as one cell of the spreadsheet: a question a line, and back. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workshops.schedule.rules.questions import Question

_NOT_ONE = ("The cell questions holds a line that cannot be read: write each question on a line of its own, and "
            "leave lines that begin with { as they were exported")


def questions_cell(questions: Sequence[Question]) -> str:
    """A text question as its words; one with choices, a reason or a duty to answer as JSON on its line."""
    return "\n".join(_line(question) for question in questions)


def _line(question: Question) -> str:
    if question == Question(question.text) and not question.text.startswith("{"):
        return question.text
    said: dict[str, Any] = {"question": question.text}
    if question.kind != "text":
        said[question.kind] = list(question.options)
    if question.is_required:
        said["required"] = True
    if question.is_personal:
        said["personal"] = True
    if question.reason:
        said["reason"] = question.reason
    return json.dumps(said, ensure_ascii=False)


def read_questions_cell(text: str) -> tuple[Question, ...]:
    """The questions of a cell. Raises ValueError with a sentence for a line that is neither words nor ours."""
    return tuple(_read(line) for line in filter(None, (line.strip() for line in text.split("\n"))))


def _read(line: str) -> Question:
    if not line.startswith("{"):
        return Question(line)
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError(_NOT_ONE) from None
    if not isinstance(said, dict) or not isinstance(said.get("question"), str):
        raise ValueError(_NOT_ONE)
    kind = next((kind for kind in ("choice", "choices") if kind in said), "text")
    options = said.get(kind, [])
    reason = said.get("reason", "")
    if not isinstance(options, list) or not all(isinstance(one, str) for one in options) or not isinstance(reason, str):
        raise ValueError(_NOT_ONE)
    return Question(said["question"], kind, tuple(options), said.get("personal") is True, reason,
                    said.get("required") is True)
