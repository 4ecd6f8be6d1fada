"""Whether a page is accessible: what axe finds, small targets, and what zooming hides."""

from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe  # pyright: ignore[reportMissingTypeStubs]
from playwright.sync_api import Page

from tests.support.window import Window

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
OPTIONS = {
    "runOnly": list(TAGS),
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1280, 320)  # 320 is also what 400 % leaves of 1280 (WCAG 2.2, 1.4.10)
# All that can be pressed and is not a link in a sentence (WCAG 2.2, 2.5.8).
SMALL_TARGETS = """() => [...document.querySelectorAll(
    "a.button, a.link, nav a, header a, button, input:not([type=hidden]), select, summary")]
    .filter((e) => e.checkVisibility() && !e.closest(".hidden, .skip, label"))
    .filter((e) => { const b = e.getBoundingClientRect(); return b.width < 24 || b.height < 24; })
    .map((e) => e.outerHTML.slice(0, 120))"""

# What stays where it is while the page scrolls, and takes more than a quarter of it (1.4.10).
COVERING = """() => [...document.querySelectorAll("body *")]
    .filter((e) => ["sticky", "fixed"].includes(getComputedStyle(e).position))
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height > innerHeight / 4)
    .map((e) => e.outerHTML.slice(0, 120))"""
# What has the focus and cannot be seen at all, forwards or backwards (WCAG 2.2, 2.4.11); a menu
# that the person has opened, and that Escape closes, may cover it (there, note 2).
OBSCURED = """() => {
    const all = [...document.querySelectorAll(
        "a[href], button:enabled, input:not([type=hidden]):enabled, select:enabled, " +
        "textarea, summary, [tabindex='0']")].filter((e) => e.checkVisibility());
    const isSeen = (e) => {
        e.focus();
        const b = e.getBoundingClientRect();
        const across = [0.1, 0.5, 0.9].map((part) => b.left + b.width * part);
        const down = [0.1, 0.5, 0.9].map((part) => b.top + b.height * part);
        return across.some((x) => down.some((y) => {
            const top = document.elementFromPoint(x, y);
            return top && (e.contains(top) || top.contains(e) || top.closest(":popover-open"));
        }));
    };
    return [...all, ...all.reverse()].filter((e) => !isSeen(e))
        .map((e) => e.outerHTML.slice(0, 120));
}"""


def axe_violations(page: Page) -> list[str]:
    """Return what axe finds: the rule, and the element."""
    run: Any = Axe().run  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    found = run(page, options=OPTIONS).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


def require_accessible(window: Window) -> None:
    """Assert that the page is accessible, light and dark, at each width, without scrolling."""
    page, wrong = window.page, dict[str, str]()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found = [f"small: {each}" for each in page.evaluate(SMALL_TARGETS)] + too_wide(page, width)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += axe_violations(page)
            wrong |= {each: f"{width} {scheme}" for each in found if each not in wrong}
    wrong |= dict.fromkeys(zoomed_violations(page), "400 %")
    assert not wrong, wrong


def too_wide(page: Page, width: int) -> list[str]:
    """Return that *page* scrolls to the side at *width*; nothing if it does not."""
    scrolled = page.evaluate("document.documentElement.scrollWidth")
    return [f"it is {scrolled} wide"] if scrolled > width else []


def zoomed_violations(page: Page) -> list[str]:
    """Return what is lost of *page* if a window of 1280 by 1024 is zoomed to 400 %."""
    session: Any = page.context.new_cdp_session(page)
    session.send(
        "Emulation.setDeviceMetricsOverride",
        {"width": 320, "height": 256, "deviceScaleFactor": 4, "mobile": False},
    )
    assert page.evaluate("[innerWidth, innerHeight, devicePixelRatio]") == [320, 256, 4]
    found = [f"covers: {each}" for each in page.evaluate(COVERING)] + too_wide(page, 320)
    found += [f"obscured: {each}" for each in page.evaluate(OBSCURED)]
    session.detach()
    return found
