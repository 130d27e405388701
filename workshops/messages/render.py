"""Words of mail: templates/emails/<slice>/<kind>/{subject.txt,body.txt,body.html} with fixed fields.

An environment of its own, so that a mail is rendered the same in a view, a command and the worker, and never
reads a request. There are no templates made by users: nothing people type is ever compiled (ASVS 1.3.3).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from workshops.config import PROJECT, Settings
from workshops.core import london_time
from workshops.core.text import clean_text
from workshops.messages.rules import MAX_SUBJECT_LENGTH
from workshops.web.filters import paragraphs, plural
from workshops.web.markdown import plain_text, render_markdown

_KIND = re.compile(r"[a-z_]+/[a-z_]+")
_PLACEHOLDER = re.compile(r"\[\[link:([a-z_]+)\]\]")
_ADDRESS = re.compile(r"\[\[link:[a-z_]+\]\]|https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]")
_LINK = Markup('<a href="{0}" style="color:#0065bd;word-break:break-all">{0}</a>')
_environments: dict[Path, Environment] = {}
_folder = PROJECT / "templates" / "emails"


@dataclass(frozen=True)
class Words:
    """A rendered mail. Personal links stand in the bodies as [[link:<name>]]."""

    subject: str
    text: str
    html: str


def init_mail_templates(folder: Path) -> None:
    """Say where the templates stand. Templates extend "layout.html" and "layout.txt" of that folder."""
    global _folder
    _folder = folder


def _environment() -> Environment:
    if _folder not in _environments:
        environment = Environment(
            loader=FileSystemLoader(_folder),
            autoescape=lambda name: bool(name and name.endswith(".html")),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            # Compiled once: 2,000 people are told in one go, and looking at the files each time costs as much again.
            auto_reload=False,
        )
        environment.filters.update(
            date_words=london_time.date_words,
            instant_words=london_time.instant_words,
            deadline_words=london_time.deadline_words,
            markdown=render_markdown,
            plain_text=plain_text,
            paragraphs=paragraphs,
            plural=plural,
        )
        _environments[_folder] = environment
    return _environments[_folder]


def placeholder(name: str) -> str:
    """What stands in a stored body in the place of a personal link."""
    return f"[[link:{name}]]"


def render_words(kind: str, *, values: Mapping[str, Any], links: Iterable[str], settings: Settings) -> Words:
    """Render one mail.

    kind: "<slice>/<kind>".   values: the fields of its templates.   links: names of its personal links.
    Raises jinja2.TemplateNotFound for an unknown kind and UndefinedError for a field that is not given.
    """
    if not _KIND.fullmatch(kind):
        raise ValueError(f"{kind!r} is no kind of mail")
    environment = _environment()
    fields = {
        "values": {name: without_placeholders(value) for name, value in values.items()},
        "links": {name: placeholder(name) for name in links},
        "base_url": settings.base_url,
        "contact_email": settings.mail_from,
    }
    subject = clean_subject(environment.get_template(f"{kind}/subject.txt").render(fields))
    fields["subject"] = subject
    text = environment.get_template(f"{kind}/body.txt").render(fields)
    html_text = environment.get_template(f"{kind}/body.html").render(fields)
    # control characters that came in with a value go here (PostgreSQL takes no NUL)
    return Words(subject, _tidy(clean_text(text, multiline=True)), clean_text(html_text, multiline=True) + "\n")


def edited_words(subject: str, text: str, *, settings: Settings) -> Words:
    """A mail whose words staff wrote anew: the HTML is made from the text, so that both say the same.

    text: with its placeholders, which stay. Empty lines part paragraphs; web addresses become links.
    """
    subject, text = clean_subject(subject), _tidy(clean_text(text, multiline=True))
    fields = {
        "subject": subject, "values": {}, "links": {}, "base_url": settings.base_url,
        "contact_email": settings.mail_from,
        "blocks": [_linked(block) for block in re.split(r"\n{2,}", text.strip())],
    }
    page = _environment().get_template("edited.html").render(fields)
    return Words(subject, text, page + "\n")


def _linked(block: str) -> Markup:
    """One paragraph as HTML: escaped, its lines kept, its addresses as links."""
    parts = []
    for line in block.splitlines():
        at, made = 0, Markup("")
        for found in _ADDRESS.finditer(line):
            made += line[at : found.start()] + _LINK.format(found[0])
            at = found.end()
        parts.append(made + line[at:])
    return Markup("<br>\n").join(parts)


def placeholders_in(text: str) -> list[str]:
    """The names of the personal links whose places stand in a body, in order."""
    return _PLACEHOLDER.findall(text)


def clean_subject(text: str) -> str:
    """One line without control characters, cut at a word; what looks like an encoded word (RFC 2047) is broken up."""
    line = re.sub(r" +", " ", clean_text(text)).replace("=?", "= ?")
    if len(line) <= MAX_SUBJECT_LENGTH:
        return line
    cut = line[: MAX_SUBJECT_LENGTH - 1]
    return (cut[: cut.rfind(" ")] if " " in cut[MAX_SUBJECT_LENGTH // 2 :] else cut) + "…"


def without_placeholders(value: Any) -> Any:
    """A value in which nothing typed by a person can pass for the place of a link."""
    if isinstance(value, str):
        return value.replace("[[link:", "[ [link:")
    if isinstance(value, Mapping):
        return {name: without_placeholders(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(without_placeholders(inner) for inner in value) if type(value) in (list, tuple) else value
    return value


def put_links_in(body: str, links: Mapping[str, str], *, is_html: bool) -> str:
    """The body as it is sent: every placeholder replaced by its link.

    Raises KeyError when a link that the body needs is not there.
    """
    return _PLACEHOLDER.sub(lambda found: html.escape(links[found[1]]) if is_html else links[found[1]], body)


def _tidy(text: str) -> str:
    """Plain text with no blanks at the ends of lines and no more than one empty line in a row."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines) + "\n"
