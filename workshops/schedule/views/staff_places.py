"""A change of a venue or room that moves events in words: shown first, with who learns of it, then saved.

What moves no event, or only such as nobody has to be told of, is saved at once. One POST with everything and `tell`
saves at once too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, request
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from workshops.core.clock import now
from workshops.core.db import db
from workshops.schedule import service
from workshops.schedule.queries.reach import reach_of
from workshops.schedule.service import Consequences, Heed, PlaceNews
from workshops.schedule.views.staff import actor, keep
from workshops.schedule.views.staff_changes import (
    CHANGED_MEANWHILE,
    check_page,
    emailed_words,
    people_words,
    seen_of,
    tell_choice,
)
from workshops.web.fields import Form
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: change(session, heed=..., now=..., actor=..., settings=...), such as save_venue with the details of the form.
MakesChange = Callable[..., Any]


def save_or_check_places(
    form: Form, change: MakesChange, *, back_to: str, words: str, label: str, button: str = "Save"
) -> ResponseReturnValue | None:
    """Make the change and go on, or show first what follows from it; None when it was refused, which the form says.

    To be called once the form is checked (ask `goes_back` before that). label: the venue.   words: once it is done.
    """
    tell, checked = tell_choice(), request.form.get("checked", "")
    instant, reach = now(), reach_of(db.session(), current_user)
    how: dict[str, Any] = {"now": instant, "actor": actor(), "settings": settings()}

    def work(session: Session, **_: Any) -> tuple[list[Consequences], PlaceNews | None]:
        def trying(heed: Heed) -> None:
            change(session, heed=heed, **how)

        chosen = tell is not None and not checked
        found = [] if chosen else service.foresee_places(
            session, trying, now=instant, settings=settings(), reach=reach
        )
        unsaid = tell is None and any(one.asks or (one.is_shown and not checked) for one in found)
        if unsaid or (checked and checked != seen_of(found)):
            return found, None
        news = PlaceNews(tell=tell, reach=reach, **how)
        change(session, heed=news, **how)
        return found, news

    came = keep(form, work)
    if came is None:
        return None
    found, news = came
    if news is None:
        problem = ""
        if checked and checked != seen_of(found):
            problem = CHANGED_MEANWHILE
        elif checked:
            problem = f"Choose whether to tell {people_words(sum(one.told for one in found))}"
        return check_page(found, heading="Check before you save", back_to=back_to, problem=problem, button=button,
                          label=label, is_alike=True)  # fmt: skip
    flash(f"{words} {emailed_words(news.people)}".strip())
    return see_other(back_to)
