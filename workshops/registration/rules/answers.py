"""Answers to an event's own questions, kept under the words that were asked.

A question that is reworded or taken away leaves its answers where they are: under the old words. So no answer
ever stands under a question that its person did not read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: {words of the question: a text, or the choices as a list}.
Answers = Mapping[str, Any]


def answer_words(answers: Answers, question: str, *, between: str = "\n") -> str:
    """What was answered to a question, several choices on a line each; empty when nothing was."""
    answer = answers.get(question, "")
    return between.join(map(str, answer)) if isinstance(answer, list | tuple) else str(answer)


def asked_before(answers: Answers, questions: Sequence[str]) -> list[str]:
    """Questions that somebody answered and that are not asked any more, in the order in which they were answered."""
    return [question for question in answers if question not in questions]


def merged_answers(before: Answers, after: Answers, questions: Sequence[str]) -> dict[str, Any]:
    """What is kept after somebody changed their answers: `after`, and all that is not asked any more as it was."""
    return {**{question: before[question] for question in asked_before(before, questions)}, **after}

