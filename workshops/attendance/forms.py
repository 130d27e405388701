"""The register as a form: one answer for each person, read by registration id."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workshops.attendance.rules import checked_status
from workshops.web.fields import Form

#: mark_<registration id> is the answer sent; was_<registration id> what the page showed before it.
MARK, WAS = "mark_", "was_"


class AttendanceForm(Form):
    """Holds the form token and what is wrong; the answers are read by `changed_marks`."""


def changed_marks(sent: Mapping[str, str], registration_ids: Iterable[int]) -> dict[int, str | None]:
    """The answers that differ from what the page showed, by registration; None is "not recorded".

    Only these are saved, so that a page opened an hour ago does not undo what was marked at the door since.
    Fields of other people or of no meaning are left out. Raises UnknownStatus for an answer that is none.
    """
    answers: dict[int, str | None] = {}
    for key in registration_ids:
        answer = sent.get(f"{MARK}{key}")
        if answer is not None and answer != sent.get(f"{WAS}{key}"):
            answers[key] = checked_status(answer)
    return answers


def typed_marks(sent: Mapping[str, str], registration_ids: Iterable[int]) -> dict[int, str]:
    """The answers as they were sent, to show them again."""
    return {key: sent[f"{MARK}{key}"] for key in registration_ids if f"{MARK}{key}" in sent}
