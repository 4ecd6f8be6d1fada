"""Settings are read as they are pasted."""

import httpx2
import jsonschema_rs
import pytest

from app.http.integrations.bodies import create_schema
from app.http.openapi.components import json_schema
from tests.support.settings import PATH, PROVIDERS, SID, body_of, created

PASTED = [
    *(("TWILIO", "region", text, "IE1") for text in ("ie1", "Ie1", " IE1 ", '"ie1"')),
    *(("TWILIO", "region", text, "AU1") for text in ("REGION=au1", "region: 'AU1'", "AU1,")),
    *(("SENDGRID", "region", text, "EU") for text in ("eu", "Eu", "SENDGRID_REGION=eu")),
    *(("SENDGRID", "region", text, "GLOBAL") for text in ("Global", "global")),
    *(
        ("TWILIO", "accountSid", form.format(SID), SID)
        for form in ("TWILIO_ACCOUNT_SID={}", "export SID='{}'", "Account SID: {}", "{},", "{}\\n")
    ),
    ("WEB_PUSH", "contact", "CONTACT=mailto:a@example.com", "mailto:a@example.com"),
    ("WEB_PUSH", "contact", "Contact: https://example.com/A", "https://example.com/A"),
    *(
        ("WEB_PUSH", "contact", form.format("a@example.com"), "mailto:a@example.com")
        for form in (
            *("mailto: {}", "mailto:{},", "mailto:{} ;", "<mailto:{}>;"),
            *("mailto:<{}>", "mailto://{}", "'mailto: {}',", "mailto:{}\uff0c"),
        )
    ),
    *(
        ("WEB_PUSH", "contact", form.format("ops@acme.com"), "mailto:ops@acme.com")
        for form in ("<mailto:{0}|{0}>", "mailto:{}.", "mailto\uff1a{}", "<mailto:{0}|{0}>,")
    ),
    ("WEB_PUSH", "contact", "<https://acme.com/c|acme.com>", "https://acme.com/c"),
    ("WEB_PUSH", "contact", '"<https://acme.com/c|Acme Inc.>"', "https://acme.com/c"),
    ("WEB_PUSH", "contact", "https://acme.com/c.", "https://acme.com/c."),
    ("WEB_PUSH", "contact", "MAILTO: Ada@Example.com;", "MAILTO:Ada@Example.com"),
    *(
        ("WEB_PUSH", "contact", form, "https://example.com/a")
        for form in (
            "https://example.com/a;",
            "https: //example.com/a,",
            "<https://example.com/a>;",
        )
    ),
    *(("TWILIO", "accountSid", form.format(SID), SID) for form in ("{};", "<{}>,", "({})")),
    *(("TWILIO", "region", text, "IE1") for text in ("ie1;", "'ie1',")),
    *(("SENDGRID", "onBehalfOf", form, "shop") for form in ("shop,", "'shop';", "<shop>")),
    ("SENDGRID", "onBehalfOf", '"account-id 12345678",', "account-id 12345678"),
    *(
        ("SENDGRID", "onBehalfOf", form.format("acme"), "acme")
        for form in ("SENDGRID_SUBUSER={}", "export SENDGRID_SUBUSER='{}'", "ON_BEHALF_OF: {}")
    ),
    *(("SENDGRID", "onBehalfOf", form, form) for form in ("o'brien@acme.com", "a+b_c.d-e")),
]


@pytest.mark.parametrize(("type_", "name", "text", "value"), PASTED)
def test_a_setting_is_read_as_it_is_pasted(
    client: httpx2.Client, type_: str, name: str, text: str, value: str
) -> None:
    body = body_of(type_, settings={name: text})
    integration = created(client, body)
    assert integration["settings"] == {name: value}
    assert jsonschema_rs.is_valid(json_schema(create_schema(PROVIDERS)), body)
    path = f"{PATH}/{integration['id']}"
    changed = client.patch(path, json={"settings": {name: text}})
    assert changed.json()["result"]["data"] == integration


def test_settings_are_trimmed_and_the_maximum_counts_after_that(client: httpx2.Client) -> None:
    settings = {"region": " EU\n", "onBehalfOf": "\tshop "}
    integration = created(client, body_of("SENDGRID", settings=settings))
    assert integration["settings"] == {"onBehalfOf": "shop", "region": "EU"}


@pytest.mark.parametrize(
    ("type_", "name", "value"),
    [
        ("WEB_PUSH", "contact", "mailto:push@example.com"),
        ("WEB_PUSH", "contact", "https://example.com/contact"),
        ("SENDGRID", "region", "EU"),
        ("TWILIO", "accountSid", SID),
    ],
)
@pytest.mark.parametrize("form", ['"{}"', "'{}'", "<{}>", " “{}” ", '"<{}>"'])
def test_quotes_around_a_setting_are_removed(
    client: httpx2.Client, type_: str, name: str, value: str, form: str
) -> None:
    settings = {name: form.format(value)}
    integration = created(client, body_of(type_, settings=settings))
    assert integration["settings"] == {name: value}
    changed = client.patch(f"{PATH}/{integration['id']}", json={"settings": settings})
    assert changed.json()["result"]["data"] == integration
