"""What a change of an event would mean for the people registered, said before it is made. Only reads.

It asks the same functions that later do it (`plan_news`, `offers_to_make`, the templates), for an event that is as
it would be. The mails shown are written to an example person; nothing of a real one is in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.core.db import only_trying
from workshops.core.london_time import deadline_words, instant_words
from workshops.messages.queries import waiting_about, waiting_kinds
from workshops.messages.render import placeholder, render_words
from workshops.registration.models import Registration
from workshops.registration.queries import counts_of, invitees_of, registrations_of
from workshops.registration.rules import ACTIVE_STATES, ATTENDING_WORDS, CALENDAR_STATES, Offer, offer_deadline
from workshops.registration.rules.news import Known, News, known_words
from workshops.registration.rules.reminders import REMINDERS, reminders_of
from workshops.registration.service.news import PlannedNews, news_values, plan_news
from workshops.registration.service.places import offers_to_make
from workshops.registration.service.telling import NEWS_KINDS, PLACE_KINDS, asking_said, mail_values
from workshops.schedule.calendar_entry import entry_for
from workshops.schedule.consequence_signals import Audience, Example, Foreseen
from workshops.schedule.models import Event
from workshops.schedule.queries import lock_event
from workshops.schedule.rules.events import EventDetails
from workshops.schedule.rules.place_rules import PlaceRules
from workshops.schedule.service import check_place_rules, details_of, write_place_rules
from workshops.web.filters import plural

#: Stands in the mails shown: plainly nobody.
EXAMPLE_NAME = "Example Person"
EXAMPLE_REFERENCE = "EXAMPLE1"
_LINK_WORDS = "(a link to My place, different for each person)"

_WHO = {
    "confirmed": "People with a place",
    "requested": "People who asked for a place",
    "offered": "People with an open offer",
    "waiting": "People on the waiting list",
}
_OFF = ("cancelled", "postponed")
#: More versions of the mail than this are counted and not shown.
VERSIONS_SHOWN = 8


@dataclass(frozen=True)
class _Version:
    """Who gets the same mail: everything that its words depend on, the name, reference and link aside."""

    state: str
    attending: str
    news: News


@dataclass
class _People:
    """Everybody registered, sorted by what they get."""

    versions: Counter[_Version] = field(default_factory=Counter)
    not_told: Counter[str] = field(default_factory=Counter)
    replaced: int = 0
    anew: int = 0
    behind: int = 0
    until: datetime | None = None


def foresee_news(
    event: Event,
    *,
    session: Session,
    now: datetime,
    settings: Settings,
    before: EventDetails,
    before_state: str,
    **_: Any,
) -> Foreseen:
    """Who registered learns what, by which way and in which words, and what becomes of the waiting list."""
    if now >= event.over_at:
        return Foreseen()
    known = known_words(before, before_state)
    after = known_words(details_of(session, event), event.state)
    offers = offers_to_make(session, event, counts_of(session, event), now=now)
    plans = plan_news(
        session, event, before=known, after=after, waiting=waiting_about(session, event.id, NEWS_KINDS),
        places=waiting_kinds(session, event.id, PLACE_KINDS),
    )
    people = _sorted_people(event, plans, known, {offer.id for offer in offers}, offer_deadline(now, event.sort_at))
    sections = [
        ("Waiting list", tuple(_waiting_words(session, event, before, offers))),
        ("Offers", tuple(_offer_words(session, event, now))),
        ("Reminders", tuple(_reminder_words(event, before, before_state, now))),
        ("Earlier news", tuple(_earlier_words(event, people))),
    ]
    return Foreseen(
        told=people.versions.total(),
        audiences=tuple(_audiences(session, event, people, offers)),
        examples=tuple(_examples(session, event, people, offers, now, settings)),
        sections=tuple((heading, sentences) for heading, sentences in sections if sentences),
    )


def foresee_place_rules(session: Session, *, event_id: int, rules: PlaceRules, now: datetime) -> int:
    """How many people on the waiting list get a place or an offer once places are given by these rules; only reads.

    Raises NotFound, or DetailsDoNotFit with everything that does not fit.
    """
    event = lock_event(session, event_id)
    check_place_rules(event, rules)
    with only_trying(session):
        write_place_rules(event, rules)
        session.flush()
        return len(offers_to_make(session, event, counts_of(session, event), now=now))


def _sorted_people(
    event: Event, plans: Iterator[PlannedNews], before: Known, offered: set[int], latest: datetime | None
) -> _People:
    people = _People()
    for one in plans:
        registration = one.registration
        if registration.id in offered:
            continue
        if one.is_anew:
            people.anew += 1
            continue
        people.replaced += one.is_replaced
        # An event that does not take place has no places to offer: who had an offer waits again.
        state = "waiting" if event.state in _OFF and registration.state == "offered" else registration.state
        if one.news is None:
            people.not_told[state] += 1
            continue
        people.behind += not one.is_replaced and one.known != before
        if state == "offered" and people.until is None and registration.offer_expires_at is not None:
            # No offer outlasts a start that is brought forward.
            people.until = min(registration.offer_expires_at, latest or registration.offer_expires_at)
        people.versions[_Version(state, registration.attending, one.news)] += 1
    return people


def _audiences(session: Session, event: Event, people: _People, offers: Sequence[Offer]) -> Iterator[Audience]:
    told: Counter[str] = Counter()
    for version, number in people.versions.items():
        told[version.state] += number
    for state in _WHO:
        if told[state]:
            yield Audience(_WHO[state], told[state], _how(event, state))
    if offers:
        if offers[0].until is None:
            how = "Email with the invitation, in any case"
            yield Audience("People who are given a place at once", len(offers), how)
        else:
            yield Audience("People who are offered a place at once", len(offers), "Email with the offer, in any case")
    for state in _WHO:
        if people.not_told[state]:
            yield Audience(f"{_WHO[state]} to whom nothing is new", people.not_told[state], "Not told")
    invited = sum(state not in ACTIVE_STATES for _, state in invitees_of(session, event.id))
    if invited:
        yield Audience("People invited who have not registered", invited, "Not told")


def _how(event: Event, state: str) -> str:
    if state not in CALENDAR_STATES:
        return "Email"
    if event.state in _OFF:
        return "Email that takes it out of their calendar"
    return "Email with an updated calendar entry"


def _waiting_words(
    session: Session, event: Event, before: EventDetails, offers: Sequence[Offer]
) -> Iterator[str]:
    waiting = len(registrations_of(session, event.id, ("waiting",)))
    offered = len(registrations_of(session, event.id, ("offered",)))
    if offers:
        until = offers[0].until
        gets = "given" if until is None else "offered"
        yield (
            f"{plural(len(offers), 'person', 'people')} on the waiting list {'is' if len(offers) == 1 else 'are'} "
            f"{gets} a place at once, by email, whatever you choose."
            + (f" They have until {deadline_words(until)} to take it." if until else "")
        )
    if event.state in _OFF and offered:
        yield (
            f"{plural(offered, 'person', 'people')} with an open offer "
            f"{'goes' if offered == 1 else 'go'} back to the waiting list, where they were."
        )
    places = (before.capacity_in_person, before.capacity_online)
    keep = waiting - len(offers)
    if keep and (offers or places != (event.capacity_in_person, event.capacity_online)):
        yield f"{plural(keep, 'person keeps', 'people keep')} waiting, in the same order."


def _offer_words(session: Session, event: Event, now: datetime) -> Iterator[str]:
    latest = offer_deadline(now, event.sort_at)
    if latest is None or event.state in _OFF:
        return
    open_offers = registrations_of(session, event.id, ("offered",))
    moving = sum(one.offer_expires_at is not None and one.offer_expires_at > latest for one in open_offers)
    if moving:
        yield (
            f"{plural(moving, 'open offer ends', 'open offers end')} earlier than they were told: at "
            f"{deadline_words(latest)}, because the event starts sooner."
        )


def _reminder_words(event: Event, before: EventDetails, before_state: str, now: datetime) -> Iterator[str]:
    """What becomes of the reminders a week and a day before; who has a place then gets them."""
    old = reminders_of(before.when.starts_at or before.when.starts_on) if before_state == "published" else ()
    new = reminders_of(event.starts_at or event.starts_on) if event.state == "published" else ()
    if old == new:
        return
    was = {one.key: one for one in old if now < one.drop_after}
    now_is = {one.key: one for one in new if now < one.drop_after}
    for key, (_, words) in REMINDERS.items():
        name = f"The reminder that the event is {words}"
        before_it, after_it = was.get(key), now_is.get(key)
        if before_it is not None and after_it is not None:
            yield f"{name} moves from {instant_words(before_it.due_at)}, to {instant_words(after_it.due_at)}."
        elif after_it is not None:
            again = " again" if key in {one.key for one in old} else ""
            yield f"{name} goes out{again}: {instant_words(after_it.due_at)}."
        elif before_it is not None:
            why = "does not go out" if event.state != "published" else "does not go out: it is too late for it"
            yield f"{name} {why}."


def _earlier_words(event: Event, people: _People) -> Iterator[str]:
    if people.anew:
        one = people.anew == 1
        yield (
            f"{plural(people.anew, 'email', 'emails')} about a place did not go out yet. "
            f"{'It is' if one else 'They are'} written anew with what holds then, whatever you choose, and "
            f"{'its person gets' if one else 'these people get'} no other email about this."
        )
    if people.replaced:
        mails = plural(people.replaced, "email", "emails")
        if event.state in _OFF:
            yield f"{mails} about an earlier change did not go out yet. They are taken back, whatever you choose."
        else:
            yield (
                f"{mails} about an earlier change did not go out yet. They are taken back, and each person gets one "
                "email that says everything, whatever you choose."
            )
    if people.behind:
        yield (
            f"{plural(people.behind, 'person was', 'people were')} not told of an earlier change. Their email names "
            "that too."
        )


def _examples(
    session: Session, event: Event, people: _People, offers: Sequence[Offer], now: datetime, settings: Settings
) -> Iterator[Example]:
    """Each mail once, however many sorts of people get it; the ones that most people get first."""
    order = list(_WHO)
    versions = sorted(people.versions.items(), key=lambda one: (order.index(one[0].state), -one[1], one[0].attending))
    several = Counter(version.state for version in people.versions)
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    sorts: dict[tuple[str, str], str] = {}
    for version, number in versions:
        who = _WHO[version.state].lower()
        if several[version.state] > 1 and event.mode == "hybrid":
            who += f" {ATTENDING_WORDS[version.attending].lower()}"
        person = _example_person(version.state, version.attending, people.until)
        words = _words(event, person, version.news.kind, news_values(event, person, version.news), settings)
        found.setdefault(words, []).append((who, number))
        sorts.setdefault(words, " ".join((version.news.kind, *(label for label, _, _ in version.news.changes))))
    for (subject, text), groups in list(found.items())[:VERSIONS_SHOWN]:
        who = ", ".join(dict.fromkeys(who for who, _ in groups))
        yield Example(who, sum(number for _, number in groups), subject, text, sorts[subject, text])
    if offers:
        sides = Counter(
            registration.attending
            for registration in registrations_of(session, event.id, ("waiting",))
            if registration.id in {offer.id for offer in offers}
        )
        for side, number in sorted(sides.items()):
            until = offers[0].until
            person = _example_person("offered" if until else "confirmed", side, until)
            kind = "place_offered" if until else "place_confirmed"
            asking = asking_said(event, now, may_be_freed=event.frees_days_before is not None)
            values = {"until": until} if until else {"from_waiting_list": True, "asking": asking}
            subject, text = _words(event, person, kind, values, settings)
            where = f" {ATTENDING_WORDS[side].lower()}" if len(sides) > 1 else ""
            gets = "offered" if until else "given"
            yield Example(f"people who are {gets} a place{where} at once", number, subject, text, kind)


def _example_person(state: str, attending: str, until: datetime | None) -> Registration:
    """Somebody who is in no database and never gets there."""
    return Registration(
        name=EXAMPLE_NAME, email="example@example.org", reference=EXAMPLE_REFERENCE, state=state, attending=attending,
        offer_expires_at=until if state == "offered" else None,
    )


def _words(
    event: Event, person: Registration, kind: str, values: dict[str, Any], settings: Settings
) -> tuple[str, str]:
    """The subject and the text of a mail to that person."""
    entry = entry_for(event, settings=settings)
    has_invitation = person.state in CALENDAR_STATES and entry is not None
    filled = mail_values(
        event, person, entry=entry, has_invitation=has_invitation, values=values, settings=settings
    )
    words = render_words(f"registration/{kind}", values=filled, links=["place"], settings=settings)
    return words.subject, words.text.replace(placeholder("place"), _LINK_WORDS)
