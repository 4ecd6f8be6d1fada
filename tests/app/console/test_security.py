"""What keeps pages to themselves."""

import re

import httpx2
import pytest

SIGN_IN = "/console/en/sign-in"
PAGES = [
    SIGN_IN,
    "/console/enter",
    "/console/en/none",
    *(
        f"/console/en/{place}"
        for place in ("integrations", "defaults", "history", "accesses", "audit")
    ),
    "/console/en/past?asOf=1",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_allows_its_own_files_alone(console: httpx2.Client, path: str) -> None:
    if path == SIGN_IN:  # a browser that is signed in is sent on
        console.cookies.clear()
    answer = console.get(path)

    policy = answer.headers["content-security-policy"]
    nonce = re.search("'nonce-([^']+)'", policy)
    assert nonce
    assert policy == (
        f"default-src 'none'; script-src 'self' 'nonce-{nonce[1]}'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types htmx"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"""\s(style|on\w+)=|<script(?![^>]*src=)|<style""", answer.text)


def test_a_nonce_is_of_one_page_only(console: httpx2.Client) -> None:
    policies = {console.get(PAGES[-1]).headers["content-security-policy"] for _ in range(3)}

    assert len(policies) == 3
