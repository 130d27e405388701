"""Every mail as people get it, beside files that a person has read. `--update-snapshots` writes them anew.

A difference means that words people receive have changed: look at the files' diff before committing it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import test_settings as settings_for_test
from workshops.config import PROJECT
from workshops.messages.render import render_words
from workshops.registration.rules.reasons import waiting_rule

SNAPSHOTS = Path(__file__).parent / "snapshots"
TEMPLATES = PROJECT / "templates" / "emails"

EVENT = {
    "title": "Co-production & older people: a round-table",
    "when": "Tuesday 14 November 2017, 10am to 12 noon",
    "where": "Calton Heritage and Learning Centre, 423 London Road, Glasgow, G40 1AG",
    "event_url": "http://localhost/events/co-production-and-older-people",
    "name": "Màiri Example",
    "reference": "K7MPX2QA",
    "state": "confirmed",
    "attending": "",
    "joining_link": "",
    "has_invitation": False,
    "moved_from": "",
    "from_waiting_list": False,
    "position": None,
    "waiting_rule": "",
    "asking": "",
    "moved_to": "",
    "was": "",
    "by_organiser": False,
    "changes": [],
    "reason": "",
    "message": "",
    "until": datetime(2017, 11, 9, 17, tzinfo=UTC),
    "ahead": "",
}
CHANGES = [
    {"label": "Date and time", "before": "Monday 13 November 2017, 10am to 12 noon", "after": EVENT["when"]},
    {"label": "Place", "before": "", "after": EVENT["where"]},
]
ONLINE = {"attending": "Online", "joining_link": "https://meet.example.org/round-table", "has_invitation": True}
PROPOSAL = {"purpose": "host", "programme": "National Co-production Week", "message": ""}
ASKED = {"purpose": "ask", "programme": "", "message": ""}
SAID = "A room for 40 would do better.\n\nCould it be in the <morning>?"
ACCOUNT = {
    "name": "Olivia Example",
    "invited_by": "Olivia Example",
    "role": "organiser",
    "role_words": "runs all events and programmes",
    "until": "5pm on Thursday 9 November 2017",
}

INVITED = {
    "email": "mairi@example.org",
    "summary": "How services and the people who use them make them together.",
    "register_url": "http://localhost/events/co-production-and-older-people/register",
    "closes": "5pm on Thursday 9 November 2017",
    "by_approval": False,
}
RUN = {
    "places": "12 of 20 taken, 3 waiting",
    "state": "published",
    "is_back": False,
    "new_link": False,
    "has_calendar": True,
    "staff_url": "http://localhost/staff/events/co-production-and-older-people",
    "account_url": "http://localhost/staff/account",
}

ONE = {name: EVENT[name] for name in ("title", "when", "where", "event_url", "reference")}
ONE |= {"attending": "", "joining_link": "", "position": None, "waiting_rule": "", "asking": "", "said": "place",
        "state": "confirmed", "link": "place_a", "has_invitation": True}  # fmt: skip
TOGETHER = {
    "programme": "National Co-production Week",
    "has_invitations": True,
    "places": [
        ONE,
        {**ONE, "title": "An online chat", "attending": "Online", "joining_link": ONLINE["joining_link"],
         "reference": "B2B2B2B2", "link": "place_b", "asking": "Friday 3 November 2017, 9am, we ask you."},
        {**ONE, "title": "A full room", "said": "waiting", "state": "waiting", "position": 3, "link": "place_c",
         "reference": "C3C3C3C3", "waiting_rule": waiting_rule("offer"), "has_invitation": False},
        {**ONE, "title": "A second look", "said": "registered_already", "state": "requested", "link": "place_d",
         "reference": "D4D4D4D4"},
    ],
    "left_out": [{"title": "A small room", "why": "All places are taken."}],
}

#: Name of the snapshot -> (kind, what is special about it).
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "place_confirmed": ("registration/place_confirmed", {"has_invitation": True}),
    "place_confirmed_online": ("registration/place_confirmed", ONLINE),
    "place_confirmed_moved": (
        "registration/place_confirmed",
        {"has_invitation": True, "moved_from": "Monday 13 November 2017, 10am to 12 noon"},
    ),
    "place_confirmed_from_list": (
        "registration/place_confirmed", {"has_invitation": True, "from_waiting_list": True}
    ),
    "on_waiting_list": (
        "registration/on_waiting_list", {"state": "waiting", "position": 3, "waiting_rule": waiting_rule("offer")}
    ),
    "on_waiting_list_at_once": (
        "registration/on_waiting_list",
        {"state": "waiting", "position": 12, "attending": "In person",
         "waiting_rule": waiting_rule("at_once", has_shares=True)},
    ),
    "place_offered": ("registration/place_offered", {"state": "offered"}),
    "offer_lapsed": ("registration/offer_lapsed", {"state": "lapsed"}),
    "place_cancelled": (
        "registration/place_cancelled", {"state": "cancelled", "was": "confirmed", "has_invitation": True}
    ),
    "place_confirmed_asking": (
        "registration/place_confirmed",
        {"asking": "Friday 3 November 2017, 9am, we ask you by email whether you are still coming."},
    ),
    "from_organiser": (
        "registration/from_organiser",
        {"subject": "The room is on the 2nd floor", "message": "Dear Màiri Example,\n\nuse the lift <left>.\nSee you!"},
    ),
    "date_poll": ("registration/date_poll", {"waited": True, "days": ["Monday 4 May 2026", "Tuesday 5 May 2026"]}),
    "date_poll_cancelled": ("registration/date_poll", {"waited": False, "days": ["Monday 4 May 2026"]}),
    "need_arranged": ("registration/need_arranged", {"message": "Ask for Olivia at the door.\n\nShe knows."}),
    "need_not_possible": ("registration/need_not_possible", {"message": "We can send you the papers before."}),
    "places_together": ("registration/places_together", TOGETHER),
    "still_coming": ("registration/still_coming", {"until": None}),
    "declined_in_calendar": ("registration/declined_in_calendar", {"state": "confirmed"}),
    "declined_in_calendar_requested": ("registration/declined_in_calendar", {"state": "requested"}),
    "still_coming_freed": ("registration/still_coming", {}),
    "pass_offered": ("registration/pass_offered", {}),
    "place_passed_on": ("registration/place_passed_on", {"state": "cancelled", "has_invitation": True}),
    "needs_due": (
        "registration/needs_due",
        {"needs_url": "http://localhost/staff/events/co-production-and-older-people/needs",
         "kinds": [{"what": "BSL interpreter", "people": "2 people",
                    "when": "Book by Tuesday 31 October 2017; this is 10 working days before the event."}],
         "undo": [{"what": "Hearing loop", "people": "1 person", "when": ""}]},
    ),
    "place_freed": ("registration/place_freed", {"state": "lapsed", "has_invitation": True}),
    "place_cancelled_waiting": ("registration/place_cancelled", {"state": "cancelled", "was": "waiting"}),
    "place_cancelled_by_organiser": (
        "registration/place_cancelled",
        {"state": "declined", "was": "confirmed", "by_organiser": True, "has_invitation": True},
    ),
    "place_cancelled_moved": (
        "registration/place_cancelled",
        {
            "state": "cancelled", "was": "confirmed", "has_invitation": True,
            "moved_to": "Wednesday 15 November 2017, 10am to 12 noon",
        },
    ),
    "already_registered": ("registration/already_registered", {}),
    "reminder_week": ("registration/reminder", {"ahead": "in a week"}),
    "reminder_day_online": ("registration/reminder", {**ONLINE, "ahead": "tomorrow", "has_invitation": False}),
    "event_reinstated_moved": ("registration/event_reinstated", {"changes": CHANGES, "has_invitation": True}),
    "event_changed": ("registration/event_changed", {"changes": CHANGES, "has_invitation": True}),
    "event_changed_waiting": ("registration/event_changed", {"changes": CHANGES, "state": "waiting"}),
    "event_cancelled": ("registration/event_cancelled", {"reason": "The speaker is ill.", "has_invitation": True}),
    "event_postponed": ("registration/event_postponed", {"has_invitation": True}),
    "event_reinstated": ("registration/event_reinstated", {"has_invitation": True}),
    "request_received": ("registration/request_received", {"state": "requested", "has_invitation": True}),
    "request_declined": ("registration/request_declined", {"state": "declined", "has_invitation": True}),
    "your_link": ("registration/your_link", {"state": "waiting"}),
    "find_my_place": (
        "registration/find_my_place",
        {
            "places": [
                {**EVENT, "link": "place_a", "state": "You have a place"},
                {**EVENT, "link": "place_b", "state": "You are on the waiting list", "title": "A workshop"},
            ]
        },
    ),
    "invited": ("registration/invited", INVITED),
    "invited_to_ask": ("registration/invited", {**INVITED, "by_approval": True, "summary": "", "closes": ""}),
    "not_invited": ("registration/not_invited", {}),
    "run_invited": ("schedule/run_invited", {**RUN, "joining_link": "https://meet.example.org/round-table"}),
    "run_invited_without_calendar": ("schedule/run_invited", {**RUN, "has_calendar": False, "places": ""}),
    "run_changed": ("schedule/run_changed", {**RUN, "changes": CHANGES, "new_link": True}),
    "run_changed_back": ("schedule/run_changed", {**RUN, "is_back": True, "changes": CHANGES[:1]}),
    "run_off_cancelled": ("schedule/run_off", {**RUN, "state": "cancelled", "reason": "The speaker is ill."}),
    "run_off_postponed": ("schedule/run_off", {**RUN, "state": "postponed", "reason": "The hall is closed."}),
    "run_removed": ("schedule/run_removed", RUN),
    "run_removed_with_place": ("schedule/run_removed", {**RUN, "has_calendar": False}),
    "proposal_confirm": ("proposals/confirm", {**PROPOSAL, "until": datetime(2017, 11, 9, 17, tzinfo=UTC)}),
    "proposal_received": ("proposals/received", PROPOSAL),
    "proposal_received_asked": ("proposals/received", ASKED),
    "proposal_changes_asked": ("proposals/changes_asked", {**PROPOSAL, "message": SAID}),
    "proposal_accepted": ("proposals/accepted", {**PROPOSAL, "message": SAID}),
    "proposal_accepted_asked": ("proposals/accepted", ASKED),
    "proposal_declined": ("proposals/declined", {**PROPOSAL, "message": SAID}),
    "proposal_your_link": ("proposals/your_link", PROPOSAL),
    "proposal_event_published": ("proposals/event_published", PROPOSAL),
    "proposal_event_published_asked": ("proposals/event_published", ASKED),
    "proposal_event_changed": ("proposals/event_changed", {**PROPOSAL, "changes": CHANGES}),
    "proposal_event_cancelled": ("proposals/event_cancelled", {**PROPOSAL, "reason": "The speaker is ill."}),
    "proposal_event_postponed": ("proposals/event_postponed", PROPOSAL),
    "proposal_event_reinstated": ("proposals/event_reinstated", PROPOSAL),
    "joining_link": ("registration/joining_link", {**ONLINE, "has_invitation": False}),
    "thank_you": ("followup/thank_you", {"has_notes": False, "write_ups": []}),
    "thank_you_with_links": (
        "followup/thank_you",
        {"has_notes": True, "write_ups": [{"title": "What we heard <in Glasgow>", "url": "https://example.org/blog"}]},
    ),
    "account_invitation": ("accounts/invitation", ACCOUNT),
    "account_new_password": ("accounts/new_password", ACCOUNT),
}
LINKS = ("place", "place_a", "place_b", "place_c", "place_d", "account", "password", "confirm", "proposal", "pass",
         "poll")  # fmt: skip


def rendered(name: str, tmp_path: Path) -> dict[str, str]:
    """The two bodies of a case, the subject above the plain one."""
    kind, special = CASES[name]
    words = render_words(kind, values={**EVENT, **special}, links=LINKS, settings=settings_for_test(tmp_path))
    return {".txt": f"Subject: {words.subject}\n\n{words.text}", ".html": words.html}


@pytest.mark.parametrize("name", CASES)
def test_mails_say_what_the_snapshots_say(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    for ending, text in rendered(name, tmp_path).items():
        file = SNAPSHOTS / f"{name}{ending}"
        if request.config.getoption("--update-snapshots"):
            SNAPSHOTS.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.is_file(), f"{file.name} is missing: run with --update-snapshots and read it"
        assert text == file.read_text(encoding="utf-8")


def test_every_kind_of_mail_has_a_snapshot_and_every_snapshot_a_case() -> None:
    kinds = {f"{file.parent.parent.name}/{file.parent.name}" for file in TEMPLATES.glob("*/*/subject.txt")}
    assert kinds == {kind for kind, _ in CASES.values()}
    assert {file.stem for file in SNAPSHOTS.iterdir()} == set(CASES)


class _Words(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


@pytest.mark.parametrize("name", CASES)
def test_both_bodies_say_the_same_and_subjects_hold_nothing_personal(name: str, tmp_path: Path) -> None:
    bodies = rendered(name, tmp_path)
    subject = bodies[".txt"].splitlines()[0]
    assert EVENT["name"] not in subject and EVENT["reference"] not in subject
    plain, html = (set(re.findall(r"[\w’]{5,}", text)) for text in (bodies[".txt"], _Words(bodies[".html"]).text))
    # The HTML has a line for lists of mail and one about copying the address; the plain text has none of these.
    assert plain - html <= {"Subject", "before"}
    links = set(re.findall(r"\[\[link:\w+\]\]|https?://[^\s<>\"]+[\w/]", bodies[".txt"]))
    assert links <= set(re.findall(r'href="([^"]+)"', bodies[".html"])) | {"http://localhost"}
    assert not re.search(r"\bplease\b|successfully|\binvalid\b|None", bodies[".txt"], re.IGNORECASE)


class _Tags(HTMLParser):
    """Every element of a mail with what it says of itself, and those open around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


#: What Outlook's Word engine draws, and what every reader of mail lets through.
_TAGS = {
    "html", "head", "meta", "title", "body", "table", "tr", "td", "th", "h1", "h2", "p", "a", "br", "div", "ul", "li",
    "strong", "em", "ol", "blockquote", "h3", "h4",
}  # fmt: skip
_NO_STYLE = re.compile(r"flex|grid|float|position|url\(|background-image|calc\(|var\(|\brem\b|gap:|margin:auto|opacity")


@pytest.mark.parametrize("name", CASES)
def test_outlook_can_draw_every_mail(name: str, tmp_path: Path) -> None:
    html = rendered(name, tmp_path)[".html"]
    found = _Tags(html).found
    assert {tag for tag, _ in found} <= _TAGS
    assert not re.search(r"<(style|script|link|img|svg|form)\b", html)
    for tag, attributes in found:
        style = attributes.get("style") or ""
        assert not _NO_STYLE.search(style), style
        if tag == "table":
            # Word adds a gap and a border where these are not said; a table for the layout says that it is one
            assert attributes.get("cellpadding") == attributes.get("cellspacing") == attributes.get("border") == "0"
        if "background-color" in style and tag in ("td", "body", "table"):
            assert attributes.get("bgcolor") in style, "Word reads bgcolor"
        if tag == "a":
            assert re.match(r"https?://|mailto:|\[\[link:", attributes.get("href") or ""), attributes
            assert "color:" in style, "a link without a colour is Word's own blue"
        if tag in ("p", "h1", "td", "th") and "font-size" in style:
            assert "font-family" in style, "Word falls back to Times in tables"
    assert found[0] == ("html", {"lang": "en-GB"})
    assert re.search(r"<title>[^<]+</title>", html) and 'width="600"' in html
    assert len(html.encode()) < 100_000, "Gmail cuts a longer mail"
