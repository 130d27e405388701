"""A made programme of 90 events by 30 hosts over ten days as a spreadsheet, and a hand that may use keys alone."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

from playwright.sync_api import Locator

from tests.browser.visitor import Visitor

TITLE = "Example Festival of Co-production"
SLUG = "example-festival-of-co-production"
DAYS, EVENTS, HOSTS = 10, 90, 30
AREAS = (
    "Glasgow City", "City of Edinburgh", "Highland", "Fife", "Dundee City", "Aberdeen City", "Stirling", "Moray",
    "Scottish Borders",
)  # fmt: skip
TOPICS = ("power and inequality", "health and care", "housing", "young people", "budgets with people")
KINDS = ("workshop", "round-table", "awareness session", "learning event")
COLUMNS = (
    "title", "programme", "kind", "host", "starts", "ends", "venue", "address", "postcode", "area", "mode", "booking",
    "capacity_in_person", "capacity_online", "topics", "summary", "registered", "attended", "write_up_status",
    "write_up_title", "write_up_url", "source_url",
)  # fmt: skip


def spreadsheet(first_day: date) -> bytes:
    """Nine events a day, three at a time; the first two of each day are in one and the same hall: a clash."""
    written = io.StringIO()
    rows = csv.DictWriter(written, COLUMNS, restval="")
    rows.writeheader()
    for number in range(EVENTS):
        day, place = divmod(number, EVENTS // DAYS)
        hour = 10 + 2 * (place // 3)
        area = AREAS[place] if place > 1 else AREAS[0]
        starts = f"{first_day + timedelta(days=day)}T{hour:02d}:00"
        rows.writerow(
            {
                "title": f"Example festival event {number + 1:02d}",
                "programme": TITLE,
                "kind": KINDS[number % len(KINDS)],
                "host": f"Example Host {number % HOSTS + 1:02d}",
                "starts": starts,
                "ends": f"{starts[:-5]}{hour + 1:02d}:30",
                "venue": f"Example Hall of {area}",
                "address": f"{place if place > 1 else 1} Example Street",
                "area": area,
                "mode": "in person",
                "booking": "first come",
                "capacity_in_person": "20",
                "topics": TOPICS[number % len(TOPICS)],
                "summary": "An example event of a made festival.",
            }
        )
    return written.getvalue().encode()


class Hand:
    """Uses the pages: with the mouse, or with nothing but Tab, Space, Enter, arrows and typing."""

    def __init__(self, visitor: Visitor, *, keyboard: bool) -> None:
        self.visitor, self.page, self.keyboard = visitor, visitor.page, keyboard

    def press(self, words: str) -> None:
        """Press the button, or follow the link, of the page's own part whose name begins with these words."""
        main = self.page.get_by_role("main")
        # a form's first, hidden button is for Return in a field; nobody meets it with Tab
        found = main.locator("button:not([aria-hidden])").filter(has_text=words)
        if not found.count():
            found = main.get_by_role("link", name=words)
        if self.keyboard:
            self.reach(found.first)
        # ninety events at once, while other tests run beside this one
        with self.page.expect_navigation(wait_until="load", timeout=90_000):
            if self.keyboard:
                self.page.keyboard.press("Enter")
            else:
                found.first.click()

    def type(self, field: Locator, text: str) -> None:
        """Replace what stands in a field."""
        if self.keyboard:
            self.reach(field)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.type(text)
        else:
            field.fill(text)

    def fill(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        self.type(self.page.get_by_label(label).first, text)

    def date(self, group: str, day: date) -> None:
        """Type a date into its three boxes, the month as a word."""
        boxes = self.page.get_by_role("group", name=group)
        for label, text in (("Day", str(day.day)), ("Month", f"{day:%b}"), ("Year", str(day.year))):
            self.type(boxes.get_by_label(label, exact=True).first, text)

    def choose(self, label: str) -> None:
        """Choose a radio or tick a box."""
        field = self.page.get_by_label(label).first
        if not self.keyboard:
            self.visitor.choose(label)
            return
        kind = field.get_attribute("type")
        if kind == "radio" and not field.is_checked():
            # Tab stops once in a group of radios; arrows go round in it
            name = field.get_attribute("name")
            group = self.page.locator(f"input[type=radio][name='{name}']")
            checked = self.page.locator(f"input[type=radio][name='{name}']:checked")
            self.reach(checked.first if checked.count() else group.first)
            for _ in range(group.count() + 1):
                if self._has_focus(field):
                    break
                self.page.keyboard.press("ArrowDown")
            self.page.keyboard.press("Space")
        elif not field.is_checked():
            self.reach(field)
            self.page.keyboard.press("Space")
        assert field.is_checked(), label

    def reach(self, target: Locator) -> None:
        """Press Tab until the focus is there, as somebody without a mouse does; and it must be seen there."""
        for _ in range(900):
            if self._has_focus(target):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not lead to {target}")

    def _has_focus(self, target: Locator) -> bool:
        return bool(target.evaluate("e => e === document.activeElement"))
