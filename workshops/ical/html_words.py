"""The words of a description that was written in HTML, as Eventbrite and Google do. Pure; nothing of it is rendered."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_IS_HTML = re.compile(
    r"<(?:p|br|div|span|a|ul|ol|li|b|strong|em|i|h[1-6]|html|body)(?:\s[^<>]{0,2000})?/?>", re.IGNORECASE
)
_PARAGRAPHS = frozenset({"p", "div", "ul", "ol", "table", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})


def is_html(text: str) -> bool:
    """Whether a text holds tags of HTML."""
    return _IS_HTML.search(text) is not None


def words_of_html(text: str) -> str:
    """The words, with empty lines between paragraphs, "- " before points of lists and addresses behind links."""
    reader = _Words()
    reader.feed(text)
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.unseen = 0
        self.link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self.unseen += 1
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n- ")
        elif tag == "a":
            self.link = next((value or "" for name, value in attrs if name == "href"), "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self.unseen = max(0, self.unseen - 1)
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag == "a":
            if self.link.startswith(("http://", "https://")) and self.link not in "".join(self.parts[-3:]):
                self.parts.append(f" ({self.link})")
            self.link = ""

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            # line breaks of the source are spaces in HTML
            self.parts.append(re.sub(r"\s+", " ", data))
