"""Markdown from strangers: a few tags, links that say where they lead, and bounded time."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.web.markdown import plain_text, render_markdown


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&Tab;script:alert(1)",
        "javascript&colon;alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "//evil.example",
        "/events",
        "https:evil.example",
        "https:///evil.example",
        "ftp://example.org",
    ],
)
def test_other_links_stay_words(target: str) -> None:
    assert "<a" not in render_markdown(f"[words]({target}) <{target}> ![words]({target})")
    assert plain_text(f"[words]({target})").startswith("[words](")


@pytest.mark.parametrize("target", ["https://example.org/a?b=c#d", "HTTP://example.org", "mailto:a@example.org"])
def test_links_to_the_web_and_to_people_are_made(target: str) -> None:
    assert f'<a href="{target}" rel="noopener noreferrer nofollow">words</a>' in render_markdown(f"[words]({target})")


@given(st.text(alphabet=st.sampled_from("<>[]()!*_`~#&;:/\\\"'= \nabjs"), max_size=200))
def test_no_text_makes_another_tag_or_attribute(text: str) -> None:
    html = render_markdown(text)
    for tag in re.findall(r"<[^>]*>", html):
        assert re.fullmatch(
            r'</?(p|h[3-6]|ul|li|strong|em|blockquote|code|pre)>|<ol( start="\d+")?>|</ol>|<br>|<hr>|</a>'
            r'|<a href="(https?:|mailto:)[^"<>]*"( title="[^"]*")? rel="noopener noreferrer nofollow">',
            tag,
        ), tag


@pytest.mark.parametrize(
    "piece", ["[", "> ", "*a ", "`", "[a](", "<", "&", "**a _b ", "![", "[x]((", "]", "[*`<", "~~~\n"]
)
def test_deep_nesting_takes_no_time(piece: str) -> None:
    begun = time.process_time()
    render_markdown((piece * 20_000)[:20_000])
    assert time.process_time() - begun < 3
