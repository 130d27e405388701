"""Somebody registers for several events at once: each is a registration of its own, and one mail tells of all."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from string import ascii_lowercase
from typing import Any

from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.messages.mime import display_name
from workshops.messages.service import enqueue
from workshops.registration.queries import together_key
from workshops.registration.rules import ATTENDING_WORDS, CALENDAR_STATES, FullChoice, NoPlaces, RegistrationClosed
from workshops.registration.rules.reasons import waiting_rule
from workshops.registration.service.registering import Details, Heard, register
from workshops.registration.service.telling import (
    asking_said,
    event_words,
    invitation_for,
    joining_link_for,
    new_link,
    ready_entry,
)
from workshops.schedule.queries import lock_event

#: So many events at most are sent for at once; the letters that name their links are as many.
AT_ONCE_MAX = 20


@dataclass(frozen=True)
class OneOfSeveral:
    """What the receipt says of one event. kind: place, waiting, requested or none.   why: a sentence for none."""

    event_id: int
    kind: str
    why: str = ""


def register_for_several(
    session: Session,
    *,
    programme: str,
    details: Mapping[int, Details],
    if_full: str,
    form_key: str | None,
    now: datetime,
    settings: Settings,
) -> list[OneOfSeveral]:
    """Register one person for several events, and tell all of it in one mail.

    programme: its title, for the mail.   details: event id -> what was told, with one address in all of them.
    if_full, form_key: as in `register`. An event that is full or closed is left out with its reason; anything
    else that is wrong stops all of it: raises NotAdmitted, DomainError, NotFound, RegisteredMeanwhile.
    """
    if len(details) > AT_ONCE_MAX:
        raise ValueError("too many events at once")
    heard: list[Heard] = []
    came_to: list[OneOfSeveral] = []
    left_out: list[tuple[str, str]] = []
    # Always in the order of their ids, so that two people never wait for each other's events.
    for event_id in sorted(details):
        try:
            outcome = register(
                session, event_id=event_id, details=details[event_id], if_full=if_full, form_key=form_key, now=now,
                settings=settings, heard=heard,
            )
        except (RegistrationClosed, FullChoice, NoPlaces) as error:
            why = "All places are taken." if isinstance(error, FullChoice) else str(error)
            came_to.append(OneOfSeveral(event_id, "none", why))
            left_out.append((lock_event(session, event_id).title, why))
            continue
        came_to.append(OneOfSeveral(event_id, outcome.kind))
    if heard:
        _tell(session, programme, heard, left_out, now=now, settings=settings)
    return came_to


def _tell(
    session: Session,
    programme: str,
    heard: Sequence[Heard],
    left_out: Sequence[tuple[str, str]],
    *,
    now: datetime,
    settings: Settings,
) -> None:
    heard = sorted(heard, key=lambda one: (one.event.sort_at, one.event.id))
    new = [one for one in heard if one.said != "registered_already"]
    together = secrets.token_urlsafe(12)
    links, calendar, places = {}, b"", []
    tokens = []
    for letter, one in zip(ascii_lowercase, heard, strict=False):
        link, token = new_link(one.registration, now=now, settings=settings)
        links[f"place_{letter}"] = link
        tokens.append(token)
        made = _calendar(session, one, now=now, settings=settings)
        calendar += made or b""
        places.append(_place(one, f"place_{letter}", now=now, settings=settings, has_invitation=made is not None))
    first = heard[0]
    stored = enqueue(
        session,
        kind="registration/places_together",
        to_email=first.registration.email,
        to_name=first.registration.name,
        values={
            "name": display_name((new or heard)[0].registration.name),
            "programme": programme,
            "places": places,
            "left_out": [{"title": title, "why": why} for title, why in left_out],
            "has_invitations": bool(calendar),
        },
        links=links,
        dedupe_key=together_key(together) if new else _known_key(heard, now),
        about=("registration", first.registration.id),
        event_id=first.event.id,
        calendar=calendar or None,
        calendar_method="REQUEST" if calendar else None,
        now=now,
        drop_after=max(one.event.over_at for one in heard),
        settings=settings,
    )
    if stored is None:
        return
    session.add_all(tokens)
    for one in new:
        one.registration.together = together


def _known_key(heard: Sequence[Heard], now: datetime) -> str:
    # Nothing is new: at most one mail an hour, for the form must not become a way to fill somebody's mailbox.
    ids = ",".join(str(one.registration.id) for one in heard)
    return f"places_known:{hashlib.sha256(ids.encode()).hexdigest()[:32]}:{int(now.timestamp()) // 3600}"


def _calendar(session: Session, one: Heard, *, now: datetime, settings: Settings) -> bytes | None:
    entry = ready_entry(one.event, settings=settings)
    sequence = one.registration.invite_sequence
    if one.said == "registered_already" or one.registration.state not in CALENDAR_STATES or entry is None:
        return None
    return invitation_for(
        session, one.event, one.registration, entry, "REQUEST", now=now, settings=settings,
        # The row says already what this invitation carries.
        last_sent="unknown" if sequence is None else sequence - 1,
    )


def _place(one: Heard, link: str, *, now: datetime, settings: Settings, has_invitation: bool) -> dict[str, Any]:
    event, registration = one.event, one.registration
    waits, is_coming = one.said == "waiting", registration.state == "confirmed"
    return {
        **event_words(event, settings=settings),
        "said": one.said,
        "state": registration.state,
        "link": link,
        "reference": registration.reference,
        "attending": ATTENDING_WORDS[registration.attending] if event.mode == "hybrid" else "",
        "joining_link": joining_link_for(event, registration) if is_coming else "",
        "position": one.position,
        "waiting_rule": waiting_rule(event.gives_places, has_shares=bool(event.shares)) if waits else "",
        "asking": asking_said(event, now, may_be_freed=registration.may_be_freed) if is_coming else "",
        "has_invitation": has_invitation,
    }
