"""Who holds which version of an event: what each person was last told, and whether it reached them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workshops.registration.rules.news import News

#: How things stand with one person, in the order in which staff need to know.
OLD = "old"
RETURNED = "returned"
NOT_SENT = "not_sent"
NOTHING = "nothing"
HELD = "held"
ON_ITS_WAY = "on_its_way"
CURRENT = "current"

#: Those whom sending again can help.
TO_REACH = (OLD, RETURNED, NOT_SENT, NOTHING)

WORDS = {
    OLD: "Still has something older",
    RETURNED: "Did not arrive",
    NOT_SENT: "Was not sent",
    NOTHING: "Nothing was sent",
    HELD: "Held back by staff",
    ON_ITS_WAY: "On its way",
    CURRENT: "Has what holds now",
}


@dataclass(frozen=True)
class LastMail:
    """The newest mail that told somebody when and where. state, bounced: as in the outbox.   why: a server's words."""

    id: int
    state: str
    bounced: str
    is_held: bool
    why: str


def standing_of(news: News | None, mail: LastMail | None) -> str:
    """How things stand. news: what is new to them of what holds now, or None: nothing, as far as was written."""
    if news is not None:
        return OLD
    if mail is None:
        return NOTHING
    if mail.bounced == "permanent" or mail.state == "failed":
        return RETURNED
    if mail.state == "cancelled":
        return NOT_SENT
    if mail.state == "sent":
        return CURRENT
    return HELD if mail.is_held else ON_ITS_WAY


def headline(standings: Sequence[str]) -> str:
    """ "26 of 31 people have what holds now. 2 emails did not arrive. 3 people still have something older." """
    count = {one: standings.count(one) for one in WORDS}
    everybody = len(standings)
    if count[CURRENT] == everybody:
        return "The one person with a place has what holds now." if everybody == 1 else (
            f"All {everybody:,} people have what holds now."
        )
    said = [f"{count[CURRENT]:,} of {everybody:,} {_people(everybody)} {_has(count[CURRENT])} what holds now."]
    for standing, words in (
        (OLD, "{people} still {have} something older."),
        (RETURNED, "{mails} did not arrive."),
        (NOT_SENT, "{mails} {was} taken back before {it} went out."),
        (NOTHING, "{people} {was} sent nothing."),
        (HELD, "{mails} {is_} held back by staff."),
        (ON_ITS_WAY, "{mails} {is_} on {its} way."),
    ):
        number = count[standing]
        if number:
            one = number == 1
            said.append(
                words.format(
                    people=f"{number:,} {_people(number)}", mails=f"{number:,} {'email' if one else 'emails'}",
                    have=_has(number), was="was" if one else "were", is_="is" if one else "are",
                    it="it" if one else "they", its="its" if one else "their",
                )
            )
    return " ".join(said)


def _people(number: int) -> str:
    return "person" if number == 1 else "people"


def _has(number: int) -> str:
    return "has" if number == 1 else "have"
