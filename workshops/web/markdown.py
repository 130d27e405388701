"""The safe Markdown subset: headings, lists, bold, italics, quotes and links. Raw HTML is shown, never run."""

from __future__ import annotations

import re

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

#: Longer texts are cut by the forms; this bounds the time of a hostile one.
MAX_NESTING = 20

_parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": MAX_NESTING}).disable(
    ["image", "html_block", "html_inline"]
)
#: Nothing relative: the same text stands in mails and feeds, and "//other.example" leads away without saying so.
_LINK = re.compile(r"(?:https?://|mailto:)[^/]", re.IGNORECASE)
_parser.validateLink = lambda url: _LINK.match(url) is not None  # type: ignore[method-assign]
_TAGS = {
    "p",
    "br",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "blockquote",
    "a",
    "code",
    "pre",
    "hr",
}


def render_markdown(text: str, *, first_heading: int = 3) -> Markup:
    """Markdown as safe HTML.

    Headings are shifted so that "#" becomes h<first_heading>, at most h6: a page keeps its own h1 and order. The
    text stands below a heading of level first_heading; one that leaves levels out gets the next level instead
    (WCAG 1.3.1).
    Links are http, https or mailto only, and say that they lead away (security.md D.2 row 8).
    """
    tokens = _parser.parse(text)
    above = first_heading
    for token in tokens:
        if token.type == "heading_open":
            above = min(6, int(token.tag[1]) + first_heading - 1, above + 1)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{above}"
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 - cleaned by an allow list just above


def plain_text(text: str) -> str:
    """Markdown as plain text, for mail and calendars: the words and the targets of links, one line a block."""
    lines: list[str] = []
    for token in _parser.parse(text):
        if token.type == "inline":
            lines.append(_inline_text(token.children or []))
        elif token.type in ("fence", "code_block"):
            lines.append(token.content.rstrip())
    return "\n".join(line for line in lines if line)


def _inline_text(children: list[Token]) -> str:
    out: list[str] = []
    target = ""
    for child in children:
        if child.type == "link_open":
            target = str(child.attrGet("href") or "")
        elif child.type == "link_close":
            if target and (not out or out[-1] != target):
                out.append(f" ({target})")
            target = ""
        elif child.type in ("softbreak", "hardbreak"):
            out.append("\n")
        else:
            out.append(child.content)
    return "".join(out)
