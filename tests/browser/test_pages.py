"""Every page in every state, at 1280 and at 320 pixels: what a machine can find wrong with it is not there."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from tests.browser.conftest import Scene
from tests.browser.visitor import NARROW, WIDE, Visitor

NewVisitor = Callable[..., Visitor]

OPEN = "example-awareness-session-what-is-co-production"
FULL = "example-workshop-tools-and-methods"
CLOSED = "example-workshop-closed-for-registration"
CANCELLED = "example-learning-event-cancelled"
HYBRID = "example-learning-event-stories-as-evidence"
APPROVAL = "example-conference-walking-the-talk"
DRAFT = "example-draft-not-published-yet"
PAST = "example-round-table-of-last-week"
FOLLOWED_UP = "example-workshop-of-last-month"
ASKS = "example-round-table-budgets-with-people"
INVITED = "example-round-table-by-invitation"
DOMAINS = "example-learning-event-for-public-services"
#: One event in each state of the status table (reference/pages.md A.0).
STATES = (
    OPEN, FULL, CLOSED, CANCELLED, HYBRID, APPROVAL, PAST, FOLLOWED_UP,
    ASKS,  # nearly full
    "example-awareness-session-opens-soon",
    "example-round-table-full-without-a-waiting-list",
    "example-workshop-postponed",
    "example-workshop-moved-to-another-day",
    "example-online-chat-power-and-inequality",  # on now
    INVITED, DOMAINS,
    "example-festival-day-at-a-partner",
    "example-open-house",
)  # fmt: skip
PUBLIC = (
    "/", "/events", "/events?q=co-production&attending=in_person&places=1", "/events?q=nothing-like-this",
    "/programmes", "/programmes/example-co-production-week", "/past", "/past?q=conference",
    "/calendar", "/calendar?month=2016-11", "/write-ups", "/calendars", "/calendars?kind=workshop", "/accessibility",
    "/privacy", "/cookies", "/contact",
    *(f"/events/{OPEN}/registered/{outcome}" for outcome in ("place", "waiting", "requested")),
    *(f"/events/{INVITED}/registered/{outcome}" for outcome in ("place", "waiting", "requested")),
    *(f"/events/{slug}" for slug in STATES),
)  # fmt: skip
#: Several events of a programme at once: to choose, the form, and the receipt.
WEEK = "/programmes/example-co-production-week"
SEVERAL = (f"{WEEK}/register", f"{WEEK}/register?event={OPEN}&event={FULL}&event={HYBRID}",
           f"{WEEK}/registered?place={OPEN}&waiting={FULL}&requested={APPROVAL}&none={HYBRID}")  # fmt: skip
#: Pages with a form: the form token needs the one cookie there is.
WITH_FORM = (
    *SEVERAL, "/find-my-place", "/find-my-place?sent=1", "/staff/sign-in", "/staff/forgotten-password",
    "/staff/forgotten-password?sent=yes", "/ask-for-an-event", "/ask-for-an-event?sent=1",
    *(f"/programmes/example-co-production-week/{form}" for form in ("host-an-event", "ask-for-an-event")),
    *(f"/events/{slug}/register" for slug in (
        OPEN, FULL, HYBRID, APPROVAL, CLOSED, ASKS, INVITED, DOMAINS, "example-festival-day-at-a-partner",
        "example-open-house")),
)  # fmt: skip
GONE = {
    "/nothing-here": 404,
    "/events?page=99": 404,
    "/events/nothing-here": 404,
    f"/events/{DRAFT}": 404,
    f"/events/{CANCELLED}/register": 410,
    f"/events/{PAST}/register": 410,
    "/proposals/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": 404,
    "/places/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": 404,
    "/staff/link/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": 404,
}
#: Below My place.
OWN_PAGES = ("/change", "/cancel", "/move", "/pass-on", "/delete")
PARTS = ("about", "when", "where", "registration", "questions", "who")
STAFF = (
    "/staff/", "/staff/?show=drafts", "/staff/?show=past&whose=mine", "/staff/events/new", "/staff/programmes",
    "/staff/programmes/new", "/staff/more", "/staff/roles", "/staff/calendars", "/staff/feeds",
    *(f"/staff/programmes/example-co-production-week{page}" for page in ("", "/edit", "/publish", "/cancel", "/gaps")),
    "/staff/programmes/example-festival-of-islands-and-towns/gaps",
    "/staff/programmes/example-festival-of-islands-and-towns/gaps/events?map=days&row=glasgow-city",
    "/staff/venues", "/staff/venues?q=nothing-like-this", "/staff/venues/new", "/staff/venues/1/rooms/new",
    "/staff/venues/1/rooms/1/edit", *(f"/staff/venues/1{page}" for page in ("", "/edit", "/merge", "/merge?into=2")),
    "/staff/hosts", "/staff/hosts/new", *(f"/staff/hosts/1{page}" for page in ("", "/edit", "/merge?into=2")),
    "/staff/topics", "/staff/topics/1/edit", "/staff/topics/1/merge?q=co", "/staff/kinds",
    "/staff/import", "/staff/write-ups", "/staff/write-ups/1",
    "/staff/evidence", "/staff/account", "/staff/accounts", "/staff/accounts/1", "/staff/accounts/invite",
    "/staff/messages", "/staff/messages?state=sent&q=example",
    "/staff/proposals", "/staff/proposals?state=declined", "/staff/ask-form",
    *(f"/staff/events/{slug}" for slug in (OPEN, DRAFT, CANCELLED, "example-workshop-postponed", FOLLOWED_UP)),
    *(f"/staff/events/{OPEN}/{page}" for page in (
        "edit", "preview", "cancel", "postpone", "add-date", "copy", "repeat", "dates", "dates/cancel", "people/add",
        "calendars", "to-reach",
        "needs", "needs/vegetarian/answer",
        "place-rules", "messages", "on-the-day", "attendance", "register-sheet", "notes", "write-ups/new")),
    *(f"/staff/events/{slug}/edit/{part}" for slug in (OPEN, DRAFT, HYBRID) for part in PARTS),
    *(f"/staff/events/{slug}/reinstate" for slug in (CANCELLED, "example-workshop-postponed")),
    f"/staff/events/{FOLLOWED_UP}/edit/history", f"/staff/events/{DRAFT}/edit/check", f"/staff/events/{DRAFT}/preview",
    f"/staff/events/{DRAFT}/edit/days?first=2027-10-30&last=2027-11-01&start=10am&end=4pm",
    *(f"/staff/events/{slug}/people" for slug in (OPEN, FULL, HYBRID, APPROVAL, INVITED)),
    *(f"/staff/events/{slug}/invited" for slug in (OPEN, INVITED, DRAFT)),
    f"/staff/events/{FULL}/people/write", f"/staff/events/{FULL}/people/twice",
    f"/staff/events/{OPEN}/people/import", "/staff/demand",
    f"/staff/events/{FULL}/another-date", f"/staff/events/{CLOSED}/another-date",
    f"/staff/events/{HYBRID}/place-rules", f"/staff/events/{FULL}/waiting-list", f"/staff/events/{DRAFT}/waiting-list",
    f"/staff/events/{APPROVAL}/people?state=requested", f"/staff/events/{ASKS}/people/add",
    *(f"/staff/events/{slug}/afterwards" for slug in (OPEN, PAST, FOLLOWED_UP)),
    *(f"/staff/events/{FOLLOWED_UP}/{page}" for page in ("on-the-day", "attendance", "notes/preview")),
)  # fmt: skip
#: Answers that are no pages: files, feeds, and what monitors read.
NOT_PAGES = {
    "static_file", "evidence.healthz", "evidence.readyz", "evidence.export_events", "evidence.export_people",
    "registration.my_data", "feeds.calendar_ics", "feeds.event_ics", "feeds.my_calendar_ics", "feeds.programme_ics",
    "feeds.write_ups_atom", "feeds.events_atom", "feeds.host_ics", "feeds.venue_ics", "feeds.series_ics",
    "feeds.staff_calendar_ics",
    "schedule.gap_map_csv", "site.robots_txt", "site.security_txt",
}  # fmt: skip


@pytest.fixture
def admin(scene: Scene, new_visitor: NewVisitor, request: pytest.FixtureRequest) -> Visitor:
    """A signed-in admin."""
    address = "admin-" + re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-") + "@example.org"
    link = scene.site.instance.command("accounts", "create", address, "--role", "admin").decode().split()[-1]
    visitor = new_visitor(scene.site.base)
    # the gate has eight minutes: at 320 pixels axe goes over the pages for staff only with --full
    visitor.axe_everywhere = request.config.getoption("--full")
    visitor.open(link)
    visitor.fill("Your name", "Ada Example")
    visitor.fill("Password", "seven quiet herons walk")
    visitor.press("Set up my account")
    assert visitor.heading() == "My events"
    return visitor


def look_at(visitor: Visitor, paths: dict[str, int] | tuple[str, ...], seen: dict[str, str]) -> list[str]:
    """Check pages at both widths; gives what is wrong, and adds path and title to `seen`."""
    wrong = []
    for path in paths:
        try:
            visitor.open(path, status=paths[path] if isinstance(paths, dict) else 200)
            visitor.check(widths=(NARROW,))
        except AssertionError as fault:
            wrong.append(str(fault))
        seen[path] = visitor.page.title()
    return wrong


def test_public_pages_in_every_state(scene: Scene, new_visitor: NewVisitor) -> None:
    visitor = new_visitor(scene.site.base, width=WIDE)
    seen: dict[str, str] = {}
    wrong = look_at(visitor, PUBLIC, seen)
    cookies = visitor.page.context.cookies()
    kept = visitor.page.evaluate("localStorage.length + sessionStorage.length")
    assert not wrong, "\n".join(wrong)
    assert cookies == [] and kept == 0, "a public page stores something in the browser"
    assert all(title.endswith(" – Co-production events") for title in seen.values())


def test_pages_with_forms_links_and_errors(scene: Scene, new_visitor: NewVisitor) -> None:
    visitor = new_visitor(scene.site.base, width=WIDE)
    seen: dict[str, str] = {}
    wrong = look_at(visitor, (*WITH_FORM, *scene.places.values()), seen)
    confirmed, offered = scene.places["confirmed"], scene.places["offered"]
    for path in (*(confirmed + more for more in OWN_PAGES), offered + "/cancel"):
        wrong += look_at(visitor, (path,), seen)
        assert visitor.page.url.endswith(path), f"{path} leads elsewhere"
    links = {scene.links["new_password"]: 200, scene.links["demonstration"]: 200, scene.links["used"]: 410}
    wrong += look_at(visitor, {**GONE, **links}, seen)
    assert not wrong, "\n".join(wrong)
    cookies: list[Any] = visitor.page.context.cookies()
    assert [cookie["name"] for cookie in cookies] == ["session"]
    assert cookies[0]["httpOnly"] and cookies[0]["sameSite"] == "Lax"


def pages_of(proposals: dict[str, str]) -> dict[str, int]:
    """What people behind the links of proposals see, in every state, with the status of each page."""
    own = {path: 200 for name, path in proposals.items() if name.startswith(("own ", "confirm "))}
    more = [("changes", "edit"), ("asked", "edit"), ("waiting", "take-back"), ("draft", "event")]
    own |= {f"{proposals[f'own {name}']}/{page}": 200 for name, page in more}
    return own | {proposals["own revoked"]: 404, proposals["closed"]: 404}


def staff_pages_of(proposals: dict[str, str]) -> list[str]:
    """What those who answer see."""
    more = [("waiting", "accept"), ("asked", "accept"), ("waiting", "ask-for-changes"), ("waiting", "decline"),
            ("draft", "names")]  # fmt: skip
    pages = [proposals[f"staff {name}"] for name in ("waiting", "asked", "changes", "declined", "draft", "published")]
    return [*pages, *(f"{proposals[f'staff {name}']}/{page}" for name, page in more)]


def test_pages_of_proposals(scene: Scene, new_visitor: NewVisitor) -> None:
    visitor = new_visitor(scene.site.base, width=WIDE)
    seen: dict[str, str] = {}
    wrong = look_at(visitor, pages_of(scene.proposals), seen)
    assert not wrong, "\n".join(wrong)


def waiting_message(scene: Scene, admin: Visitor) -> tuple[str, ...]:
    """A message that staff hold, with the page to change it, and one that belongs to no event."""
    with closing(sqlite3.connect(scene.site.instance.folder / "workshops.sqlite3", timeout=30)) as database, database:
        # of an event whose messages no other page of the list shows
        (held,) = database.execute(
            "SELECT max(m.id) FROM outbox_messages m JOIN events e ON e.id = m.event_id WHERE e.slug = ?", (FULL,)
        ).fetchone()
        database.execute(
            "UPDATE outbox_messages SET state = 'due', held_at = created_at, subject = 'A message that is held' "
            "WHERE id = ?", (held,)
        )
    admin.open("/staff/messages?state=sent")
    other = admin.page.locator("main table a[href^='/staff/messages/']").first.get_attribute("href")
    assert other
    return f"/staff/messages/{held}", f"/staff/messages/{held}/edit", other


def staff_pages(scene: Scene, admin: Visitor) -> tuple[str, ...]:
    """All that is looked at behind sign-in: the list above, with one person, one message and the proposals."""
    admin.open(f"/staff/events/{OPEN}/people")
    person = admin.page.locator("main table a").first.get_attribute("href")
    admin.open(f"/staff/events/{OPEN}/messages")
    message = admin.page.locator("main a[href*='/messages/']").first.get_attribute("href")
    assert person and message
    admin.open(f"/staff/events/{OPEN}/people")
    other = (admin.page.locator("main table a").nth(1).get_attribute("href") or "").rpartition("/")[2]
    own = tuple(person + more for more in ("/correct", "/move", f"/merge/{other}"))
    admin.open(f"/staff/events/{FULL}/waiting-list")
    skip = admin.page.locator("main a[href$='/skip']").first.get_attribute("href")
    assert skip
    return (*STAFF, person, *own, message, skip, *waiting_message(scene, admin), *staff_pages_of(scene.proposals))


@pytest.mark.parametrize("third", [0, 1, 2])
def test_staff_pages(scene: Scene, admin: Visitor, third: int) -> None:
    # in three parts, because two processes share the tests
    wrong = look_at(admin, staff_pages(scene, admin)[third::3], {})
    assert not wrong, "\n".join(wrong)


def test_no_page_was_forgotten_and_no_two_have_one_title(
    scene: Scene, admin: Visitor, running_apps: Callable[[str], Any]
) -> None:
    pages_for_staff = staff_pages(scene, admin)
    answers = [admin.page.request.get(admin.base + path) for path in pages_for_staff if "?" not in path]
    titles = [re.search("<title>(.*?)</title>", answer.text(), re.DOTALL) for answer in answers]
    said = [title[1] for title in titles if title is not None]
    assert len(said) == len(answers)
    twice = {title for title in said if said.count(title) > 1}
    assert not twice, f"titles that two pages share: {twice}"

    app: Flask = running_apps("sqlite").app
    visited = [*pages_for_staff, *PUBLIC, *WITH_FORM, *scene.places.values(), *scene.links.values()]
    visited += pages_of(scene.proposals)
    visited += [scene.places["confirmed"] + more for more in OWN_PAGES]
    match = app.url_map.bind("localhost").match
    reached = {match(urlsplit(path).path)[0] for path in visited}
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert pages - NOT_PAGES - reached == set(), "pages that no test has looked at"


@dataclass(frozen=True)
class Sent:
    """A form sent with something missing: where, which button, and what was typed and must still be there."""

    path: str
    button: str
    typed: tuple[str, str] | None = None


PUBLIC_FORMS = (
    Sent(f"/events/{OPEN}/register", "Register for this event", ("Organisation", "Example Council")),
    Sent(f"/events/{HYBRID}/register", "", ("Full name", "Dòmhnall O’Neill")),
    Sent("/find-my-place", "Send my links", ("Email address", "two@at@example.org")),
    Sent("/programmes/example-co-production-week/host-an-event", "Send my proposal", ("Organisation", "Partner")),
    Sent("/ask-for-an-event", "Send my request", ("Tell us more", "We are twelve and new to this.")),
    Sent("/staff/sign-in", "Sign in", ("Email", "nobody@example.org")),
    Sent("/staff/forgotten-password", "", None),
)
STAFF_FORMS = (
    Sent("/staff/events/new", "Save as a draft", ("Title", "A title alone")),
    Sent(f"/staff/events/{DRAFT}/edit/when", "Save and continue", ("Start time", "half past never")),
    Sent(f"/staff/events/{HYBRID}/edit/where", "Save the changes", ("Joining link (optional)", "ftp://example.org")),
    Sent(f"/staff/events/{OPEN}/cancel", "Cancel", None),
    Sent(f"/staff/events/{OPEN}/postpone", "Postpone", None),
    Sent(f"/staff/events/{OPEN}/add-date", "", ("Start time", "half past never")),
    Sent(f"/staff/events/{OPEN}/copy", "", ("Start time", "half past never")),
    Sent(f"/staff/events/{OPEN}/dates/cancel", "Continue", ("Reason", "The hall is closed")),
    Sent(f"/staff/events/{OPEN}/repeat", "Show the dates", ("How many weeks apart", "a few")),
    Sent(f"/staff/events/{OPEN}/people/add", "", ("Full name", "Example Person")),
    Sent(f"/staff/events/{OPEN}/write-ups/new", "Save the write-up", ("Link (optional)", "javascript:alert(1)")),
    Sent("/staff/programmes/new", "", ("Summary", "Something without a name")),
    Sent("/staff/kinds", "", None),
    Sent("/staff/topics", "", None),
    Sent("/staff/topics/1/edit", "Save the topic", ("Name of the topic", "; and more")),
    Sent("/staff/venues/new", "", ("Postcode", "eh11yz is none")),
    Sent("/staff/venues/1/rooms/new", "", ("How many people it holds", "a few")),
    Sent("/staff/hosts/new", "", ("Telephone number", "0131 496 0000")),
    Sent("/staff/programmes/example-co-production-week/cancel", "", None),
    Sent("/staff/import", "", None),
    Sent("/staff/accounts/invite", "", ("Name", "Example Colleague")),
    Sent("/staff/account", "Change", None),
)


def send_unfinished(visitor: Visitor, sent: Sent) -> None:
    """Send a form with something missing and look at what comes back (WCAG 3.3.1)."""
    visitor.open(sent.path)
    if sent.typed:
        visitor.fill(*sent.typed)
    with visitor.page.expect_response(lambda came: came.request.method == "POST") as came:
        if sent.button:
            visitor.page.get_by_role("main").get_by_role("button", name=sent.button).first.click()
        else:
            visitor.page.locator("main form[method=post] button:not([aria-hidden]):not([formaction])").last.click()
    assert came.value.status == 422, f"{sent.path}: {came.value.status}"
    visitor.page.wait_for_load_state("load")
    title = visitor.page.title()
    assert re.match(r"Error: \S", title), f"{sent.path}: “{title}”"
    targets = visitor.page.eval_on_selector_all(
        "#error-summary a", "links => links.map(a => [a.getAttribute('href'), a.textContent])"
    )
    assert targets, f"{sent.path}: an error summary without links"
    for href, words in targets:
        assert words.strip() and not words.strip().endswith("."), f"{sent.path}: “{words}”"
        found = visitor.page.locator(f"[id='{href.removeprefix('#')}']")
        assert found.count() == 1, f"{sent.path}: {href} is not there"
        # said at the field too, in the same words
        assert visitor.page.locator(".ds_question__error-message", has_text=words).count(), f"{sent.path}: {words}"
    if sent.typed:
        label, text = sent.typed
        assert visitor.page.get_by_label(label).first.input_value() == text, f"{sent.path} lost “{text}”"
    assert visitor.page.evaluate("document.activeElement.id") == "error-summary"
    visitor.check(widths=(NARROW,))


def test_unfinished_public_forms_say_what_is_missing(scene: Scene, new_visitor: NewVisitor) -> None:
    visitor = new_visitor(scene.site.base)
    for sent in (*PUBLIC_FORMS, Sent(scene.places["confirmed"] + "/move", "")):
        send_unfinished(visitor, sent)
    visitor.open(scene.places["confirmed"] + "/change")
    visitor.fill("Full name", "")
    visitor.press("Save my changes")
    assert visitor.page.title().startswith("Error: ")
    visitor.check(widths=(NARROW,))


def test_unfinished_staff_forms_say_what_is_missing(scene: Scene, admin: Visitor) -> None:
    waiting, asked, draft = (scene.proposals[f"staff {name}"] for name in ("waiting", "asked", "draft"))
    of_proposals = (
        Sent(f"{asked}/accept", "See the draft and the email", ("Your message", "We come in May.")),
        Sent(f"{waiting}/decline", "See the email", None),
        Sent(f"{waiting}/ask-for-changes", "See the email", None),
        Sent(f"{draft}/names", "Let the host see names", None),
    )
    for sent in (*STAFF_FORMS, *of_proposals):
        send_unfinished(admin, sent)


def test_the_look_at_a_file_before_it_is_imported(scene: Scene, admin: Visitor) -> None:
    known = "title,kind,starts,mode,booking\n"
    files = {
        "What the columns are": "Event name,Favourite colour\nOpen day,red\n",
        "Nothing was saved": f"{known}Open day,séance,12/31/2027,online,none\n",
        "All rows fit": f"{known}Open day,workshop,04/05/2027,online,none\n",
    }
    for says, content in files.items():
        admin.open("/staff/import")
        admin.page.get_by_label("Spreadsheet or calendar").set_input_files(
            {"name": "events.csv", "mimeType": "text/csv", "buffer": content.encode()}
        )
        admin.page.get_by_role("button", name="Check the file").click()
        admin.page.get_by_text(says, exact=True).first.wait_for()
        admin.check(widths=(NARROW, WIDE))
