"""Watches a browser, and looks at a page as an impatient reader would."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

NAMELESS = """() => {
  const label = (id) => document.getElementById(id)?.textContent || "";
  const told = (part) => part.title || part.ariaLabel || part.alt || "";
  const named = (one) => [
    one.getAttribute("aria-label") || "",
    ...(one.getAttribute("aria-labelledby") || "").split(" ").map(label),
    ...[...(one.labels || [])].map((text) => text.textContent),
    ...[...one.querySelectorAll("[title], [aria-label], [alt]")].map(told),
    one.textContent, one.title, one.value || "",
  ].join("").trim();
  const seen = (one) => one.checkVisibility() && !one.closest("[aria-hidden=true], [inert]");
  const controls = "main :is(a, button, summary, input:not([type=hidden]), select, textarea)";
  const all = [...document.querySelectorAll(controls)];
  return all.filter((one) => seen(one) && !named(one)).map((one) => one.outerHTML.slice(0, 160));
}"""
WIDTHS = "() => [document.documentElement.scrollWidth, window.innerWidth]"


class Watch:
    """Collects what must never happen in a browser."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.problems: list[str] = []
        self._home = urlsplit(home).netloc
        context.on("request", self._requested)
        context.on("response", self._answered)
        context.on("console", self._said)
        context.on("weberror", lambda failure: self.problems.append(f"error: {failure.error}"))

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob", "about"} and parts.netloc != self._home:
            self.problems.append(f"left the house: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.problems.append(f"status {response.status}: {response.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = urlsplit(message.page.url).path if message.page else "?"
            self.problems.append(f"console at {where}: {message.text}")


def picture(page: Page, folder: Path, name: str) -> None:
    """A picture of the page, kept in `folder`, or in the folder that HUB_PICTURES names."""
    kept = Path(os.environ.get("HUB_PICTURES", "") or folder)
    kept.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=kept / f"{name}.png", full_page=True)


def nameless(page: Page) -> list[str]:
    """The controls of the page's main part that a screen reader could not name."""
    found: list[str] = page.evaluate(NAMELESS)
    return found


def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    wide, window = page.evaluate(WIDTHS)
    return max(0, int(wide) - int(window))


def tab_to(page: Page, selector: str, most: int = 200) -> None:
    """Press Tab until the keyboard stands on the first element of `selector`; fails when it never does."""
    target = page.locator(selector).first
    target.wait_for()
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"The keyboard never reaches {selector}.")
