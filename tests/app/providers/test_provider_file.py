"""What a provider file may say of its check, and that ours say all of it."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.locales.catalogues import load_catalogues
from app.providers.errors import ProviderFileError
from app.providers.provider_file import HttpCheck, ProviderFile
from app.providers.registry import load_providers

CHECKED = """
type = "OTHER"
channel = "EMAIL"
name = "Other"
[fields.apiKey]
label = "l"
help = "h"
example = "e"
[[regions]]
name = "Global"
url = "https://api.example.com"
[check]
kind = "http"
method = "GET"
path = "/me/{apiKey}"
auth = { kind = "bearer", field = "apiKey" }
rules = [{ status = 200, outcome = "ok" }]
"""
OFFLINE = """[check]
offline = [{ field = "apiKey", unless = "(", outcome = "ok", detail = "d" }]
"""
GUESS = 'outcome = "invalid", where = [{ mentions = ["denied"], type = "string" }]'
VARIANT = """[[check.variants]]
when = { field = "apiKey", format = "x" }
path = "/x"
rules = [{ status = 401, outcome = "invalid" }]
[check]
"""


def test_a_check_is_read(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(CHECKED)

    check = load_providers([tmp_path])["OTHER"].check

    assert isinstance(check, HttpCheck)
    assert check.rules[0].outcome == "ok"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("https://api", "http://api", "Expected `str` matching regex"),
        ("https://api.example.com", "https://me:pw@api.example.com", "matching regex"),
        ("https://api.example.com", "https://api.example.com/", "matching regex"),
        ("https://api.example.com", "https://api.example.com?x=", "matching regex"),
        ('"/me', '"me', "matching regex"),
        ("{apiKey}", "{apiSecret}", "the check uses what is not there: apiSecret"),
        ("{apiKey}", "{projectId}", "the check uses what is not there: projectId"),
        ('field = "apiKey"', 'field = "accessToken"', "what is not there: accessToken"),
        ('field = "apiKey"', 'field = "name"', "the check uses what is not there: name"),
        ('[[regions]]\nname = "Global"\nurl = "https://api.example.com"', "", "regions"),
        ('"ok"', '"fine"', "Invalid enum value 'fine'"),
        ("status = 200", "status = 99", ">= 200"),
        ("status = 200", "state = 200", "unknown field `state`"),
        ('kind = "http"', 'kind = "guess"', "Invalid value 'guess'"),
        ('kind = "bearer"', 'kind = "digest"', "Invalid value 'digest'"),
        ("[check]", OFFLINE, "missing ), unterminated"),
        ("[check]", OFFLINE.replace("(", "x"), "an offline rule, which asks nobody, is retired or"),
        ("[check]", OFFLINE.replace("(", "x").replace("ok", "invalid"), "an offline rule"),
        ("[check]", OFFLINE.replace("(", "x").replace("ok", "insufficient"), "an offline rule"),
        ('outcome = "ok"', 'outcome = "invalid"', "a rule for invalid needs the value"),
        ('outcome = "ok"', 'outcome = "invalid", where = []', "a rule for invalid needs the value"),
        ('outcome = "ok"', GUESS, "a rule for invalid needs the value"),
        ("[check]", VARIANT, "a rule for invalid needs the value"),
    ],
)  # fmt: skip
def test_a_check_that_cannot_be_is_refused_by_name(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in CHECKED
    (tmp_path / "other.toml").write_text(CHECKED.replace(old, new))

    with pytest.raises(ProviderFileError, match=re.escape("Provider file other.toml: ")) as raised:
        load_providers([tmp_path])

    assert says in str(raised.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProviderFileError, match="gone cannot be read"):
        load_providers([tmp_path / "gone"])


def test_only_these_hosts_ever_get_a_request(providers: Mapping[str, ProviderFile]) -> None:
    checks = [provider.check for provider in providers.values()]
    accounts = [check.service_account for check in checks if isinstance(check, HttpCheck)]
    urls = [region.url for provider in providers.values() for region in provider.regions]

    assert {urlsplit(url).netloc for url in urls} | {
        urlsplit(account.url).netloc for account in accounts if account
    } == {
        "api.elasticemail.com",
        "api.dublin.ie1.twilio.com",
        "api.eu.sendgrid.com",
        "api.sendgrid.com",
        "api.sydney.au1.twilio.com",
        "api.twilio.com",
        "fcm.googleapis.com",
        "oauth2.googleapis.com",
        "rest.nexmo.com",
    }


def test_every_type_can_be_checked(providers: Mapping[str, ProviderFile]) -> None:
    assert all(provider.check for provider in providers.values())


def test_all_that_our_files_say_to_people_is_in_the_catalogues(
    providers: Mapping[str, ProviderFile],
) -> None:
    said: set[str] = set()
    for provider in providers.values():
        for field in provider.fields.values():
            said |= {field.label, field.help}
        for setting in provider.settings.values():
            said |= {setting.label, setting.help}
        said |= {provider.deprecated} if provider.deprecated else set()
        if isinstance(provider.check, HttpCheck):
            rules = [*provider.check.rules, *provider.check.offline]
            rules += [rule for variant in provider.check.variants for rule in variant.rules]
            account = provider.check.service_account
            rules += account.rules if account else []
            said |= {rule.detail for rule in rules if rule.detail}

    assert said - load_catalogues().english.messages.keys() == set()
