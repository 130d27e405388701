"""Mail about one place: its words, its own personal link, and its invitation (RFC 5546).

The message is a row in the transaction of what it tells. Each mail mints its own token; the link is handed to
the outbox, which keeps it sealed until it is sent. Who waits gets no calendar entry.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.core.london_time import london_date
from workshops.core.tokens import new_token, token_hash
from workshops.ical.entry import CalendarEntry
from workshops.ical.invitation import Method, invitation_bytes
from workshops.ical.sequence import next_sequence
from workshops.messages.mime import display_name
from workshops.messages.queries import lock_waiting_message, lock_waiting_messages
from workshops.messages.reply_address import reply_address
from workshops.messages.service import Letter, enqueue, enqueue_all, take_back, written
from workshops.registration.models import PlaceToken, Registration
from workshops.registration.queries import PLACE_PURPOSE, highest_invite, place_in_queue, together_key
from workshops.registration.rules import ATTENDING_WORDS, CALENDAR_STATES
from workshops.registration.rules.asking_again import asking_of, asking_words
from workshops.registration.rules.reasons import waiting_rule
from workshops.schedule.calendar_entry import ORGANISER_NAME, entry_for, location_words
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.team import has_run_entry
from workshops.schedule.rules.public_state import when_text

#: How many calendar entries are kept ready, per process.
ENTRIES_KEPT = 128
_entries: OrderedDict[tuple[int, bytes], CalendarEntry] = OrderedDict()

#: What only some kinds of mail say.
_UNSAID: dict[str, Any] = {
    "moved_from": "",
    "moved_to": "",
    "was": "",
    "by_organiser": False,
    "changes": [],
    "reason": "",
    "until": None,
    "from_waiting_list": False,
    "position": None,
    "waiting_rule": "",
    "asking": "",
    "ahead": "",
    "message": "",
    "subject": "",
}

#: Mails that say when, where and how, so that whoever gets one knows all that holds -> the state each is about.
SAYS_ALL = {
    "place_confirmed": "confirmed",
    "on_waiting_list": "waiting",
    "place_offered": "offered",
    "request_received": "requested",
}
PLACE_KINDS = tuple(f"registration/{kind}" for kind in SAYS_ALL)
#: Mails about a change of the event; one that waits is replaced by the next.
NEWS_KINDS = tuple(
    f"registration/event_{what}" for what in ("changed", "cancelled", "postponed", "reinstated")
)
#: Why such a mail was taken back, for staff.
REPLACED = "A newer mail about the event took its place."
#: Why the mail about several events was, when one of them changed.
TOLD_APART = "One of these events changed before this went out. A mail about each took its place."
#: Why a mail about a place was, when the event changed before it went out.
WRITTEN_ANEW = "The event changed before this went out. A mail that says what holds now took its place."

#: Stands for "look it up".
Sent = int | None | Literal["unknown"]


def ready_entry(event: Event, *, settings: Settings) -> CalendarEntry | None:
    """The calendar entry of an event that nobody is changing just now.

    An event's stored VEVENT is made from its entry, so the same bytes mean the same entry: one that was made
    before is used again, and a registration asks neither for the venue nor for the topics.
    """
    if event.vevent is None:
        return entry_for(event, settings=settings)
    key = (event.id, bytes(event.vevent))
    entry = _entries.get(key)
    if entry is None:
        entry = entry_for(event, settings=settings)
        if entry is None:
            return None
        _entries[key] = entry
        while len(_entries) > ENTRIES_KEPT:
            _entries.popitem(last=False)
    return entry


def event_words(event: Event, *, settings: Settings, entry: CalendarEntry | None = None) -> dict[str, Any]:
    """What every mail says about an event: its title, when and where it is, and its page."""
    return {
        "title": event.title,
        "when": event_when(event),
        "where": entry.location if entry is not None else location_words(event),
        "event_url": f"{settings.base_url}/events/{event.slug}",
    }


def event_when(event: Event) -> str:
    """When an event is, in the same words as on its page."""
    return when_text(event_view(event))


def mint_link(session: Session, registration: Registration, *, now: datetime, settings: Settings) -> str:
    """A new personal link to My place. Older ones stay valid."""
    link, token = new_link(registration, now=now, settings=settings)
    session.add(token)
    return link


def new_link(registration: Registration, *, now: datetime, settings: Settings) -> tuple[str, PlaceToken]:
    """A new personal link and its row, which the caller adds when the mail is stored."""
    token = new_token()
    kept = PlaceToken(
        registration_id=registration.id, token_hash=token_hash(PLACE_PURPOSE, token), created_at=now
    )
    return f"{settings.base_url}/places/{token}", kept


def tell(
    session: Session,
    event: Event,
    registration: Registration,
    kind: str,
    *,
    now: datetime,
    settings: Settings,
    values: Mapping[str, Any] | None = None,
    method: Method | None = None,
    last_sent: Sent = "unknown",
    entry: CalendarEntry | None = None,
    drop_after: datetime | None = None,
    dedupe_key: str | None = None,
    batch: Batch | None = None,
    words: Mapping[str, Any] | None = None,
) -> bool:
    """Store one mail about a registration, with its invitation when `method` is given.

    kind: the folder under templates/emails/registration.   values: what this kind says beside the event.
    method: REQUEST or CANCEL; the part is TENTATIVE while approval is open.
    last_sent: the highest SEQUENCE this address was sent, when the caller knows it.
    dedupe_key: names the news; made from the registration and the event's version when not given.
    batch: where mails about a change to many people are gathered; then nothing is stored before `store_batch`.
    words: what `event_words` says, when the caller has it for many people at once.
    Returns False when this news was told already. The registration must have its id.
    """
    if registration.together is not None:
        tell_apart(session, registration, now=now, settings=settings, but_not=registration.id)
    entry = entry or ready_entry(event, settings=settings)
    calendar = None
    if method == "CANCEL" and event.state == "published" and has_run_entry(session, event.id, registration.email_key):
        method = None  # who gives up a place and runs the event keeps it in the calendar
    if method is not None and entry is not None:
        # A cancelled or postponed event can only be taken out of a calendar.
        method = "CANCEL" if entry.status == "CANCELLED" else method
        calendar = invitation_for(
            session, event, registration, entry, method, last_sent=last_sent, now=now, settings=settings
        )
    if kind == "on_waiting_list":
        values = {
            "position": (values or {}).get("position") or place_in_queue(session, registration)[0],
            "waiting_rule": waiting_rule(event.gives_places, has_shares=bool(event.shares)),
            **(values or {}),
        }
    if kind == "place_confirmed":
        values = {**(values or {}), "asking": asking_said(event, now, may_be_freed=registration.may_be_freed)}
    link, token = new_link(registration, now=now, settings=settings)
    mail: dict[str, Any] = {
        "kind": f"registration/{kind}",
        "to_email": registration.email,
        "to_name": registration.name,
        "values": mail_values(
            event, registration, entry=entry, has_invitation=calendar is not None, values=values, settings=settings,
            words=words,
        ),
        "links": {"place": link},
        "dedupe_key": dedupe_key or f"{kind}:{registration.id}:{event.version}:{int(now.timestamp())}",
        "about": ("registration", registration.id),
        "event_id": event.id,
        "calendar": calendar,
        "calendar_method": method if calendar is not None else None,
        "now": now,
        "drop_after": drop_after or event.over_at,
        "settings": settings,
    }
    if batch is not None:
        batch.append((written(**mail), token))
        return True
    if enqueue(session, **mail) is None:
        return False
    session.add(token)
    if kind in SAYS_ALL:
        _knows_all(session, event, registration)
    return True


#: Mails to many people with the token of each one's link, before they are stored.
Batch = list[tuple[Letter, PlaceToken]]


def store_batch(session: Session, batch: Batch) -> int:
    """Store what `tell` gathered, in a few statements however many they are; how many were not told already."""
    stored = enqueue_all(session, [letter for letter, _ in batch])
    tokens = [
        {"registration_id": token.registration_id, "token_hash": token.token_hash, "created_at": token.created_at}
        for letter, token in batch
        if letter["dedupe_key"] in stored
    ]
    if tokens:
        # Not as objects: SQLite would be asked for each one's id.
        session.connection().execute(insert(PlaceToken), tokens)
    session.flush()
    return len(stored)


def mail_values(
    event: Event,
    registration: Registration,
    *,
    entry: CalendarEntry | None,
    has_invitation: bool,
    values: Mapping[str, Any] | None,
    settings: Settings,
    words: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What the templates of a mail about a registration are given. values: what this kind says beside the rest."""
    is_coming = registration.state == "confirmed"
    return {
        **(words or event_words(event, settings=settings, entry=entry)),
        # A name that reads like a link or an address is left out of the greeting: it may be an advertisement.
        "name": display_name(registration.name),
        "reference": registration.reference,
        "state": registration.state,
        "attending": ATTENDING_WORDS[registration.attending] if event.mode == "hybrid" else "",
        # Only people with a place at this very moment are told how to join.
        "joining_link": joining_link_for(event, registration) if is_coming else "",
        "has_invitation": has_invitation,
        **_UNSAID,
        **(values or {}),
    }


def asking_said(event: Event, now: datetime, *, may_be_freed: bool) -> str:
    """What a confirmation says of "Are you still coming?", or ""."""
    if event.asks_days_before is None or event.month is not None:
        return ""
    first_day = event.starts_on or london_date(event.sort_at)
    frees = event.frees_days_before if may_be_freed else None
    asking = asking_of(first_day, event.sort_at, event.asks_days_before, frees)
    return asking_words(asking, now) if asking is not None else ""


def tell_apart(
    session: Session, registration: Registration, *, now: datetime, settings: Settings, but_not: int | None = None
) -> None:
    """Something changes for one of several who are told in one mail: each is told in a mail of its own instead.

    Only while that mail waits; one that went out was true. but_not: whom the caller is telling just now.
    """
    together = str(registration.together)
    waiting = lock_waiting_message(session, together_key(together))
    if waiting is None:
        return
    take_back(waiting, TOLD_APART)
    registration.together = None
    session.flush()
    kinds = {state: kind for kind, state in SAYS_ALL.items()}
    of_one_send = select(Registration).where(Registration.together == together).order_by(Registration.id)
    others = [one for one in session.scalars(of_one_send) if one.id != registration.id]
    for one in [*others, *([] if but_not == registration.id else [registration])]:
        one.together = None
        if one.state in kinds:
            # What was to go out was never seen, so the same SEQUENCE is good once more.
            sequence = one.invite_sequence
            tell(
                session, one.event, one, kinds[one.state], now=now, settings=settings,
                method="REQUEST" if sequence is not None and one.state in CALENDAR_STATES else None,
                last_sent=None if sequence is None else sequence - 1,
                values={"until": one.offer_expires_at}, drop_after=one.offer_expires_at,
                dedupe_key=f"apart:{one.id}:{together}",
            )  # fmt: skip


def _knows_all(session: Session, event: Event, registration: Registration) -> None:
    """This mail says all there is to know of the event: an older one about a change that still waits has no news."""
    if registration.told_before is not None:
        for waiting in lock_waiting_messages(session, event.id, NEWS_KINDS):
            if waiting.about_id == registration.id:
                take_back(waiting, REPLACED)
    registration.told = registration.told_before = None


def joining_link_for(event: Event, registration: Registration) -> str:
    return event.joining_link if registration.attending == "online" else ""


def invitation_for(
    session: Session,
    event: Event,
    registration: Registration,
    entry: CalendarEntry,
    method: Method,
    *,
    last_sent: Sent,
    now: datetime,
    settings: Settings,
) -> bytes | None:
    """The calendar object for one person, whose row keeps its SEQUENCE; None when a calendar cannot carry it."""
    if last_sent == "unknown":
        session.flush()
        last_sent = highest_invite(session, event.id, registration.email_key)
    sequence = next_sequence(event.sequence, last_sent)
    is_gone = entry.status == "CANCELLED"
    answers_go_to = reply_address(settings, event_id=event.id, address=registration.email)
    try:
        made = invitation_bytes(
            entry,
            method=method,
            attendee_email=registration.email,
            attendee_name=registration.name,
            sequence=sequence,
            stamped_at=now,
            partstat="TENTATIVE" if registration.state == "requested" else "ACCEPTED",
            organiser_email=answers_go_to,
            organiser_name=ORGANISER_NAME,
            event_cancelled=is_gone,
            rsvp=method == "REQUEST" and answers_go_to != settings.mail_from,
            joining_link=joining_link_for(event, registration) if registration.state == "confirmed" else None,
        )
    except ValueError:
        # An address that mail takes and a calendar cannot carry: the words of the mail still arrive.
        return None
    registration.invite_sequence = sequence
    return made
