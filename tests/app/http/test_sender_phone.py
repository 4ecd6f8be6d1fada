"""Who an SMS is from (docs/api.md#senders): the rule, for each spelling."""

import re
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.http.field_rules import FieldError
from app.http.integrations.bodies import create_schema
from app.http.sender_phone import (
    number_warning,
    read_sender,
    sender_problem,
    sender_rule,
)
from app.locales.catalogues import load_catalogues
from app.providers.registry import load_providers
from tests.support.senders import spellings

PROVIDERS = load_providers()
RULE = sender_rule(PROVIDERS)
CREATION = create_schema(PROVIDERS)
SERVICE_SID = "MG" + "0" * 31 + "f"
UK = "+447700900000"
READ = {
    "spaces (home-assistant/core#28065)": ("+44 7700 900000", UK),
    "quotes": ('"+44 7700 900000"', UK),
    "a formula of a spreadsheet": ('="+44 7700 900000"', UK),
    "a comma behind it": ("+44 7700 900000,", UK),
    "quotes around a name": ("'ACME'", "ACME"),
    "no-break and thin spaces": ("+44\u00a07700\u2009900\u202f000", UK),
    "angle brackets and a comma": ("<+44 7700 900000>,", UK),
    "low quotes and a semicolon": ("\u201e+44 7700 900000\u201c;", UK),
    "a full-width comma behind": ("+44 7700 900000\uff0c", UK),
    "hyphens, dots, slash": ("+44-7700.900/000", UK),
    "typographic dashes": ("+44\u20117700\u2013900\u2212000", UK),
    "brackets": ("(+44) [7700] (900) 000", UK),
    "space behind the plus": ("+ 44 7700900000", UK),
    "white space and line breaks around": ("\r\n\t +447700900000 \u2003\n", UK),
    "marks of a contact list": ("\u202a+44 7700 900000\u202c", UK),
    "isolates": ("\u2066+44\u2069 7700\u200e900000\u200f", UK),
    "zero-width, joiner, byte order mark": ("\ufeff+44\u200b7700\u2060900\u00ad000\u200d", UK),
    "full-width": ("\uff0b\uff14\uff14\u3000\uff08\uff17\uff17\uff10\uff10\uff09900\uff0d000", UK),
    "Arabic-Indic digits": ("+\u0664\u0664 \u0667\u0667\u0660\u0660 900000", UK),
    "Persian digits": ("+\u06f4\u06f47700900000", UK),
    "Devanagari digits": ("+\u096a\u096a7700900000", UK),
    "North American": ("+1 (415) 523-8886", "+14155238886"),
    "a short code with a space": (" 123 45 ", "12345"),
    "a short code in full-width": ("\uff11\uff12\uff13", "123"),
    "WhatsApp with spaces": ("whatsapp: +1 415-523-8886", "whatsapp:+14155238886"),
    "WhatsApp in capitals": ("WhatsApp:+14155238886\n", "whatsapp:+14155238886"),
    "WhatsApp with marks": ("whatsapp:\u202a+14155238886\u202c", "whatsapp:+14155238886"),
    "a name keeps its spaces": ("  ACME  24 ", "ACME  24"),
    "a name keeps hyphens": ("A-B", "A-B"),
    "a name with a no-break space": ("ACME\u00a024", "ACME 24"),
    "a name with a byte order mark": ("\ufeffACME\u200b", "ACME"),
    "a service id with a line break": (f"{SERVICE_SID}\n", SERVICE_SID),
    "a name that is a channel": ("whatsapp", "whatsapp"),
    "a name that begins like an id": ("MGM Resorts", "MGM Resorts"),
    "a short code in two groups": ("741-741", "741741"),
    "a short code with a dash": ("12\u2013345", "12345"),
    "a short code with signs at its ends": ("(12345)-", "12345"),
    "eight digits alone": ("20123456", "20123456"),
    "a mark in a short code": ("12\u200b345", "12345"),
    "a variable": ("TWILIO_FROM=+447700900000", UK),
    "a variable and quotes": ('export FROM="+44 7700 900000"', UK),
    "quotes around a variable": ("'FROM=+447700900000'", UK),
    "a variable and a name": ("SENDER=ACME", "ACME"),
    "a member of JSON": ('"senderPhone": "whatsapp:+14155238886",', "whatsapp:+14155238886"),
    "a label": ("Sender ID: ACME", "ACME"),
    "a label of a variable": ("TWILIO_FROM: ACME", "ACME"),
    "a label of an id": (f"MessagingServiceSid: {SERVICE_SID}", SERVICE_SID),
    "a label in Turkish": ("G\u00f6nderen: +44 7700 900000", UK),
    "a label in Vietnamese": ("So\u0302\u0301: +44 7700 900000", UK),
    "a label in Chinese": ("\u53d1\u9001\u53f7\u7801\uff1a+44 7700 900000", UK),
    # libphonenumber, ShortNumberMetadata.xml: sms_services of NO and NZ.
    "Norway's short codes": ("04123", "04123"),
    "New Zealand's short code": ("018", "018"),
    # https://k-tai.watch.impress.co.jp/docs/news/2032907.html: 8 to 10 digits, of which we take 8.
    "Japan's short codes": ("00050123", "00050123"),
    "a 0 in front, which other short codes may have": ("01712345", "01712345"),
    "Italy keeps its 0": ("+39 (06) 1234-5678", "+390612345678"),
}


@pytest.mark.parametrize(("text", "sender"), [pytest.param(*r, id=k) for k, r in READ.items()])
def test_a_sender_is_read_as_people_paste_it(text: str, sender: str) -> None:
    assert RULE(text) == sender
    assert RULE(sender) == sender
    body = {"type": "TWILIO", "channel": "SMS", "senderPhone": text}
    assert jsonschema_rs.is_valid(dict(CREATION.cross_field_schema), body)
    assert jsonschema_rs.is_valid(dict(RULE.schema), text)


PLUS = "A number begins with + and the country's code; a short code has 3"
NATIONAL = "A number begins with + and the country's code; a short code has nothing"
DIGITS = "This must be + and 6 to 15 digits"
ANY = "This must be + and 6 to 15 digits, a short code"
UNSEEN = "This contains an invisible character"
ZERO = "Leave out the (0)"
ZERO_OF_ITALY = (
    f"{ZERO}: it is not dialled after the country's code; in Italy the 0 is dialled, without"
    " brackets"
)
ALONE = "Write the number alone, without tel: or another word in front of it; a number of WhatsApp"
REFUSED = {
    "no plus": ("447700900000", PLUS),
    "no plus, just longer than a short code": ("123456789", PLUS),
    "no plus, national spelling": ("(020) 7946-0958", PLUS),
    "no plus, Arabic-Indic digits": (
        "\u0664\u0664\u0667\u0667\u0660\u0660\u0669\u0660\u0660",
        PLUS,
    ),
    "a national number, 8 digits in pairs": ("20 12 34 56", NATIONAL),
    "a national number, 8 digits in fours": ("9123 4567", NATIONAL),
    "a national number, 7 digits": ("555-1234", NATIONAL),
    "a national number, an area in brackets": ("(12) 345", NATIONAL),
    "a national number, 6 digits in pairs": ("12 34 56", NATIONAL),
    "a national number, dots": ("12.345", NATIONAL),
    "a national number, a slash": ("123/456", NATIONAL),
    "two digits and four": ("12 3456", NATIONAL),
    "four digits with a space": ("12 34", NATIONAL),
    "a 0 and an area in brackets": ("(02) 9876", NATIONAL),
    "a 0, with a hyphen": ("0800-1234", NATIONAL),
    "a 0, with a space": ("0171 2345", NATIONAL),
    "Norway's with a space": ("04 12 3", NATIONAL),
    "00, short": ("00 49 123", "Write + instead of 00"),
    "(0), short": ("(0)20123", ZERO),
    "the plus behind": ("447700900000+", PLUS),
    "WhatsApp without plus": ("whatsapp:14155238886", PLUS),
    "WhatsApp with a short code": ("whatsapp:12345", PLUS),
    "00": ("00447700900000", "Write + instead of 00"),
    "00 with spaces": ("00 44 7700 900000", "Write + instead of 00"),
    "WhatsApp with 00": ("whatsapp:0014155238886", "Write + instead of 00"),
    "(0)": ("+44 (0)20 7946 0958", ZERO),
    "( 0 )": ("+44 (\u00a00 )20 7946 0958", ZERO),
    "[0]": ("+49 [0] 30 123456", ZERO),
    "(0) in full-width": ("+44\uff080\uff0920 7946 0958", ZERO),
    "(0) in Arabic-Indic digits": ("+44 (\u0660)20 7946 0958", ZERO),
    "(0) of Italy": ("+39 (0)6 6982 0000", ZERO_OF_ITALY),
    "(0) of WhatsApp": ("whatsapp:+44 (0)20 7946 0958", ZERO),
    "tel:": ("tel:+447700900000", ALONE),
    "tel: in capitals, with spaces": ("TEL: +44 7700 900000", ALONE),
    "tel: with parameters": ("tel:+44-7700-900000;ext=5", ALONE),
    "sms:": ("sms:+447700900000", ALONE),
    "Tel.": ("Tel. +44 7700 900000", ALONE),
    "WhatsApp without a colon": ("WhatsApp +14155238886", ALONE),
    "too short": ("+12345", DIGITS),
    "too long": ("+1234567890123456", DIGITS),
    "two pluses": ("++447700900000", DIGITS),
    "two numbers": ("+447700900000 +447700900001", DIGITS),
    "two digits": ("12", PLUS),
    "a line break inside": ("+44\n7700900000", "This must not contain a line break"),
    "a tab in a name": ("ACME\t24", "This must not contain a tab"),
    "a control character inside": ("+44\x007700900000", ANY),
    "superscript": ("+44\u00b27700900000", ANY),
    "an extension": ("+44 7700 900000 x5", ANY),
    "a name of 12": ("ACME ACME 12", ANY),
    "a name in another script": ("\u0410\u0421\u041c\u0415", ANY),
    "a name with another sign": ("ACME.", ANY),
    "a name with a mark inside": ("AC\u200bME", UNSEEN),
    "a name with an override": ("AC\u202eME", UNSEEN),
    "signs only": ("+-_&", ANY),
    "plus only": ("+", ANY),
    "brackets only": ("()", ANY),
    "another SID": ("AC" + "0" * 32, ANY),
    "a short service id": (SERVICE_SID[:-1], ANY),
    "a service id in small letters": (SERVICE_SID.lower(), ANY),
    "another channel, with a space": ("messenger: 1234", ANY),
    "a fax": ("Fax: +44 7700 900000", ALONE),
    "an escaped line break in front": ("\\nACME", ANY),
    "a service id with another letter": (SERVICE_SID[:-1] + "g", ANY),
    "WhatsApp with a name": ("whatsapp:ACME", ANY),
    "WhatsApp alone": ("whatsapp:", ANY),
    "another channel": ("messenger:1234", ANY),
    "blank": (" \u00a0\u200b\n", "This is blank"),
    "empty": ("", "This must have 1 to 120 characters"),
    "very long": ("1" * 121, "This must have 1 to 120 characters"),
    "very long, combining": ("+" + "\u0300" * 9_000, "This must have 1 to 120 characters"),
    "a JSON number": (447700900000, "This must be a string"),
}


@pytest.mark.parametrize(("value", "hint"), [pytest.param(*r, id=k) for k, r in REFUSED.items()])
def test_what_is_no_sender_is_refused_with_a_hint(value: object, hint: str) -> None:
    with pytest.raises(FieldError) as refused:
        RULE(value)

    problem = refused.value.problem
    assert problem.message.format(**problem.limits).startswith(hint)
    assert problem.message == DIGITS or hint != DIGITS


def test_a_refusal_lists_what_the_files_of_providers_allow() -> None:
    with pytest.raises(FieldError) as refused:
        RULE(SERVICE_SID.lower())

    senders = refused.value.problem.limits["senders"]
    assert senders == "whatsapp:+447700900123, messaging service (MG…)"
    problem = sender_problem(SERVICE_SID.lower(), PROVIDERS["TWILIO"])
    assert problem
    assert str(problem.limits["senders"]).endswith(f"ACME, {senders}")


def test_every_hint_is_translated() -> None:
    catalogues = load_catalogues().languages
    hints = {problem.message for problem in problems()}

    assert len(hints) > 6
    for tag, language in catalogues.items():
        for hint in hints:
            assert tag == "en" or language.text(hint, **LIMITS) != hint.format(**LIMITS)


LIMITS: dict[str, str | int] = {"senders": "ACME", "minimum": 1, "maximum": 120}


def problems() -> list[Any]:
    """Return the problem of each refusal, and of each warning."""
    found = [number_warning("+4402079460958"), number_warning("+999999999")]
    found.append(sender_problem(SERVICE_SID, PROVIDERS["NEXMO"]))
    for value, _ in REFUSED.values():
        try:
            RULE(value)
        except FieldError as error:
            found.append(error.problem)
    return [problem for problem in found if problem and problem.code != "WRONG_TYPE"]


# ----- Properties -----
@given(spelling=spellings())
def test_any_spelling_reads_as_the_same_number(spelling: tuple[str, str]) -> None:
    sender, text = spelling
    assume(not re.search(r"[(\[]\d[)\]]", re.sub(r"[^\d()\[\]]", "", text)))  # (0) is refused

    assert RULE(text) == sender


@given(text=st.text())
def test_reading_ends_in_a_sender_or_a_refusal_and_reads_its_result_alike(text: str) -> None:
    try:
        sender = read_sender(text)
    except FieldError:
        return
    assert read_sender(sender) == sender
