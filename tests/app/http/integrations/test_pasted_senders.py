"""Addresses and names of senders are read as people paste them."""

# ruff: noqa: RUF001 — these characters are meant

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.http.errors import InvalidFieldsError
from tests.support.pasted_bodies import (
    SCHEMAS,
    body_with,
    codes,
    read,
)

EMAILS = {
    "semicolon behind": "{};",
    "comma behind": "{},",
    "several behind": "{} ;, ",
    "full stop behind": "{}.",
    "comma in front": ", {}",
    "scheme": "mailto:{}",
    "scheme in capitals": "MAILTO: {}",
    "link with a subject": "mailto:{}?subject=Hello",
    "brackets": "<{}>",
    "brackets and scheme": "<mailto:{}>;",
    "quotes": '"{}"',
    "typographic quotes": "“{}”",
    "parentheses": "({}),",
    "full-width separator": "{}；",
    "ideographic comma": "{}、",
    "invisible in brackets": "<\u200b{} >",
    "a variable": "SENDER_EMAIL={}",
    "a variable and quotes": 'FROM_EMAIL="{}"',
    "a variable in small letters": "from={}",
    "a variable of one word": "mailto={}",
    "a variable in camel case": "senderEmail = {}",
    "a variable of a shell": "export FROM='{}';",
    "a variable of PowerShell": '$env:MAIL="{}"',
    "an option": "--from={}",
    "an option with a hyphen": "--from-email={}",
    "a property with hyphens": "app.mail.from-address={}",
    "a property of SendGrid": "sendgrid.from-email={}",
    "a property of a login": "spring.mail.username={}",
    "a variable with a hyphen": "user-name={}",
    "the address of replies": "reply-to={}",
    "one with a hyphen in mail": "e-mail={}",
    "an argument of Python": "from_='{}'",
    "a header": "From: {}",
    "a header without a space": "from:{}",
    "a label": "Correo electrónico: {}",
    "a label in simplified Chinese": "发件人：{}",
    "a label in traditional Chinese": "寄件者：{}",
    "a label in Japanese": "差出人：{}",
    "a label in Hindi": "प्रेषक: {}",
    "a label in Thai": "อีเมล: {}",
    "a label with a hyphen that does not break": "E\u2011Posta: {}",
    "a member of JSON": '"senderEmail": "{}",',
    "a proxy address of Exchange": "SMTP:{}",
    "an apostrophe of a spreadsheet": "'{}",
    "a quote behind": '{}"',
    "a sign of a spreadsheet": "={}",
    "a formula of a spreadsheet": '="{}"',
    "a cell of a table": "| {} |",
    "an escaped space": "mailto:%20{}",
    "an escaped line break": "{}\\n",
}


@pytest.mark.parametrize("around", EMAILS.values(), ids=EMAILS)
@pytest.mark.parametrize("body", ["create", "change"])
def test_what_people_copy_with_an_address_goes(body: str, around: str) -> None:
    assert read(body, "senderEmail", around.format("a.b+c@example.com")) == "a.b+c@example.com"


@pytest.mark.parametrize(
    "text",
    ["[{0}](mailto:{0})", "{0} <{0}>", "<{0}>; <mailto:{0}>", "{0}\n{0}"],
)
def test_an_address_that_is_copied_twice_is_one(text: str) -> None:
    assert read("create", "senderEmail", text.format("a@example.com")) == "a@example.com"


@pytest.mark.parametrize("body", ["create", "change"])
@pytest.mark.parametrize(
    "address",
    [
        *("o'brien@acme.com", "a'@acme.com", "a{b}@acme.com", "a/b@acme.com"),
        # https://cr.yp.to/proto/verp.txt, and the rewriting schemes SRS and BATV
        *("bounce+user=example.org@acme.com", "bounces=ada=example.org@acme.com"),
        *("bounces-ada=example.org@acme.com", "b-from-ada=example.org@acme.com"),
        *("SRS0=HHH=TT=example.org=alice@acme.com", "prvs=12345=news@acme.com"),
        *("bounces-token=acme.com@mail.acme.com", "pass=a=b.org@acme.com"),
    ],
)
def test_signs_that_belong_to_an_address_stay(body: str, address: str) -> None:
    assert read(body, "senderEmail", address) == address
    assert read(body, "senderEmail", f"SENDER_EMAIL='{address}'") == address


@pytest.mark.parametrize(
    "text", ["?from=a@example.com", "&reply-to=a@example.com&", "contact='a@example.com'"]
)
def test_an_address_in_a_link_or_in_quotes_behind_a_name_is_read(text: str) -> None:
    assert read("create", "senderEmail", text) == "a@example.com"


def test_percent_signs_of_a_link_are_decoded_and_others_stay() -> None:
    assert read("create", "senderEmail", "mailto:a%2Bb@example.com") == "a+b@example.com"
    assert read("create", "senderEmail", "a%2Bb@example.com") == "a%2Bb@example.com"


NAMES = [
    ("SENDER_NAME=Acme News", "Acme News"),
    ('FROM_NAME="Acme News"', "Acme News"),
    ("export FROM_NAME='Acme'", "Acme"),
    ("senderName: Acme", "Acme"),
    ('"senderName": "Acme",', "Acme"),
    ("name=Acme", "Acme"),
    ("sender-name=Acme", "Acme"),
    ("app.mail.from-name=Acme News", "Acme News"),
    ("--from-name='Acme'", "Acme"),
    ("name: 'Acme News',", "Acme News"),
    ('from: "Acme"', "Acme"),
    ('$fromName = "Acme News";', "Acme News"),
    ("'name' => 'Acme',", "Acme"),
    ('const fromName: string = "Rock & Co";', "Rock & Co"),
    ('from_name: str = "Rock & Co"', "Rock & Co"),
    ("private readonly fromName = 'Rock & Co';", "Rock & Co"),
    ('public static final String FROM_NAME = "O\'Neil";', "O'Neil"),
    ('let from_name: &str = "Rock & Co";', "Rock & Co"),
    ('$env:MAIL_FROM_NAME = "Rock & Co"', "Rock & Co"),
    ("- MAIL_FROM_NAME=Rock & Co", "Rock & Co"),
    ('FROM_NAME="Acme" # our brand', "Acme"),
    ("const fromName = 'Acme'; // our brand", "Acme"),
    ('"MAIL_FROM_NAME=Rock & Co"', "Rock & Co"),
    ('"Acme"', "Acme"),
    ("'Acme',", "Acme"),
    ("\u201cAcme\u201d", "Acme"),
    ('="Acme"', "Acme"),
    *((name, name) for name in ("'t Winkeltje", "Rock 'n' Roll", '"A" and "B"', "E=mc2", "=Acme")),
    *((name, name) for name in ("From: Berlin", "Name: Acme", "Acme, Inc.,", "'n' Roll'")),
    *((name, name) for name in ('"Acme" # 1', "Acme # 1")),
    *((name, name) for name in ('"Hamilton": das Musical', "'A': the show")),
]


@pytest.mark.parametrize("body", ["create", "change"])
@pytest.mark.parametrize(("text", "name"), NAMES)
def test_what_people_copy_with_the_name_of_a_sender_goes(body: str, text: str, name: str) -> None:
    assert read(body, "senderName", text) == name


@pytest.mark.parametrize("text", ['""', 'FROM_NAME=""', "const fromName = '';", "''", "FROM="])
def test_a_name_without_anything_behind_it_or_in_its_quotes_is_blank(text: str) -> None:
    assert codes("create", "senderName", text) == {"INVISIBLE_TEXT"}


@pytest.mark.parametrize("text", ["TWILIO_FROM=", "FROM=''", "SENDER_ID = "])
def test_a_sender_that_is_a_variable_without_a_value_is_blank(text: str) -> None:
    assert codes("create", "senderPhone", text) == {"INVISIBLE_TEXT"}


@pytest.mark.parametrize("body", ["create", "change"])
@pytest.mark.parametrize(
    "text", ["Acme <news@acme.com>", '"Acme, Inc." <news@acme.com>', "FROM=Acme <news@acme.com>"]
)
def test_a_name_with_an_address_is_refused_with_a_hint(body: str, text: str) -> None:
    assert codes(body, "senderName", text) == {"EMAIL_IN_NAME"}
    assert read(body, "name", text) == text


@pytest.mark.parametrize("name", ["Acme <3 you", "news@acme.com", "<Acme> @home", "A='B' & C"])
def test_a_name_with_signs_of_an_address_or_a_formula_is_a_name(name: str) -> None:
    assert read("create", "senderName", name) == name


# The sign of a spreadsheet stands in front of everything else.
INNER = [around for around in EMAILS.values() if not around.startswith(("=", "'"))]


@given(st.lists(st.sampled_from(INNER), max_size=4))
def test_wrappings_of_an_address_go_in_any_order(layers: list[str]) -> None:
    text = "a@example.com"
    for around in layers:
        if len(around.format(text)) < 250 and not text.lower().startswith("mailto:"):
            text = around.format(text)

    assert read("create", "senderEmail", text) == "a@example.com"


@pytest.mark.parametrize(
    "text",
    [
        *("a＠example.com", "a﹫example.com", "ａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "＜a＠example.com＞"),
        *("a@example。com", "a@example｡com"),
    ],
)
def test_full_width_signs_of_an_address_become_ascii(text: str) -> None:
    assert read("create", "senderEmail", text) == "a@example.com"


EMAIL_HINTS = [
    ("a@example.com, b@example.com", "INVALID_EMAIL", "Give one email address only"),
    ("a@example.com;b@example.com", "INVALID_EMAIL", "Give one email address only"),
    ("a@example.com b@example.com", "INVALID_EMAIL", "Give one email address only"),
    ("A <a@example.com>, B <b@example.com>", "INVALID_EMAIL", "Give one email address only"),
    ("a@example,com", "INVALID_EMAIL", "Write a full stop in the domain, not a comma"),
    ("a@mail.example;com", "INVALID_EMAIL", "Write a full stop in the domain, not a comma"),
    ("<a@example,com>,", "INVALID_EMAIL", "Write a full stop in the domain, not a comma"),
    ("Ada|a@example.com", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("FROM=Ada <a@example.com>", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("Ada,a@example.com", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("a @example.com", "INVALID_EMAIL", "An email address contains no space"),
    ("a@ example.com", "INVALID_EMAIL", "An email address contains no space"),
    ("a @ example.com", "INVALID_EMAIL", "An email address contains no space"),
    ("no reply@example.com", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("a@exam ple.com", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("Example <a@example.com>", "NAME_IN_EMAIL", "Give the address alone, without spaces; a"),
    ("a\n@example.com", "CONTROL_CHARACTER", "This must not contain a line break"),
    ("a@exam\u2028ple.com", "CONTROL_CHARACTER", "This must not contain a line break"),
    ("a\u200b@example.com", "INVALID_EMAIL", "This contains an invisible character; type"),
    ("\\news@acme.com", "INVALID_EMAIL", "This is not a valid email address"),
    ("\\nada@acme.com", "INVALID_EMAIL", "This is not a valid email address"),
    ("'\\tom@acme.com'", "INVALID_EMAIL", "This is not a valid email address"),
    ("example.com", "INVALID_EMAIL", "This is not a valid email address"),
    ("contact=info@acme.com", "INVALID_EMAIL", "This is not a valid email address"),
    ("from==x@acme.com", "INVALID_EMAIL", "This is not a valid email address"),
    ("key=x@acme.com", "INVALID_EMAIL", "This is not a valid email address"),
    ("mailto:", "INVALID_EMAIL", "This is not a valid email address"),
    ("<>", "INVALID_EMAIL", "This is not a valid email address"),
]


@pytest.mark.parametrize("body", ["create", "change"])
@pytest.mark.parametrize(("text", "code", "hint"), EMAIL_HINTS)
def test_a_refused_address_has_a_hint_that_fits(body: str, text: str, code: str, hint: str) -> None:
    with pytest.raises(InvalidFieldsError) as refused:
        SCHEMAS[body].read(body_with(body, "senderEmail", text))

    ((field, problem),) = refused.value.findings
    assert (field, problem.code) == ("senderEmail", code)
    assert problem.message.startswith(hint)
