"""A person's browser in the tests: real Chromium, and what is looked at on every page it shows.

`Visitor.check()` is the whole list of reference/standards.md B.1 that a machine can go through: axe-core, nothing on
the console, nothing fetched from elsewhere, no sideways scroll at 320 pixels, one H1, a title, ids used once, a name
for every field.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

PROJECT = Path(__file__).resolve().parent.parent.parent
AXE = PROJECT / "static" / "node_modules" / "axe-core" / "axe.min.js"
#: WCAG 2.2 AA, and what axe-core counts as good practice beyond it. No rule is switched off.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
#: The two widths of every picture of a page: a desk and the narrowest phone (WCAG 1.4.10).
WIDE, NARROW = 1280, 320
HEIGHT = 900
#: A page that needs longer than this, on a machine that runs other tests too, does not work.
PATIENCE_MS = 20_000

_RUN_AXE = """async tags => (await axe.run(document, {runOnly: tags, resultTypes: ['violations'],
  preload: false, iframes: false})).violations.map(
  v => `axe ${v.id} (${v.impact}) x${v.nodes.length}: ${v.nodes[0].html.slice(0, 160)}`)"""

# Plain functions, answered at once: they run in a browser whose pages may not use JavaScript as well.
_STRUCTURE = """() => {
  const faults = [], all = (s, root = document) => Array.from(root.querySelectorAll(s));
  const heads = all('h1').filter(h => h.textContent.trim());
  if (heads.length !== 1) faults.push(`${heads.length} H1 headings`);
  if (!document.title.trim()) faults.push('no title');
  if (document.documentElement.lang !== 'en-GB') faults.push('no language');
  if (all('main').length !== 1) faults.push('not exactly one main');
  const ids = all('[id]').map(e => e.id), twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  if (twice.length) faults.push(`ids used twice: ${twice.slice(0, 3)}`);
  all('input:not([type=hidden]):not([aria-hidden=true]), select, textarea').forEach(e => {
    if (!(e.labels && e.labels.length) && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby'))
      faults.push(`a field without a name: ${e.outerHTML.slice(0, 100)}`);
  });
  all('[aria-describedby], [aria-labelledby], [aria-controls]').forEach(e => {
    for (const name of ['aria-describedby', 'aria-labelledby', 'aria-controls'])
      (e.getAttribute(name) || '').split(/\\s+/).filter(Boolean).forEach(
        id => document.getElementById(id) || faults.push(`${name} names ${id}, which is not there`));
  });
  all('[style], script:not([src]):not([type="application/ld+json"])').forEach(
    e => faults.push(`inline: ${e.outerHTML.slice(0, 100)}`));
  return faults;
}"""
_TOO_WIDE = """() => {
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide <= 0) return [];
  const who = Array.from(document.querySelectorAll('body *')).filter(e =>
    e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).position !== 'absolute'
    && !e.closest('[tabindex]')).slice(0, 3).map(e => e.tagName.toLowerCase() + '.' + e.className);
  return [`${wide}px too wide at ${innerWidth}: ${who}`];
}"""
#: Targets smaller than 24 by 24 pixels that are not words in a sentence (WCAG 2.5.8).
_SMALL = """() => Array.from(
  document.querySelectorAll('button, input:not([type=hidden]), select, textarea')).filter(e => {
    const box = e.getBoundingClientRect();
    if (!box.width || e.closest('.visually-hidden') || getComputedStyle(e).visibility === 'hidden') return false;
    if (e.matches('.visually-hidden, [aria-hidden=true]')) return false;
    const label = e.matches('[type=radio], [type=checkbox]') && e.labels.length && e.labels[0].getBoundingClientRect();
    return Math.max(box.height, label ? label.height : 0) < 24 || Math.max(box.width, label ? label.width : 0) < 24;
  }).map(e => `smaller than 24 pixels: ${e.outerHTML.slice(0, 120)}`)"""


@cache
def axe_source() -> str:
    """axe-core, as npm brought it."""
    return AXE.read_text("utf-8")


@dataclass
class Visitor:
    """One browser window of one person, and everything its pages said that they should not."""

    page: Page
    base: str
    javascript: bool
    said: list[str] = field(default_factory=list)
    #: Whether axe looks at every width that check() is given, or at the window's own alone.
    axe_everywhere: bool = True

    def open(self, path: str, status: int = 200) -> Response:
        """Go to a path (or a whole address of this server); the answer must have this status."""
        answer = self.page.goto(path if path.startswith("http") else self.base + path, wait_until="load")
        assert answer is not None and answer.status == status, f"{path}: {answer and answer.status}"
        return answer

    def press(self, words: str) -> None:
        """Press the button, or the link that looks like one, whose name begins with these words."""
        found = self.page.get_by_role("button", name=words)
        if not found.count():
            found = self.page.get_by_role("link", name=words)
        found.first.click()
        self.page.wait_for_load_state("load")

    def follow(self, words: str) -> None:
        """Follow the first link in the page's own part with these words."""
        self.page.get_by_role("main").get_by_role("link", name=words).first.click()
        self.page.wait_for_load_state("load")

    def fill(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        self.page.get_by_label(label).first.fill(text)

    def choose(self, label: str) -> None:
        """Choose the radio or tick the box with this label, by keyboard: what is drawn stands above the real one."""
        found = self.page.get_by_label(label).first
        found.focus()
        self.page.keyboard.press("Space")
        assert found.is_checked(), label

    def sees(self, words: str) -> None:
        """The page's own part shows these words."""
        text = " ".join(self.page.get_by_role("main").inner_text().split())
        assert words in text, f"“{words}” is not in: {text[:600]}"

    def heading(self) -> str:
        """The H1, on one line."""
        return " ".join(self.page.locator("h1").first.inner_text().split())

    def check(self, widths: Iterable[int] = ()) -> None:
        """Assert that nothing is wrong with the page shown. widths: look at these too; 320 is always looked at."""
        faults, self.said[:] = list(self.said), []
        own = (self.page.viewport_size or {"width": WIDE})["width"]
        faults += self.page.evaluate(_STRUCTURE)
        for width in dict.fromkeys((own, *widths, NARROW)):
            if width != own:
                self.page.set_viewport_size({"width": width, "height": HEIGHT})
            faults += self.page.evaluate(_TOO_WIDE)
            faults += self.page.evaluate(_SMALL)
            # axe waits on timers, which do not run where JavaScript is off
            if self.javascript and (width == own or (self.axe_everywhere and width in tuple(widths))):
                if not self.page.evaluate("Boolean(window.axe)"):
                    # through the inspector, so that the content security policy stays as it is
                    self.page.evaluate(axe_source())
                faults += [f"{fault} at {width}" for fault in self.page.evaluate(_RUN_AXE, AXE_TAGS)]
        if (self.page.viewport_size or {})["width"] != own:
            self.page.set_viewport_size({"width": own, "height": HEIGHT})
        assert not faults, f"{self.page.url} “{self.page.title()}”\n  " + "\n  ".join(dict.fromkeys(faults))

    def close(self) -> None:
        """Close the window and forget its cookies."""
        self.page.context.close()


def visit(browser: Browser, base: str, *, width: int = WIDE, javascript: bool = True) -> Visitor:
    """A new person's browser window, without cookies. base: http://127.0.0.1:port, without a slash at its end."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT}, java_script_enabled=javascript, locale="en-GB"
    )
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(context.new_page(), base, javascript)

    def console(message: ConsoleMessage) -> None:
        # a page with a status of 400 or more is reported here too; tests look at the status themselves
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            visitor.said.append(f"console {message.type}: {message.text[:200]}")

    def request(sent: Request) -> None:
        if not sent.url.startswith((base + "/", "data:", "blob:")):
            visitor.said.append(f"asks elsewhere: {sent.url[:120]}")

    def response(came: Response) -> None:
        if came.status >= 400 and came.request.resource_type != "document":
            visitor.said.append(f"{came.status} for {came.url}")

    visitor.page.on("console", console)
    visitor.page.on("pageerror", lambda error: visitor.said.append(f"script error: {str(error)[:200]}"))
    visitor.page.on("request", request)
    visitor.page.on("response", response)
    return visitor
