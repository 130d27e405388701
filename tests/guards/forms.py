"""Forms as a browser finds them: read from the pages that show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from tests.conftest import FormClient

#: Ends this browser's sign-in, and with it the test.
NOT_PRESSED = ("/staff/sign-out", "/end", "/end-other-sign-ins", "/end-sign-ins")


@dataclass
class FoundForm:
    """A form of a page: where it is sent, and its fields with what stands in them."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    #: text, email, radio, select, textarea and so on, by the name of the field.
    kinds: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    """The forms of a page that are sent by POST."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[FoundForm] = []
        self.open: FoundForm | None = None
        self.area = ""
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and given.get("method", "").lower() == "post":
            self.open = FoundForm(given.get("action", ""))
            self.found.append(self.open)
        if self.open is None:
            return
        name = given.get("name", "")
        if tag == "option" and self.select:
            if "selected" in given or not self.open.fields.get(self.select):
                self.open.fields[self.select] = given.get("value", "")
        elif tag == "select":
            self.select = name
        elif tag == "textarea":
            self.area = name
            self.open.fields[name] = ""
            self.open.kinds[name] = tag
        if given.get("formaction"):
            self.found.append(FoundForm(given["formaction"], self.open.fields, self.open.kinds))
        if tag in ("input", "button") and name and name != "csrf_token":
            self.open.kinds[name] = "fixed" if "readonly" in given else given.get("type", "text")
            ticked = given.get("type") not in ("radio", "checkbox") or "checked" in given
            if ticked or not self.open.fields.get(name):
                self.open.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "textarea":
            self.area = ""
        elif tag == "select":
            self.select = ""

    def handle_data(self, data: str) -> None:
        if self.area and self.open is not None:
            self.open.fields[self.area] += data


def forms_of(page: str, path: str) -> list[FoundForm]:
    """The forms of a page, each with the path it is sent to."""
    reader = _Forms()
    reader.feed(page)
    for form in reader.found:
        form.action = urljoin(path, form.action) if form.action else path
    return reader.found


def every_form(
    browsers: list[FormClient], addresses: list[str], slugs: tuple[str, ...]
) -> dict[str, tuple[FormClient, FoundForm]]:
    """Each form that these browsers are shown, once for each address and set of fields.

    slugs: addresses that differ in one of these alone count as one.
    """
    found: dict[str, tuple[FormClient, FoundForm]] = {}
    for browser in browsers:
        for path in addresses:
            answer = browser.get(path)
            page = answer.get_data(as_text=True) if answer.mimetype == "text/html" else ""
            answer.close()
            for form in forms_of(page, path):
                address = "/".join("slug" if part in slugs else part for part in form.action.split("/"))
                if not address.endswith(NOT_PRESSED):
                    found.setdefault(f"{address} {' '.join(form.fields)}", (browser, form))
    return found
