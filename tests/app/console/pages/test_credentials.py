"""Replacing keys: what is typed, what stays, and what is destroyed."""

from collections.abc import Callable

import httpx2
import pytest

FormOf = Callable[[httpx2.Response], dict[str, str]]
OLD, NEW = "0123456789abcdef" * 2, "fedcba9876543210" * 2
PUBLIC_KEY = (
    "BO077I5J60mOkqqPZhxz2bTdTjthYQWSB1h_qgOWnMCpwUXJimJ8JkogQB8vg7phXOOIkPl-biQVKT2CyAdQ_LY"
)
PRIVATE_KEY = "PT7hHC-_f2prHmqhbDgmMexfH7_FDKO6WonTZtIu6u8"


def add(client: httpx2.Client, **fields: str) -> str:
    """Add a connection with *fields*, return its id."""
    return client.post("/en/api/integration", json=fields).json()["result"]["data"]["id"]


def versions(client: httpx2.Client, integration: str) -> dict[str, int | None]:
    answer = client.get(f"/en/api/integration/{integration}/credentials").json()
    return {each["field"]: each["version"] for each in answer["result"]["data"]["credentials"]}


@pytest.fixture
def twilio(client: httpx2.Client) -> str:
    keys = {"apiKey": f"AC{OLD}", "apiSecret": OLD}
    return add(client, name="Twilio SMS", type="TWILIO", channel="SMS", **keys)


def page_of(integration: str) -> str:
    return f"/console/en/integrations/{integration}/credentials"


def test_one_key_is_replaced_and_the_other_keeps_its_version(
    console: httpx2.Client, client: httpx2.Client, twilio: str, form_of: FormOf
) -> None:
    form = form_of(console.get(page_of(twilio)))
    assert (form["secret.apiKey"], form["secret.apiSecret"]) == ("", "")

    answer = console.post(page_of(twilio), data={**form, "secret.apiSecret": NEW})

    assert answer.status_code == 303, answer.text
    assert versions(client, twilio) == {"apiKey": 1, "apiSecret": 2}
    page = " ".join(console.get(answer.headers["location"]).text.split())
    assert "The keys are replaced" in page
    assert "just now</time> by \u2068t\u2069, version \u20682\u2069" in page
    assert NEW not in page


def test_a_form_without_a_key_says_so(
    console: httpx2.Client, client: httpx2.Client, twilio: str, form_of: FormOf
) -> None:
    answer = console.post(page_of(twilio), data=form_of(console.get(page_of(twilio))))

    assert answer.status_code == 422
    assert "At least one of these fields is required" in answer.text
    assert versions(client, twilio) == {"apiKey": 1, "apiSecret": 1}


def test_a_key_that_is_refused_is_not_shown_again(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    push = add(client, name="Push", type="WEB_PUSH", channel="PUSH", vapidPublicKey=PUBLIC_KEY)
    other = "BA" + PUBLIC_KEY[2:]
    form = {**form_of(console.get(page_of(push))), "vapidPublicKey": other}
    answer = console.post(page_of(push), data={**form, "secret.vapidPrivateKey": "\u200b \u200b"})

    assert answer.status_code == 422
    assert '<a href="#vapidPrivateKey">' in answer.text
    again = form_of(answer)
    assert (again["vapidPublicKey"], again["secret.vapidPrivateKey"]) == (other, "")
    assert again["_was.vapidPublicKey"] == PUBLIC_KEY


def test_a_pair_of_web_push_is_replaced_together(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    push = add(client, name="Push", type="WEB_PUSH", channel="PUSH")
    keys = {"vapidPublicKey": PUBLIC_KEY, "secret.vapidPrivateKey": PRIVATE_KEY}

    answer = console.post(page_of(push), data={**form_of(console.get(page_of(push))), **keys})

    assert answer.status_code == 303, answer.text
    shown = client.get(f"/en/api/integration/{push}").json()["result"]["data"]
    assert shown["vapidPublicKey"] == PUBLIC_KEY
    assert versions(client, push) == {"vapidPrivateKey": 1}


def test_a_key_that_the_provider_does_not_need_can_be_destroyed(
    console: httpx2.Client, client: httpx2.Client, form_of: FormOf
) -> None:
    keys = {"apiKey": OLD, "apiSecret": OLD}
    sendgrid = add(client, name="SendGrid", type="SENDGRID", channel="EMAIL", **keys)
    page = console.get(page_of(sendgrid))
    assert 'name="_destroy.apiSecret"' in page.text
    assert 'name="_destroy.apiKey"' not in page.text

    answer = console.post(page_of(sendgrid), data={**form_of(page), "_destroy.apiSecret": "on"})

    assert answer.status_code == 303, answer.text
    assert versions(client, sendgrid) == {"apiKey": 1}


def test_a_form_sent_twice_replaces_once(
    console: httpx2.Client, client: httpx2.Client, twilio: str, form_of: FormOf
) -> None:
    form = {**form_of(console.get(page_of(twilio))), "secret.apiSecret": NEW}

    for _ in range(2):
        assert console.post(page_of(twilio), data=form).status_code == 303
    assert versions(client, twilio)["apiSecret"] == 2


def test_the_address_of_a_form_that_lost_its_session_holds_no_key(
    console: httpx2.Client, twilio: str, form_of: FormOf
) -> None:
    form = {**form_of(console.get(page_of(twilio))), "secret.apiSecret": NEW}
    console.cookies.clear()

    answer = console.post(page_of(twilio), data={**form, "_destroy.apiKey": "on"})

    assert httpx2.URL(answer.headers["location"]).params["next"] == page_of(twilio)


def test_who_may_only_look_replaces_nothing(
    reader: httpx2.Client, client: httpx2.Client, twilio: str, form_of: FormOf
) -> None:
    page = reader.get(page_of(twilio))
    assert "<fieldset disabled>" in page.text

    answer = reader.post(page_of(twilio), data={**form_of(page), "secret.apiSecret": NEW})

    assert answer.status_code == 403
    assert NEW not in answer.text
    assert versions(client, twilio)["apiSecret"] == 1
