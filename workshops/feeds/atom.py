"""Atom as bytes (RFC 4287): the same input gives the same bytes on every host. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

from workshops.core.text import clean_text

#: When a feed without entries was updated: RFC 4287 4.1.1 asks for an instant, and "now" would not be true.
NEVER = datetime(2016, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class AtomEntry:
    """One entry. id: a permanent IRI.   url: the page itself.   about_url: what it is about here, or empty."""

    id: str
    title: str
    url: str
    summary: str
    author: str
    published_at: datetime
    updated_at: datetime
    about_url: str = ""


def atom_bytes(*, id: str, title: str, page_url: str, own_url: str, entries: Sequence[AtomEntry]) -> bytes:
    """A whole feed. id: a permanent IRI.   page_url: the page that shows the same.   own_url: where the feed is."""
    updated = max((entry.updated_at for entry in entries), default=NEVER)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB">',
        f"  <id>{_text(id)}</id>",
        f"  <title>{_text(title)}</title>",
        f"  <updated>{_instant(updated)}</updated>",
        f'  <link rel="alternate" type="text/html" href={_quoted(page_url)}/>',
        f'  <link rel="self" type="application/atom+xml" href={_quoted(own_url)}/>',
    ]
    for entry in entries:
        lines += [
            "  <entry>",
            f"    <id>{_text(entry.id)}</id>",
            f"    <title>{_text(entry.title)}</title>",
            f"    <published>{_instant(entry.published_at)}</published>",
            f"    <updated>{_instant(entry.updated_at)}</updated>",
            f"    <author><name>{_text(entry.author)}</name></author>",
            f'    <link rel="alternate" href={_quoted(entry.url)}/>',
        ]
        if entry.about_url:
            lines.append(f'    <link rel="related" type="text/html" href={_quoted(entry.about_url)}/>')
        lines += [
            f"    <summary>{_text(entry.summary)}</summary>",
            "  </entry>",
        ]
    lines.append("</feed>")
    return ("\n".join(lines) + "\n").encode()


def _text(value: str) -> str:
    # clean_text takes out what XML 1.0 cannot carry at all.
    return escape(clean_text(value))


def _quoted(value: str) -> str:
    return quoteattr(clean_text(value))


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
