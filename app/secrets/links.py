"""Finds links in a text: addresses of pages and mailboxes, with a scheme or without."""

import re

LINK = re.compile(
    r"(?:(?i:[a-z][a-z0-9+.-]{1,20}://|mailto:)"
    r"|(?<![\w.@+/-])(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,12}(?::[0-9]{1,5})?/)"
    r"[^\s<>\"'\0]+"
)
BEHIND_HOST = re.compile(r"(?<![:/])[/?#].*", re.DOTALL)


def without_paths(text: str) -> str:
    """Return *text* whose links end with their hosts: what follows holds ids of pages."""
    if "/" not in text:
        return text
    return LINK.sub(lambda found: BEHIND_HOST.sub("/", found[0]), text)
