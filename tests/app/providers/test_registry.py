"""The provider files: ours, an operator's, and wrong ones."""

import re
from pathlib import Path

import pytest

from app.providers.errors import ProviderFileError
from app.providers.registry import load_providers
from domain.provider import Provider

CHANNELS = {
    "SENDGRID": "EMAIL",
    "ELASTIC_EMAIL": "EMAIL",
    "TWILIO": "SMS",
    "NEXMO": "SMS",
    "WEB_PUSH": "PUSH",
    "FIREBASE_FCM": "PUSH",
}
USUAL = {
    ("SENDGRID", "apiKey"): "SG." + "a" * 22 + "." + "b" * 43,
    ("ELASTIC_EMAIL", "apiKey"): "0F" * 48,
    ("TWILIO", "apiKey"): "AC" + "0f" * 16,
    ("TWILIO", "apiSecret"): "0f" * 16,
    ("NEXMO", "apiKey"): "a1b2c3d4",
    ("NEXMO", "apiSecret"): "secret",
    ("WEB_PUSH", "vapidPublicKey"): "B" + "a_" * 43,
    ("WEB_PUSH", "vapidPrivateKey"): "a-" * 21 + "a",
    ("FIREBASE_FCM", "apiKey"): "AAAA1234567:" + "a" * 140,
}
OTHER = """
type = "POSTMARK"
channel = "EMAIL"
name = "Postmark"
[fields.apiKey]
label = "Key"
help = "Ask them"
example = "abc"
"""


def test_the_six_types_of_the_document_are_there_with_their_channels() -> None:
    providers = load_providers()
    assert {name: provider.channel for name, provider in providers.items()} == CHANNELS
    assert all(name == provider.type for name, provider in providers.items())


def test_every_format_takes_a_usual_key_as_a_whole_and_not_with_more() -> None:
    formats = {
        (provider.type, name): field.format
        for provider in load_providers().values()
        for name, field in provider.fields.items()
        if field.format
    }
    assert formats.keys() == USUAL.keys()
    for place, form in formats.items():
        assert re.fullmatch(form, USUAL[place]), place
        assert not re.fullmatch(form, USUAL[place] + "\n" * 40), place


def test_every_example_is_of_its_format() -> None:
    for provider in load_providers().values():
        for name, field in provider.fields.items():
            assert re.fullmatch(field.format or ".+", field.example), (provider.type, name)
        for name, setting in provider.settings.items():
            form = setting.format or "|".join(setting.choices)
            for example in (setting.example, *setting.other_examples):
                assert re.fullmatch(form, example), (provider.type, name)
                assert not any(re.search(each.pattern, example) for each in setting.lookalikes)


def test_a_service_account_is_a_usual_key_of_firebase() -> None:
    form = load_providers()["FIREBASE_FCM"].fields["apiKey"].format
    assert re.fullmatch(form or "", '{\n  "type": "service_account"\n}')


def test_a_new_provider_is_one_file_and_no_code(tmp_path: Path) -> None:
    (tmp_path / "postmark.toml").write_text(OTHER)
    (tmp_path / "notes.txt").write_text("not a provider")
    providers = load_providers([tmp_path])
    assert providers.keys() == {*CHANNELS, "POSTMARK"}
    assert isinstance(providers["POSTMARK"], Provider)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("type = ", "bad.toml: "),
        (OTHER.replace("POSTMARK", "SENDGRID"), "bad.toml: the type SENDGRID is there already."),
        (OTHER.replace("EMAIL", "FAX"), "bad.toml: Invalid enum value 'FAX'"),
        (OTHER.replace("name =", "title ="), "bad.toml: "),
        (OTHER + "secret = true", "bad.toml: Object contains unknown field"),
        (OTHER + "format = '('", "bad.toml: missing ), unterminated subpattern"),
        (OTHER + "public_format = '('", "bad.toml: missing ), unterminated subpattern"),
        (OTHER + "format = 'a{99999999999}'", "bad.toml: the repetition number is too large."),
        (OTHER + f"format = '{'(' * 3000}'", "bad.toml: maximum recursion depth exceeded"),
        ("a = " + "[" * 3000, "bad.toml: maximum recursion depth exceeded"),
        ("a = " + "9" * 5000, "bad.toml: Exceeds the limit (4300 digits)"),
        ("a" + ".a" * 9000 + " = 1", "bad.toml: it is larger than 16384 bytes."),
        (OTHER.replace('name = "Postmark"', ""), "bad.toml: Object missing required field `name`"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "bad.toml").write_text(content)
    with pytest.raises(ProviderFileError, match=re.escape(says)):
        load_providers([tmp_path])


def test_a_file_that_is_no_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(ProviderFileError, match=r"bad\.toml"):
        load_providers([tmp_path])
