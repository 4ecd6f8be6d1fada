"""Walks through a page by keyboard."""

import pytest
from playwright.sync_api import Page, expect

OUTLINE = "(element) => getComputedStyle(element).outlineStyle"


def tab_to(page: Page, role: str, name: str) -> None:
    """Press Tab until the control has the focus, which can be seen at each stop."""
    wanted = page.get_by_role(role, name=name, exact=True).first  # pyright: ignore[reportArgumentType]
    expect(wanted).to_be_visible()
    for _ in range(80):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if not focused.count():
            continue
        assert focused.evaluate(OUTLINE) != "none", focused.evaluate("(e) => e.outerHTML")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach {role} {name}")
