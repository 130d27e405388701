"""Why somebody has or has not a place, in words that stay true: they are kept with the history. Pure.

Nothing in them names a person, so that they may be shown to whom they are about and kept when names are removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from workshops.core.london_time import deadline_words, instant_words
from workshops.registration.rules.words import ATTENDING_WORDS
from workshops.schedule.rules.place_rules import PERSPECTIVES, read_shares

#: Why staff let somebody else go first: chosen, not typed, so that nothing personal gets into the history.
SKIP_REASONS = {
    "asked": "they asked to wait for a later place",
    "not_reached": "they could not be reached",
    "balance": "to balance who is in the room",
    "travel": "they could not travel at such short notice",
    "access": "what they need could not be arranged in time",
}


def next_in_line(attending: str, mode: str, since: datetime | None, until: datetime | None) -> str:
    """Why a place went to somebody who waited. until: of the offer; None when the place was given at once."""
    where = f" {ATTENDING_WORDS[attending].lower()}" if mode == "hybrid" else ""
    waited = f"had waited longest for a place{where}" + (f", since {instant_words(since)}" if since else "")
    return f"{waited}; held until {deadline_words(until)}" if until else f"{waited}; given at once"


def ran_out(until: datetime) -> str:
    """Why an offer ended."""
    return f"no answer until {deadline_words(until)}"


def no_answer(asked_at: datetime | None, now: datetime) -> str:
    """Why a place was freed."""
    asked = f" on {instant_words(asked_at)}" if asked_at else ""
    return f"we asked{asked} whether you are still coming, and heard nothing until {deadline_words(now)}"


def waiting_rule(gives: str, *, has_shares: bool = False) -> str:
    """What people who wait are told of how places are given, in sentences."""
    if gives == "at_once":
        rule = (
            "When a place becomes free, the person who has waited longest gets it at once, and we email them. "
            "So leave the list as soon as you know that you cannot come."
        )
    else:
        rule = (
            "When a place becomes free, we offer it to the person who has waited longest. If that is you, we email you "
            "at once and hold the place for you for up to two working days, less when the event is near. Nights, "
            "weekends and bank holidays do not count."
        )
    if has_shares:
        rule += " Some places are kept for people with a certain perspective, so the next one may go to somebody else."
    return rule


def shares_words(
    shares: Sequence[Sequence[Any]] | None, until: datetime | None, starts_at: datetime, now: datetime
) -> str:
    """Which places are kept for whom and until when, in one sentence; "" when none are (any more)."""
    end = min(until or starts_at, starts_at)
    if not shares or now >= end:
        return ""
    numbers: dict[str, int] = {}
    for one in read_shares(shares):
        numbers[one.perspective] = numbers.get(one.perspective, 0) + one.places
    kept = [f"{number} for {PERSPECTIVES[key].lower()}" for key, number in numbers.items()]
    words = kept[0] if len(kept) == 1 else ", ".join(kept[:-1]) + " and " + kept[-1]
    return f"Until {deadline_words(end)}, places are kept: {words}."


_REGISTERED = {
    "confirmed": "You registered, and a place was free",
    "waiting": "You joined the waiting list, because all places were taken",
    "requested": "You asked the organiser for a place",
}
_ADDED = {
    "confirmed": "The organiser registered you, and a place was free",
    "waiting": "The organiser put you on the waiting list, because all places were taken",
}
_LEFT = {
    "was confirmed": "You gave up your place",
    "was waiting": "You left the waiting list",
    "was offered": "You let the place go that was held for you",
    "was requested": "You took back your request",
}
_TAKEN_OFF = {
    "was confirmed": "The organiser took your place back",
    "was waiting": "The organiser took you off the waiting list",
    "was offered": "The organiser took the offer back",
    "was requested": "The organiser could not give you a place",
}
_APPROVED = {
    "confirmed": "The organiser said yes, and a place was free",
    "waiting": "The organiser said yes. All places were taken, so you joined the waiting list",
}


def history_sentence(action: str, reason: str, fields: str = "") -> str:
    """One step of somebody's history, told to themselves, without full stop; "" for what says nothing about a place.

    action, reason and fields as the history holds them.
    """
    known = {
        "registered": _REGISTERED.get(reason, ""),
        "person_added": _ADDED.get(reason, ""),
        "place_offered": "A place was offered to you" + (f": you {reason}" if reason else ""),
        "place_given": "You were given a place" + (f": you {reason}" if reason else ""),
        "offer_taken": "You took the place",
        "offer_lapsed": "The place went to the next person" + (f": {reason}" if reason else ""),
        "offer_taken_back": "The offer ended, because the event did not take place then. You wait where you were",
        "place_cancelled": _LEFT.get(reason, "You gave up your place"),
        "place_declined": _TAKEN_OFF.get(reason, "The organiser took you off"),
        "request_approved": _APPROVED.get(reason, ""),
        "attending_changed": f"You take part the other way now: {reason}",
        "place_moved": "You moved here from another date",
        "place_freed": f"Your place went to somebody else: {reason}",
        "asked_again": "We asked whether you are still coming",
        "still_coming": "You said that you are coming",
        "calendar_accepted": "You accepted in your calendar",
        "calendar_tentative": "You answered “maybe” in your calendar",
        "calendar_declined": "You declined in your calendar",
        "address_corrected": "The organiser corrected your email address",
        "merged": "The organiser put two registrations of yours together",
        "put_on_list": "You said that this date suits you, so you were put on its list before anybody else",
        "pass_offered": "You asked a colleague to take your place over",
        "pass_taken_back": "You kept your place after all",
        "place_passed_on": "You passed your place to a colleague",
        "place_taken_over": "You took this place over from a colleague",
        "person_skipped": f"The organiser let the next person go first: {reason}",
        "moved_up": "You moved up by one, because the organiser let you go first",
    }
    if action == "details_changed":
        return "You changed how you take part" if "attending" in fields.split(",") else ""
    return known.get(action, "")
