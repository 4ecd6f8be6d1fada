"""Settings of an integration, for every provider and setting, through the whole house."""

import json
from typing import Any, cast

import httpx2
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.errors import InvalidFieldsError
from app.http.integrations.bodies import CreateIntegrationBody, create_schema
from app.http.integrations.settings import setting_text
from tests.app.http.conftest import Problem
from tests.support.settings import PATH, PROVIDERS, SID, Json, body_of, created, shown, wrong

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
    ("SENDGRID", {"onBehalfOf": "account-ideas"}),
    ("SENDGRID", {"onBehalfOf": "accountid"}),
    ("WEB_PUSH", {"contact": "mailto:push+admin@mail.example.com"}),
    ("WEB_PUSH", {"contact": "https://example.com"}),
    ("WEB_PUSH", {"contact": "HTTPS://Example.com"}),
    ("WEB_PUSH", {"contact": "MAILTO:push@example.com"}),
    ("WEB_PUSH", {"contact": "https://example.com:8443/contact?to=push#now"}),
    ("WEB_PUSH", {"contact": "https://localhost.example/"}),
    ("WEB_PUSH", {"contact": "https://contest.example/#a.test"}),
    ("WEB_PUSH", {"contact": "https://example.com/@me.local"}),
    ("WEB_PUSH", {"contact": "https://10.example.com."}),
    ("WEB_PUSH", {"contact": "https://163.de/"}),
    ("WEB_PUSH", {"contact": "https://1.2.fm:8443"}),
    ("WEB_PUSH", {"contact": "mailto:me.local@example.com?subject=a.test"}),
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
    ("WEB_PUSH", {"contact": "https://example.com/a_(b)/~c;d,e!'*"}),
    ("WEB_PUSH", {"contact": "https://internal.example/a..b"}),
    ("WEB_PUSH", {"contact": "mailto:a..b@example.com"}),
    ("WEB_PUSH", {"contact": "mailto:ops@münchen.example"}),
    ("WEB_PUSH", {"contact": "mailto:zoë@example.com"}),
    ("WEB_PUSH", {"contact": "mailto:push@example.com?subject=push%20messages"}),
]


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


@pytest.mark.parametrize("none", [None, {}])
def test_no_settings_are_not_shown(client: httpx2.Client, none: object) -> None:
    for type_ in PROVIDERS:
        assert "settings" not in created(client, body_of(type_, settings=none))


NULLS = [
    ("TWILIO", {"region": None}, None),
    ("TWILIO", {"region": "IE1", "accountSid": None}, {"region": "IE1"}),
    ("SENDGRID", {"region": None, "onBehalfOf": None}, None),
    ("SENDGRID", {"region": None, "onBehalfOf": "shop"}, {"onBehalfOf": "shop"}),
    ("WEB_PUSH", {"contact": None}, None),
    (
        "WEB_PUSH",
        {"contact": "https://example.com", "region": None},
        {"contact": "https://example.com"},
    ),
    ("NEXMO", {"region": None, "accountSid": None}, None),
]


@pytest.mark.parametrize(("type_", "settings", "stored"), NULLS)
def test_null_in_settings_is_the_same_as_absent(
    client: httpx2.Client, type_: str, settings: Json, stored: Json | None
) -> None:
    body = body_of(type_, settings=settings)
    integration = created(client, body)
    path = f"{PATH}/{integration['id']}"
    assert integration.get("settings") == stored
    document = client.get("/docs/openapi.json").json()
    schema = {"$ref": "#/components/schemas/CreateIntegrationBody"} | document
    assert jsonschema_rs.is_valid(schema, body)
    assert not jsonschema_rs.is_valid(schema, body_of(type_, settings={"edge": None}))
    changed = client.patch(path, json={"settings": settings})
    assert changed.json()["result"]["data"] == integration
    assert len(shown(client, f"{path}/history")) == 1


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


def test_the_openapi_document_says_the_settings_of_each_type(client: httpx2.Client) -> None:
    schemas = client.get("/docs/openapi.json").json()["components"]["schemas"]
    for body in ("CreateIntegrationBody", "UpdateIntegrationBody"):
        settings = schemas[body]["properties"]["settings"]["properties"]
        assert {name: each["description"] for name, each in settings.items()} == {
            "region": "SENDGRID: GLOBAL, EU; TWILIO: US1, IE1, AU1",
            "onBehalfOf": "SENDGRID: For the key of a parent account: the subuser's name, or"
            " account-id and the customer account's ID (example-subuser)",
            "accountSid": "TWILIO: The account of an API key, or a subaccount: AC and 32"
            f" hexadecimal digits (AC{'0' * 32})",
            "contact": "WEB_PUSH: How push services reach you: a mailto: or https: address"
            " (mailto:push@example.com)",
        }
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
    given_ = {name: value for name, value in settings.items() if value is not None}
    trimmed = {name: cast("str", setting_text(value)) for name, value in given_.items()}
    upper = {name: value.upper() for name, value in trimmed.items()}
    assert {name: value.upper() for name, value in (read.settings or {}).items()} == upper
    assert set(given_) <= set(PROVIDERS[type_].settings)
    assert set(settings) <= set(NAMES)
