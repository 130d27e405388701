"""Who an event is meant for, and who may register: two different questions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

#: Who it is meant for: shown to people, counted in the gap map. No key ever changes.
AUDIENCES = {
    "everyone": "Everyone",
    "lived_experience": "People with lived experience",
    "practitioners": "Practitioners",
    "third_sector": "Third sector",
    "policy": "Policy makers",
}
#: Who may register.
ADMITS = {
    "anyone": "Anyone",
    "domains": "People with certain email addresses",
    "invited": "Only people who are invited",
}
DOMAINS_MAX = 30
_DOMAIN = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)


def clean_domain(typed: str) -> str:
    """A mail domain in lower case from "gov.scot", "@gov.scot" or "*.gov.scot". Raises ValueError with a sentence."""
    text = typed.strip().lower().removeprefix("*.").removeprefix("@").rstrip(".")
    try:
        ascii_text = text.encode("idna").decode("ascii") if text and not text.isascii() else text
    except UnicodeError:
        ascii_text = ""
    if not _DOMAIN.fullmatch(ascii_text):
        raise ValueError(f"“{typed.strip()[:60]}” is no mail domain. Write what stands behind the @, like gov.scot")
    return ascii_text


def domain_admits(email: str, domains: Iterable[str]) -> bool:
    """Whether an address is at one of these domains or below it: anna@health.gov.scot is at gov.scot."""
    _, at, domain = email.strip().lower().rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
    except UnicodeError:
        return False
    return bool(at) and any(domain == one or domain.endswith(f".{one}") for one in domains)


def audiences_meet(one: str, other: str) -> bool:
    """Whether two events want the same people: alike, or one of them is for everyone or does not say."""
    return one == other or "everyone" in (one, other) or "" in (one, other)


#: Ways of booking in which our own form takes people.
OWN_FORM = ("first_come", "by_approval", "by_invitation")


def is_by_invitation(booking: str, admits: str) -> bool:
    """Whether only people who were invited may register. Both ways of saying it mean the same."""
    return booking == "by_invitation" or (admits == "invited" and booking in OWN_FORM)


def who_may_register(booking: str, admits: str, domains: Iterable[str]) -> str:
    """Who may register, as a sentence for people; empty when anyone may, or when nobody registers here."""
    named = domain_words(domains)
    if is_by_invitation(booking, admits):
        also = f", or with one that ends in {named}" if named else ""
        return f"This event is by invitation. Register with the email address that was invited{also}."
    if admits == "domains" and named and booking in OWN_FORM:
        return f"This event is for people whose email address ends in {named}."
    return ""


def domain_words(domains: Iterable[str]) -> str:
    """gov.scot, nhs.scot or glasgow.gov.uk."""
    *most, last = list(domains) or [""]
    return f"{', '.join(most)} or {last}" if most else last


def admission(*, booking: str, admits: str, domains: Sequence[str], email: str, is_on_list: bool) -> str:
    """Whether an address may register: "in", "elsewhere" (at none of the domains) or "not_invited"."""
    at_domain = domain_admits(email, domains)
    if is_by_invitation(booking, admits):
        return "in" if is_on_list or at_domain else "not_invited"
    if admits == "domains" and domains and not at_domain:
        return "elsewhere"
    return "in"
