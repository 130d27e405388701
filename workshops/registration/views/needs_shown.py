"""Names of people who need something are shown for a short time, to whoever pressed for it, in that browser alone.

The press is written down. What is kept in the cookie is the event, the account and until when; no name.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import session as browser
from flask_login import current_user

from workshops.core.clock import now

#: How long names stay shown after the press.
SHOWN_FOR = timedelta(minutes=15)
_KEY = "needs_shown"


def show_names(event_id: int) -> None:
    """From now on for SHOWN_FOR; to be called once the look is written down."""
    browser[_KEY] = [event_id, current_user.id, int((now() + SHOWN_FOR).timestamp())]


def hide_names() -> None:
    """No longer."""
    browser.pop(_KEY, None)


def shown_until(event_id: int | None) -> datetime | None:
    """Until when names at this event are shown to this account; None: they are not."""
    kept = browser.get(_KEY)
    if not kept or kept[:2] != [event_id, current_user.id] or not current_user.sees_needs:
        return None
    until = datetime.fromtimestamp(kept[2], tz=now().tzinfo)
    return until if now() < until else None
