"""When a message is tried again, and when it is given up. Pure: chance comes in as an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Minutes between tries: factor 5, then every six hours. 26 hours and 36 minutes in all, so a mail server
#: that is down for a whole day loses nothing.
DELAYS_MIN = (1, 5, 25, 125, 360, 360, 360, 360)

#: Jitter lengthens a delay by this part at most, so that messages of one outage do not all come back at once.
JITTER = 0.2

#: No next try lies further off than this: one that does was made by a clock that was wrong.
LONGEST_WAIT = timedelta(minutes=max(DELAYS_MIN) * (1 + JITTER))

#: The server's words are kept up to this length.
MAX_ERROR_LENGTH = 300
#: A subject longer than this is cut at a word; lists of mail show far less.
MAX_SUBJECT_LENGTH = 150
#: What staff may write into one message, in characters.
MESSAGE_TEXT_MAX = 20_000


@dataclass(frozen=True)
class Outcome:
    """What becomes of a message after a try that failed. try_at is None when it is given up."""

    state: str
    try_at: datetime | None


def next_retry_at(attempts: int, now: datetime, *, jitter: float) -> datetime | None:
    """When to try a message again, or None when it should be given up.

    attempts: tries already made, >= 1.   now: aware, UTC.   jitter: a random number, 0 <= jitter <= 1.
    Waits 1, 5, 25, 125 minutes and then four times 6 hours, each up to a fifth longer, at least 26 hours in all.
    Raises ValueError for attempts < 1 or jitter outside its range.
    """
    if attempts < 1 or not 0 <= jitter <= 1:
        raise ValueError("attempts begin at 1, and jitter lies between 0 and 1")
    if attempts > len(DELAYS_MIN):
        return None
    return now + timedelta(minutes=DELAYS_MIN[attempts - 1] * (1 + JITTER * jitter))


def after_failure(attempts: int, now: datetime, *, permanent: bool, jitter: float) -> Outcome:
    """What to do after a try that failed; attempts counts this one too.

    permanent: the server refused this very message with a 5yz reply (RFC 5321 4.2.1), so trying again is useless.
    """
    try_at = None if permanent else next_retry_at(attempts, now, jitter=jitter)
    return Outcome("retry" if try_at else "failed", try_at)


def is_too_late(drop_after: datetime | None, now: datetime) -> bool:
    """Whether the news has lost its worth and must not be sent any more."""
    return drop_after is not None and now > drop_after


#: What staff may do with a message, by name of the act.
HOLD, RELEASE, EDIT, CANCEL, RETRY, DEAL_WITH = "hold", "release", "edit", "cancel", "retry", "deal_with"


def acts_on(state: str, *, is_held: bool, bounced: str, is_dealt_with: bool, can_go_again: bool) -> frozenset[str]:
    """What staff may do with a message now.

    can_go_again: a failed message needs no personal link, or still has it. What is being sent, was sent or was
    cancelled is out of reach; what failed or came back can be marked as dealt with.
    """
    if state in ("due", "retry"):
        acts = {EDIT, CANCEL, RELEASE if is_held else HOLD}
        return frozenset(acts | ({RETRY} if state == "retry" and not is_held else set()))
    failed = state == "failed" or bounced == "permanent"
    return frozenset(
        ({DEAL_WITH} if failed and not is_dealt_with else set())
        | ({RETRY} if state == "failed" and can_go_again else set())
    )
