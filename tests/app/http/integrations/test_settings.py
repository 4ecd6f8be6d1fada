"""Settings of an integration, for every provider and setting, through the whole house."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import CreateIntegrationBody, create_schema
from app.http.integrations.settings import setting_text
from app.providers.registry import load_providers

Json = dict[str, Any]
Problem = Callable[..., dict[str, Any]]
PATH = "/en/api/integration"
PROVIDERS = load_providers()
SID, KEY_SID = "AC" + "0" * 32, "SK" + "0" * 32
PRIVATE_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"  # of RFC 8291, 5
TOO_LONG = "x" * 513
FORM = "1FAIpQLSdQx7kZ0mJ3vT9cWb2RnYh5LgPuA8sEoDfKt6iVlN4wXjHyGq"  # as long as Google's
DOCUMENT = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms"  # 44 characters

# Each provider and setting, with values that it takes.
TAKEN = [
    ("TWILIO", {"region": "US1"}),
    ("TWILIO", {"region": "IE1"}),
    ("TWILIO", {"region": "AU1", "accountSid": SID}),
    ("TWILIO", {"accountSid": "ACabcdefABCDEF00000000000000000000"}),
    ("SENDGRID", {"region": "GLOBAL"}),
    ("SENDGRID", {"region": "EU", "onBehalfOf": "shop@example.com"}),
    ("SENDGRID", {"onBehalfOf": "account-id 12-34"}),
    ("WEB_PUSH", {"contact": "mailto:push+admin@mail.example.com"}),
    ("WEB_PUSH", {"contact": "https://example.com"}),
    ("WEB_PUSH", {"contact": "HTTPS://Example.com"}),
    ("WEB_PUSH", {"contact": "MAILTO:push@example.com"}),
    ("WEB_PUSH", {"contact": "https://example.com:8443/contact?to=push#now"}),
    ("WEB_PUSH", {"contact": "https://localhost/"}),
    ("WEB_PUSH", {"contact": f"https://docs.google.com/forms/d/e/{FORM}/viewform?usp=header"}),
    ("WEB_PUSH", {"contact": f"https://docs.google.com/document/d/{DOCUMENT}/edit#heading=h.x"}),
    ("WEB_PUSH", {"contact": f"https://forms.example/Pages/ResponsePage.aspx?id={FORM * 2}"}),
    (
        "WEB_PUSH",
        {"contact": f"https://airtable.example/app{FORM[4:18]}/tbl{FORM[5:19]}/viw{FORM[6:20]}"},
    ),
    ("WEB_PUSH", {"contact": "https://example.com/Contact-Us/PushMessages/Europe/Team-2/v3"}),
    ("WEB_PUSH", {"contact": "https://münchen.example/"}),
    ("WEB_PUSH", {"contact": "https://пример.example/связь?тема=push"}),
    ("WEB_PUSH", {"contact": "https://例え.テスト/連絡"}),
    ("WEB_PUSH", {"contact": "https://xn--mnchen-3ya.example/%C3%BC"}),
    ("WEB_PUSH", {"contact": "https://[::1]/contact"}),
    ("WEB_PUSH", {"contact": "https://[2001:db8::1]:8443/"}),
    ("WEB_PUSH", {"contact": "https://[::ffff:192.0.2.1]"}),
    ("WEB_PUSH", {"contact": "https://192.0.2.1/"}),
    ("WEB_PUSH", {"contact": "https://example.com/a_(b)/~c;d,e!'*"}),
    ("WEB_PUSH", {"contact": "mailto:ops@münchen.example"}),
    ("WEB_PUSH", {"contact": "mailto:zoë@example.com"}),
    ("WEB_PUSH", {"contact": "mailto:push@example.com?subject=push%20messages"}),
]
NO_CONTACT = ("settings.contact", "INVALID_FORMAT")
# Kind, type, settings, and field and code of what is wrong.
REFUSED: list[tuple[str, str, object, tuple[str, str]]] = [
    ("no object", "TWILIO", "US1", ("settings", "WRONG_TYPE")),
    ("no object", "TWILIO", [], ("settings", "WRONG_TYPE")),
    ("no object", "ELASTIC_EMAIL", True, ("settings", "WRONG_TYPE")),
    ("no string", "TWILIO", {"region": 1}, ("settings.region", "WRONG_TYPE")),
    ("no string", "TWILIO", {"region": None}, ("settings.region", "WRONG_TYPE")),
    ("no string", "SENDGRID", {"onBehalfOf": {}}, ("settings.onBehalfOf", "WRONG_TYPE")),
    ("no string", "WEB_PUSH", {"contact": ["x"]}, ("settings.contact", "WRONG_TYPE")),
    ("empty", "TWILIO", {"accountSid": ""}, ("settings.accountSid", "WRONG_LENGTH")),
    ("blank", "WEB_PUSH", {"contact": " \n"}, ("settings.contact", "INVISIBLE_TEXT")),
    ("too long", "WEB_PUSH", {"contact": TOO_LONG}, ("settings.contact", "WRONG_LENGTH")),
    ("control", "WEB_PUSH", {"contact": "a\x00b"}, ("settings.contact", "CONTROL_CHARACTER")),
    ("unknown name", "TWILIO", {"edge": "dublin"}, ("settings.edge", "UNKNOWN_FIELD")),
    ("unknown name", "TWILIO", {"Region": "US1"}, ("settings.Region", "UNKNOWN_FIELD")),
    ("name is not plain", "TWILIO", {"a b": "x"}, ("settings", "UNKNOWN_FIELD")),
    ("name is not plain", "TWILIO", {"<b>": "x"}, ("settings", "UNKNOWN_FIELD")),
    ("name is not plain", "TWILIO", {"x" * 33: "x"}, ("settings", "UNKNOWN_FIELD")),
    ("another's name", "TWILIO", {"onBehalfOf": "x"}, ("settings.onBehalfOf", "UNKNOWN_FIELD")),
    ("another's name", "SENDGRID", {"accountSid": SID}, ("settings.accountSid", "UNKNOWN_FIELD")),
    ("another's name", "WEB_PUSH", {"region": "EU"}, ("settings.region", "UNKNOWN_FIELD")),
    ("none at all", "NEXMO", {"region": "EU"}, ("settings.region", "UNKNOWN_FIELD")),
    ("none at all", "ELASTIC_EMAIL", {"contact": "x"}, ("settings.contact", "UNKNOWN_FIELD")),
    ("none at all", "FIREBASE_FCM", {"region": "EU"}, ("settings.region", "UNKNOWN_FIELD")),
    ("choice", "TWILIO", {"region": "EU"}, ("settings.region", "NOT_ALLOWED")),
    ("choice", "TWILIO", {"region": "us1"}, ("settings.region", "NOT_ALLOWED")),
    ("choice", "SENDGRID", {"region": "IE1"}, ("settings.region", "NOT_ALLOWED")),
    ("format", "TWILIO", {"accountSid": KEY_SID}, ("settings.accountSid", "INVALID_FORMAT")),
    ("format", "TWILIO", {"accountSid": SID + "0"}, ("settings.accountSid", "INVALID_FORMAT")),
    ("format", "SENDGRID", {"onBehalfOf": "a b"}, ("settings.onBehalfOf", "INVALID_FORMAT")),
    ("format", "SENDGRID", {"onBehalfOf": "Zoë"}, ("settings.onBehalfOf", "INVALID_FORMAT")),
    ("format", "WEB_PUSH", {"contact": "a@example.com"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "http://a.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://-"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:a@."}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:<a@b.c>"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:a@localhost"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "mailto:a b@c.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https:///a"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://a b.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://me:pw@a.example"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://[::1"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://[dead]/"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "https://a.example/<b>"}, NO_CONTACT),
    ("format", "WEB_PUSH", {"contact": "javascript:alert(1)"}, NO_CONTACT),
]  # fmt: skip


def body_of(type_: str, **more: object) -> Json:
    return {"name": "n", "type": type_, "channel": PROVIDERS[type_].channel, **more}


def created(client: httpx2.Client, body: Json) -> Json:
    answer = client.post(PATH, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["result"]["data"]


def shown(client: httpx2.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]["data"]


def wrong(details: list[Json]) -> list[tuple[str, str]]:
    return [(each["field"], each["code"]) for each in details]


@pytest.fixture
def refused(problem: Problem) -> Callable[[httpx2.Response], list[tuple[str, str]]]:
    """Return field and code of each thing that an answer, 400, says is wrong."""
    return lambda answer: wrong(problem(answer, 400, "VALIDATION_ERROR")["details"])


@pytest.mark.parametrize(("type_", "settings"), TAKEN)
def test_settings_go_through_the_whole_house(
    client: httpx2.Client, type_: str, settings: dict[str, str]
) -> None:
    integration = created(client, body_of(type_, settings=settings))
    path = f"{PATH}/{integration['id']}"
    assert integration["settings"] == settings
    assert shown(client, path) == integration
    assert integration in shown(client, PATH)

    toggled = client.post(f"{path}/toggle", json={"isActive": False}).json()["result"]["data"]
    assert toggled["settings"] == settings
    before = shown(client, f"{path}/history")[0]["position"]
    for _ in range(2):  # the second time it already is so
        cleared = client.patch(path, json={"settings": None})
        assert "settings" not in cleared.json()["result"]["data"]
    assert "settings" not in shown(client, path)
    assert shown(client, f"{path}?asOf={before}")["settings"] == settings
    set_again = client.patch(path, json={"settings": settings}).json()["result"]["data"]
    assert set_again["settings"] == settings == shown(client, path)["settings"]

    entries = shown(client, f"{path}/history")
    assert [(entry["action"], entry["details"]) for entry in entries[:2]] == [
        ("INTEGRATION_UPDATED", {"changes": {"settings": {"from": None, "to": settings}}}),
        ("INTEGRATION_UPDATED", {"changes": {"settings": {"from": settings, "to": None}}}),
    ]
    assert entries[-1]["details"]["changes"]["settings"] == {"from": None, "to": settings}
    assert len(entries) == 4


@pytest.mark.parametrize(
    ("type_", "settings", "expected"),
    [pytest.param(*row, id=f"{kind}: {row[0]} {str(row[1])[:40]}") for kind, *row in REFUSED],
)
def test_wrong_settings_are_refused(
    refused: Callable[[httpx2.Response], list[tuple[str, str]]],
    client: httpx2.Client,
    type_: str,
    settings: object,
    expected: tuple[str, str],
) -> None:
    integration = created(client, body_of(type_))
    create = client.post(PATH, json=body_of(type_, settings=settings))
    change = client.patch(f"{PATH}/{integration['id']}", json={"settings": settings})
    for answer in (create, change):
        assert refused(answer) == [expected]
    assert shown(client, f"{PATH}/{integration['id']}") == integration


def test_an_error_shows_an_example_and_never_the_value(client: httpx2.Client) -> None:
    settings = {"accountSid": "mine-12345", "region": "moon", "z z": "hidden-1", "c": "hidden-2"}
    answer = client.post(PATH, json=body_of("TWILIO", settings=settings))
    assert not any(value in answer.text for value in [*settings.values(), "z z"])
    known = {name: settings[name] for name in ("accountSid", "region")}
    result = client.post(PATH, json=body_of("TWILIO", settings=known)).json()["result"]
    assert [each["message"] for each in result["details"]] == [
        f"This must look like {SID}",
        "This must be one of: AU1, IE1, US1",
    ]


@pytest.mark.parametrize(
    ("type_", "settings", "hint"),
    [
        ("TWILIO", {"accountSid": "mine"}, f"This must look like {SID}"),
        (
            "WEB_PUSH",
            {"contact": "example.com/contact"},
            "This must look like one of these: mailto:push@example.com, https://example.com/contact",
        ),
        ("WEB_PUSH", {"contact": "ops@example.com"}, "Write mailto: in front of the email address"),
        (
            "WEB_PUSH",
            {"contact": "ops@münchen.example"},
            "Write mailto: in front of the email address",
        ),
        ("WEB_PUSH", {"contact": "http://example.com/"}, "Write https: instead of http:"),
        (
            "SENDGRID",
            {"onBehalfOf": "my shop"},
            "This must look like one of these: example-subuser, account-id 12345678",
        ),
    ],
)
def test_a_hint_says_each_form(
    client: httpx2.Client, type_: str, settings: Json, hint: str
) -> None:
    answer = client.post(PATH, json=body_of(type_, settings=settings))
    assert [each["message"] for each in answer.json()["result"]["details"]] == [hint]


def test_settings_are_trimmed_and_the_maximum_counts_after_that(client: httpx2.Client) -> None:
    settings = {"region": " EU\n", "onBehalfOf": "\tshop "}
    integration = created(client, body_of("SENDGRID", settings=settings))
    assert integration["settings"] == {"onBehalfOf": "shop", "region": "EU"}


@pytest.mark.parametrize("none", [None, {}])
def test_no_settings_are_not_shown(client: httpx2.Client, none: object) -> None:
    for type_ in PROVIDERS:
        assert "settings" not in created(client, body_of(type_, settings=none))


def test_settings_change_as_a_whole(client: httpx2.Client) -> None:
    integration = created(client, body_of("TWILIO", settings={"region": "IE1"}))
    path = f"{PATH}/{integration['id']}"
    client.patch(path, json={"settings": {"accountSid": SID}})
    assert shown(client, path)["settings"] == {"accountSid": SID}
    client.patch(path, json={"name": "m"})
    assert shown(client, path)["settings"] == {"accountSid": SID}
    client.patch(path, json={"settings": {}})
    assert "settings" not in shown(client, path)


def test_setting_what_already_is_records_nothing(client: httpx2.Client) -> None:
    settings = {"region": "IE1", "accountSid": SID}
    integration = created(client, body_of("TWILIO", settings=settings))
    path = f"{PATH}/{integration['id']}"
    again = client.patch(path, json={"settings": dict(reversed(settings.items()))})
    assert again.status_code == 200
    assert again.headers["ETag"] == client.get(path).headers["ETag"]
    assert len(shown(client, f"{path}/history")) == 1


@pytest.mark.parametrize("before", [None, {}])
def test_setting_none_where_there_are_none_records_nothing(
    client: httpx2.Client, before: object
) -> None:
    path = f"{PATH}/{created(client, body_of('TWILIO', settings=before))['id']}"
    empty: Json = {}
    client.patch(path, json={"settings": None})
    client.patch(path, json={"settings": empty})
    assert len(shown(client, f"{path}/history")) == 1


def test_an_answer_has_the_same_bytes_from_the_command_and_from_the_view(
    client: httpx2.Client,
) -> None:
    settings = {"region": "IE1", "accountSid": SID}
    answer = client.post(PATH, json=body_of("TWILIO", settings=settings))
    path = answer.headers["Location"]
    data = '"settings":{"accountSid":'
    assert data in answer.text
    assert data in client.get(path).text
    assert data in client.get(f"{path}?asOf=9999999").text


def test_a_setting_given_twice_is_refused(client: httpx2.Client, problem: Problem) -> None:
    body = json.dumps(body_of("SENDGRID", settings={"region": "EU", "REGION": "GLOBAL"}))
    answer = client.post(
        PATH,
        content=body.replace("REGION", "region"),
        headers={"Content-Type": "application/json"},
    )
    assert wrong(problem(answer, 400, "VALIDATION_ERROR")["details"]) == [
        ("settings.region", "REPEATED_FIELD")
    ]


def test_settings_of_what_is_not_there_are_not_found(
    client: httpx2.Client, problem: Problem
) -> None:
    path = f"{PATH}/int_01h455vb4pex5vsknk084sn02q"
    problem(client.patch(path, json={"settings": {"region": "EU"}}), 404, "NOT_FOUND")


@pytest.mark.parametrize("secret", [{"apiKey": "secret-of-mine"}, {"apiSecret": "secret-of-mine"}])
def test_a_secret_in_a_setting_is_refused(
    client: httpx2.Client, problem: Problem, secret: Json
) -> None:
    body = body_of("SENDGRID", settings={"onBehalfOf": "secret-of-mine"}, **secret)
    details = problem(client.post(PATH, json=body), 400, "VALIDATION_ERROR")["details"]
    assert wrong(details) == [("settings.onBehalfOf", "LOOKS_LIKE_SECRET")]


@pytest.mark.parametrize(
    ("api_key", "settings", "expected"),
    [
        (KEY_SID, None, [("settings.accountSid", "SETTING_MISSING")]),
        (KEY_SID, {"region": "IE1"}, [("settings.accountSid", "SETTING_MISSING")]),
        (KEY_SID, {"accountSid": SID}, []),
        (SID, None, []),
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
    secrets = {"apiKey": api_key, "apiSecret": "a" * 32}
    answer = client.post(PATH, json=body_of("TWILIO", settings=settings, **secrets))
    assert wrong(answer.json()["result"].get("warnings", [])) == expected

    integration = created(client, body_of("TWILIO", settings=settings))
    replaced = client.put(f"{PATH}/{integration['id']}/credentials", json=secrets)
    assert wrong(replaced.json()["result"].get("warnings", [])) == expected


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
    "another secret": (KEY_SID, None, "/credentials", {"apiSecret": "b" * 32}, LACKS),
    "another secret, with the account": (
        *(KEY_SID, {"accountSid": SID}, "/credentials"),
        *({"apiSecret": "b" * 32}, []),
    ),
    "another secret of an account": (SID, None, "/credentials", {"apiSecret": "b" * 32}, []),
    "another key": (SID, None, "/credentials", {"apiKey": KEY_SID}, LACKS),
    "an account in place of a key": (KEY_SID, None, "/credentials", {"apiKey": SID}, []),
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
    body = body_of("TWILIO", settings=settings, apiKey=api_key, apiSecret="a" * 32)
    place = client.post(PATH, json=body).headers["Location"]
    method = "PUT" if path else "PATCH"

    strict = client.request(
        method, place + path, json=change, headers={"Prefer": "handling=strict"}
    )
    answer = client.request(method, place + path, json=change)

    assert answer.status_code == 200
    assert wrong(answer.json()["result"].get("warnings", [])) == expected
    assert strict.status_code == (422 if expected else 200)


def test_the_openapi_document_says_the_settings_of_each_type(client: httpx2.Client) -> None:
    schemas = client.get("/docs/openapi.json").json()["components"]["schemas"]
    [by_type] = schemas["CreateIntegrationBody"]["allOf"]
    found = {
        each["properties"]["type"]["const"]: each["properties"]["settings"]
        for each in by_type["anyOf"]
    }
    assert found["TWILIO"]["properties"]["region"]["enum"] == ["AU1", "IE1", "US1"]
    assert set(found["SENDGRID"]["properties"]) == {"region", "onBehalfOf"}
    assert found["NEXMO"] == {"properties": {}, "additionalProperties": False}
    assert "settings" in schemas["UpdateIntegrationBody"]["properties"]
    assert "settings" not in schemas["IntegrationObject"]["required"]


# ----- Beyond the rows -----
NAMES = sorted({name for each in PROVIDERS.values() for name in each.settings})
VALUES = st.sampled_from([value for _, each in TAKEN for value in each.values()])
ANY_SETTINGS = st.dictionaries(
    st.sampled_from(NAMES) | st.text(max_size=40),
    VALUES | VALUES.map(lambda value: f" {value}\n") | st.text() | st.none() | st.integers(),
    max_size=3,
)
SCHEMA = create_schema(PROVIDERS)


@given(type_=st.sampled_from(sorted(PROVIDERS)), settings=ANY_SETTINGS)
def test_any_settings_are_refused_or_read_as_they_are_but_trimmed(
    type_: str, settings: dict[str, Any]
) -> None:
    body = json.dumps(body_of(type_, settings=settings)).encode()
    try:
        read: CreateIntegrationBody = SCHEMA.read(body)
    except InvalidFieldsError:
        return
    trimmed = {name: setting_text(value) for name, value in settings.items()}
    assert (read.settings or {}) == trimmed
    assert set(settings) <= set(PROVIDERS[type_].settings)
