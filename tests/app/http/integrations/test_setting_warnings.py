"""Warnings of settings that credentials need and lack."""

import httpx2
import pytest

from tests.support.settings import KEY_SID, PATH, SID, Json, body_of, created, wrong

OTHER_SID = "AC" + "9a" * 16


KEY_SECRET = "aB3dE6gH" * 4


@pytest.mark.parametrize(
    ("api_key", "settings", "expected"),
    [
        (KEY_SID, None, [("settings.accountSid", "SETTING_MISSING")]),
        (KEY_SID, {"region": "IE1"}, [("settings.accountSid", "SETTING_MISSING")]),
        (KEY_SID, {"accountSid": SID}, []),
        (SID, None, []),
        (SID, {"accountSid": SID}, []),
        (SID, {"accountSid": OTHER_SID}, []),  # a subaccount
        (f"SID={SID}", {"accountSid": SID}, [("apiKey", "LOOKS_LIKE_VARIABLE")]),
        (
            f'"{KEY_SID}"',
            None,
            [("apiKey", "LOOKS_QUOTED"), ("settings.accountSid", "SETTING_MISSING")],
        ),
    ],
)
def test_what_credentials_need_and_lack_is_a_warning(
    client: httpx2.Client, api_key: str, settings: Json | None, expected: list[tuple[str, str]]
) -> None:
    secrets = {"apiKey": api_key, "apiSecret": "aB" * 16}
    answer = client.post(PATH, json=body_of("TWILIO", settings=settings, **secrets))
    assert wrong(answer.json()["result"].get("warnings", [])) == expected

    integration = created(client, body_of("TWILIO", settings=settings))
    replaced = client.put(f"{PATH}/{integration['id']}/credentials", json=secrets)
    assert wrong(replaced.json()["result"].get("warnings", [])) == expected


def test_a_new_key_of_another_kind_than_the_stored_secret_is_a_warning(
    client: httpx2.Client,
) -> None:
    keys = {"apiKey": KEY_SID, "apiSecret": KEY_SECRET}
    place = client.post(PATH, json=body_of("TWILIO", settings={"accountSid": SID}, **keys))

    answer = client.put(f"{place.headers['Location']}/credentials", json={"apiKey": SID})

    (warning,) = answer.json()["result"]["warnings"]
    assert wrong([warning]) == [("apiSecret", "OTHER_KIND")]
    assert "SK…" in warning["message"]


LACKS = [("settings.accountSid", "SETTING_MISSING")]


# What is stored, what changes, and the warnings of the change.
CHANGES: dict[str, tuple[str, Json | None, str, Json, list[tuple[str, str]]]] = {
    "the account is cleared": (KEY_SID, {"accountSid": SID}, "", {"settings": None}, LACKS),
    "the account is left out": (
        *(KEY_SID, {"accountSid": SID}, ""),
        *({"settings": {"region": "IE1"}}, LACKS),
    ),
    "no settings": (KEY_SID, {"accountSid": SID}, "", {"settings": {}}, LACKS),
    "the account stays": (
        *(KEY_SID, {"accountSid": SID}, ""),
        *({"settings": {"accountSid": SID, "region": "IE1"}}, []),
    ),
    "it lacked before": (KEY_SID, None, "", {"settings": {"region": "IE1"}}, LACKS),
    "a wrapped key": (f"KEY={KEY_SID}", {"accountSid": SID}, "", {"settings": None}, LACKS),
    "an account": (SID, {"accountSid": SID}, "", {"settings": None}, []),
    "no settings change": (KEY_SID, None, "", {"name": "Other"}, []),
    "another secret": (KEY_SID, None, "/credentials", {"apiSecret": "bC" * 16}, LACKS),
    "another secret, with the account": (
        *(KEY_SID, {"accountSid": SID}, "/credentials"),
        *({"apiSecret": "bC" * 16}, []),
    ),
    "another secret of an account": (SID, None, "/credentials", {"apiSecret": "bC" * 16}, []),
    "another key": (SID, None, "/credentials", {"apiKey": KEY_SID}, LACKS),
    "an account in place of a key": (KEY_SID, None, "/credentials", {"apiKey": SID}, []),
    "a subaccount": (SID, None, "", {"settings": {"accountSid": OTHER_SID}}, []),
    "the key of a main account": (
        *(SID, {"accountSid": OTHER_SID}, "/credentials"),
        *({"apiKey": KEY_SID, "apiSecret": KEY_SECRET}, []),
    ),
    "the secret of an API key for an account": (
        *(SID, None, "/credentials", {"apiSecret": KEY_SECRET}),
        [("apiSecret", "OTHER_KIND")],
    ),
    "the token of an account for an API key": (
        *(
            KEY_SID,
            {"accountSid": SID},
            "/credentials",
            {"apiSecret": "1f2e3d4c5b6a7988" + "0192a3b4c5d6e7f8"},
        ),
        [("apiSecret", "OTHER_KIND")],
    ),
    "an account and its token": (
        *(KEY_SID, {"accountSid": SID}, "/credentials"),
        *({"apiKey": SID, "apiSecret": "1f" * 16}, []),
    ),
}


@pytest.mark.parametrize(
    ("api_key", "settings", "path", "change", "expected"), CHANGES.values(), ids=CHANGES
)
def test_what_a_change_leaves_incomplete_is_a_warning(  # noqa: PLR0913, PLR0917 — a row each
    client: httpx2.Client,
    api_key: str,
    settings: Json | None,
    path: str,
    change: Json,
    expected: list[tuple[str, str]],
) -> None:
    body = body_of("TWILIO", settings=settings, apiKey=api_key, apiSecret="aB" * 16)
    place = client.post(PATH, json=body).headers["Location"]
    method = "PUT" if path else "PATCH"

    strict = client.request(
        method, place + path, json=change, headers={"Prefer": "handling=strict"}
    )
    answer = client.request(method, place + path, json=change)

    assert answer.status_code == 200
    assert wrong(answer.json()["result"].get("warnings", [])) == expected
    assert strict.status_code == (422 if expected else 200)
