"""Every mail of a whole life, read back by the standard library's own reader: nothing a mail program stumbles over."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event
from tests.journeys.conftest import Mail
from tests.journeys.letters import Letter
from tests.journeys.person import Person, Reader
from workshops.config import Settings

Register = Callable[..., Person]

#: Names that tried a mail program's patience before: accents, apostrophes, a comma, an emoji, an attempt at a header.
HARD_NAMES = {
    "anna": "Àdhamh Mac an t-Saoir, Dùn Èideann",
    "ben": "Bréanainn O’Neill 🎪",
    "cara": "Cara\r\nBcc: others@example.org",
    "dan": "Núñez \u202etxt.exe",
}


def test_every_mail_of_a_whole_life_is_readable(
    session: Session,
    settings: Settings,
    someone: Callable[[], Person],
    organiser: Person,
    mail: Mail,
    clock: FakeClock,
) -> None:
    make_event(session, slug="table", title="Round-table: bùird & “words” <b>", capacity_in_person=2)
    for who, name in HARD_NAMES.items():
        clock.advance(minutes=1)
        person = someone().open("/events/table/register")
        person.fill(name=name, email=f"{who}@example.org", if_full="wait").press("")
    (confirmation,) = mail(to="anna@example.org", kind="place_confirmed")
    someone().open(confirmation.place).follow("Cancel my place").press("Cancel my place")
    clock.advance(minutes=1)
    organiser.open("/staff/events/table/cancel").fill(reason="A burst pipe.", tell="now").press("Cancel")
    written = mail()
    assert len(written) >= 8
    for letter in written:
        check(letter, settings)


def check(letter: Letter, settings: Settings) -> None:
    """One mail: headers, parts, links and the invitation."""
    message = letter.mail
    assert not message.defects, letter.path
    for part in message.walk():
        assert not part.defects, letter.path
    for header in ("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"):
        assert len(message.get_all(header, [])) == 1, header
    assert len(message["To"].addresses) == 1 and message["Bcc"] is None and message["Cc"] is None
    assert message["From"].addresses[0].addr_spec == settings.mail_from
    assert not re.search(r"[\r\n\x00-\x1f\u202a-\u202e]", str(message["Subject"]) + str(message["To"]))
    raw = letter.path.read_bytes()
    assert max(len(line) for line in raw.split(b"\n")) <= 998 and len(raw) < 100_000  # RFC 5322 2.1.1
    assert raw.isascii()

    types = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert types[:2] == ["text/plain", "text/html"] and types[2:] in ([], ["text/calendar"])
    assert message.get_content_type() == "multipart/alternative"
    assert "\n\n\n" not in letter.text.replace("\r", "") and not re.search(r"\{[{%]|\[\[link|None", letter.text)
    assert "\x00" not in letter.text + letter.html and "\u202e" not in letter.text + letter.html
    check_html(letter, settings)
    if letter.calendar_part is not None:
        assert letter.method in ("REQUEST", "CANCEL")
        assert letter.calendar_part.get_content_charset() == "utf-8"
        assert letter.entry["ATTENDEE"].lower() == f"mailto:{letter.to}"
        # a shared calendar shows its description to a whole team: no personal link in it
        assert b"/places/" not in (letter.calendar_part.get_payload(decode=True) or b"")


def check_html(letter: Letter, settings: Settings) -> None:
    """The HTML part says what the text part says, fetches nothing, and leads to this site alone."""
    html = letter.html
    assert html.lstrip().startswith("<!DOCTYPE html>") and 'lang="en-GB"' in html
    assert not re.search(r"<(img|script|link|iframe|form)\b|url\(|@import", html)
    page = Reader(html)
    assert page.heading.strip()
    targets = {href for _, href in page.links}
    assert all(href.startswith((settings.base_url, "mailto:")) for href in targets), targets
    assert set(letter.links("/places/")) == {href for href in targets if "/places/" in href}
