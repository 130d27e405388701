"""Jinja filters: dates and texts as people read them."""

from __future__ import annotations

from datetime import date, datetime

from flask import Flask
from markupsafe import Markup, escape

from workshops.core import london_time
from workshops.web.markdown import render_markdown


def time_element(value: datetime | date | None, words: str | None = None) -> Markup:
    """A <time> element with its machine-readable value."""
    if value is None:
        return Markup("")
    if isinstance(value, datetime):
        machine = london_time.to_london(value).isoformat(timespec="minutes")
        return Markup('<time datetime="{}">{}</time>').format(machine, words or london_time.instant_words(value))
    return Markup('<time datetime="{}">{}</time>').format(value.isoformat(), words or london_time.date_words(value))


def paragraphs(text: str) -> Markup:
    """Plain text as paragraphs; everything escaped."""
    blocks = [escape(block).replace("\n", Markup("<br>\n")) for block in text.strip().split("\n\n") if block.strip()]
    return Markup("\n").join(Markup("<p>{}</p>").format(block) for block in blocks)


def plural(count: int, one: str, many: str | None = None) -> str:
    """1 place, 2 places: the number with its noun."""
    return f"{count:,} {one if count == 1 else (many or one + 's')}"


def init_filters(app: Flask) -> None:
    """Make the filters known to all templates."""
    app.jinja_env.filters.update(
        date_words=london_time.date_words,
        instant_words=london_time.instant_words,
        deadline_words=london_time.deadline_words,
        time_element=time_element,
        markdown=render_markdown,
        paragraphs=paragraphs,
        plural=plural,
    )
