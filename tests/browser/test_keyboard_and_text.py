"""The keyboard alone, and people's own text size and spacing: what axe cannot see (reference/standards.md B.1)."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.conftest import Scene
from tests.browser.visitor import NARROW, WIDE, Visitor

NewVisitor = Callable[..., Visitor]

OPEN = "example-awareness-session-what-is-co-production"


def test_somebody_registers_with_the_keyboard_alone(scene: Scene, new_visitor: NewVisitor) -> None:
    """Tab, typing and Enter: the whole way from the list of events to the receipt, and always seen where one is."""
    visitor = new_visitor(scene.site.base)
    visitor.open("/events")
    visitor.page.keyboard.press("Tab")
    assert focused(visitor) == "Skip to main content"
    visitor.page.keyboard.press("Enter")
    tab_to(visitor, "Example awareness session: what is co-production?")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/events/example-awareness-session*")
    tab_to(visitor, "Register for this event")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/register")
    for label, text in (("Full name", ""), ("Email address", "keys@example")):
        tab_to(visitor, label)
        visitor.page.keyboard.type(text)
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_selector("#error-summary")
    assert visitor.page.title().startswith("Error:")
    assert visitor.page.evaluate("document.activeElement.id") == "error-summary"
    tab_to(visitor, "Enter your name")
    visitor.page.keyboard.press("Enter")
    assert focused(visitor).startswith("Full name")
    visitor.page.keyboard.type("Keyboard Example")
    tab_to(visitor, "Email address")
    visitor.page.keyboard.press("End")
    visitor.page.keyboard.type(".org")
    tab_to(visitor, "Register for this event")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/registered/place")
    assert visitor.heading() == "You have a place"


#: What has the focus: its accessible words, and whether people can see that it has it (WCAG 2.4.7, 2.4.11).
_FOCUSED = """() => {
  const e = document.activeElement, box = e.getBoundingClientRect(), style = getComputedStyle(e);
  const words = (e.labels && e.labels[0] || e).textContent.trim().replace(/\\s+/g, ' ');
  const top = document.elementFromPoint(
    Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1),
    Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1));
  const label = e.labels && e.labels[0];
  const shown = label && e.matches('[type=radio], [type=checkbox]') ? true
    : style.outlineStyle !== 'none' || style.boxShadow !== 'none' || style.backgroundColor !== 'rgba(0, 0, 0, 0)';
  const uncovered = top && (e === top || e.contains(top) || top.contains(e) || (label && label.contains(top)));
  return [words, Boolean(e !== document.body && box.width && shown && uncovered)];
}"""


def focused(visitor: Visitor) -> str:
    """The words of what has the focus; asserts that the focus can be seen."""
    for _ in range(20):
        words, is_seen = visitor.page.evaluate(_FOCUSED)
        if is_seen:
            break
        visitor.page.wait_for_timeout(50)  # the page may still be on its way to it
    assert is_seen, f"the focus on “{words}” cannot be seen"
    return str(words)


def tab_to(visitor: Visitor, words: str) -> None:
    """Press Tab until something with these words has the focus. A trap ends the test."""
    for _ in range(80):
        visitor.page.keyboard.press("Tab")
        if focused(visitor).startswith(words):
            return
    raise AssertionError(f"Tab never came to “{words}”")


def test_nothing_runs_out_of_the_window_with_wide_spacing(scene: Scene, new_visitor: NewVisitor) -> None:
    """WCAG 1.4.12 at both widths; 400 % zoom of a desk is the narrow one (WCAG 1.4.10)."""
    # paragraphs two text sizes apart, lines one and a half: the figures of the criterion
    spacing = (
        "* {line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important}"
        "p {margin-bottom: 2em !important}"
    )
    clipped = """() => Array.from(document.querySelectorAll('a, button, label, .ds_tag, h1, h2')).filter(e =>
      getComputedStyle(e).overflow === 'hidden' && !e.closest('.visually-hidden, .ds_skip-links')
      && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
    ).map(e => e.outerHTML.slice(0, 120))"""
    visitor = new_visitor(scene.site.base)
    for path in ("/", "/events", "/calendar", f"/events/{OPEN}", f"/events/{OPEN}/register", "/find-my-place"):
        visitor.open(path)
        # through the inspector: the site's own policy would refuse this style
        visitor.page.evaluate(
            "css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s]; }", spacing
        )
        for width in (WIDE, NARROW):
            visitor.page.set_viewport_size({"width": width, "height": 900})
            wide = visitor.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, f"{path} is {wide} pixels too wide at {width}"
            assert visitor.page.evaluate(clipped) == [], path
        visitor.page.set_viewport_size({"width": WIDE, "height": 900})
