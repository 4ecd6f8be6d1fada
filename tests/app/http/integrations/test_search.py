"""`q`: what finds an integration, and what is nothing to search for."""

# ruff: noqa: RUF001 — these characters are meant
from collections.abc import Generator

import httpx2
import pytest

from tests.support.service import Service

PATH = "/en/api/integration"
EMAIL = {"type": "SENDGRID", "channel": "EMAIL"}
SENDERS = {
    "Number": "+447700900000",
    "WhatsApp": "whatsapp:+14155238886",
    "Short code": "12345",
    "Service": "MG" + "0" * 32,
    "Apple \uf8ff": None,
    "7700 901 (name)": None,
    "کوچک": None,
    "London, 0800": "+448001234567",
    "Roma": "+390612345678",
    "رسائل، الرياض": "+966501234567",
    "With a 0": "+4402079460555",
}
EMAILS: dict[str, tuple[str | None, str]] = {
    "Mail": ("Größe  GmbH", "a.b@example.com"),
    "Other mail": ("Other", "c@example.com"),
    "Punycode": (None, "post@xn--bcher-kva.example.org"),
    "Unicode": (None, "post@müller.example.org"),
    "Arabic domain": (None, "post@XN--MGBH0FB.example.org"),
}


@pytest.fixture(scope="module")
def client(service: Service) -> Generator[httpx2.Client]:
    """A client of a workspace with an integration for each sender."""
    with service.caller(workspace="searching") as client:
        for name, sender in SENDERS.items():
            body = {"name": name, "type": "TWILIO", "channel": "SMS", "senderPhone": sender}
            assert client.post(PATH, json=body).status_code == 201
        for name, (sender, address) in EMAILS.items():
            body = {"name": name, "senderName": sender, "senderEmail": address, **EMAIL}
            assert client.post(PATH, json=body).status_code == 201
        yield client


FOUND: list[tuple[str, list[str]]] = [
    ("7700900", ["Number"]),
    ("7700 900", ["Number"]),
    ("+44 7700 900000", ["Number"]),
    ("+44 (7700) 900-000", ["Number"]),
    ("7700.900", ["Number"]),
    ("7700\u2011900", ["Number"]),
    ("７７００ ９００", ["Number"]),
    ("٧٧٠٠ ٩٠٠", ["Number"]),
    ("\u202a+44 7700 900000\u202c", ["Number"]),
    ("whatsapp:+1 415", ["WhatsApp"]),
    ("WhatsApp: 1 415", ["WhatsApp"]),
    ("+1 415 523 8886", ["WhatsApp"]),
    ("whatsapp:+44 7700 900000", ["Number"]),
    ("WhatsApp:00447700900000", ["Number"]),
    ("whatsapp:07700 900000", ["Number"]),
    ("whatsapp:+447700900001", []),
    # with the 0 that is not dialled from abroad
    ("+44 0 7700 900000", ["Number"]),
    ("+4407700900000", ["Number"]),
    ("+44 0 7700", ["Number"]),
    ("0044 0 7700 900000", ["Number"]),
    ("44 0 7700 900000", ["Number"]),
    ("whatsapp:+44 0 7700 900000", ["Number"]),
    ("+44 (0)20 7946 0555", ["With a 0"]),
    ("+44 0 20 7946 0555", ["With a 0"]),
    ("+442079460555", ["With a 0"]),
    ("442079460555", ["With a 0"]),
    ("020 7946 0555", ["With a 0"]),
    ("+1 0 415 523 8886", ["WhatsApp"]),
    ("+39 6 1234 5678", ["Roma"]),
    ("+44 00 7700 900000", []),
    ("+999 0 7700 900000", []),
    # domains in punycode, and in their own script
    ("bücher.example.org", ["Punycode"]),
    ("BÜCH", ["Punycode"]),
    ("post@bücher.example.org", ["Punycode"]),
    ("xn--bcher-kva.example.org", ["Punycode"]),
    ("xn--bch", ["Punycode"]),
    ("Post <post@xn--bcher-kva.example.org>", ["Punycode"]),
    ("müller.example.org", ["Unicode"]),
    ("xn--mller-kva.example.org", ["Unicode"]),
    ("post@XN--MLLER-KVA.example.org", ["Unicode"]),
    ("مثال", ["Arabic domain"]),
    ("xn--mgbh0fb", ["Arabic domain"]),
    ("xn--", ["Punycode", "Arabic domain"]),
    ("xn--99999999", []),
    ("415-523", ["WhatsApp"]),
    # from another country, of one country, as links and cards write it
    ("00447700900000", ["Number"]),
    ("0044 7700 900000", ["Number"]),
    ("011 44 7700 900000", ["Number"]),
    ("00 44 (0) 7700 900-000", ["Number"]),
    ("07700 900000", ["Number"]),
    ("(07700) 900.000", ["Number"]),
    ("07700", ["Number", "7700 901 (name)"]),
    ("(0)7700/900000", ["Number"]),
    ("+44 (0)7700 900000", ["Number"]),
    ("+44(0)7700900000", ["Number"]),
    ("\uff0b44 7700 900000", ["Number"]),
    ("44 7700 900000", ["Number"]),
    ("tel:+447700900000", ["Number"]),
    ("TEL: +44-7700-900000;ext=5", ["Number"]),
    ("sms:+447700900000", ["Number"]),
    ("[+44] 7700\xa0900\u2009000", ["Number"]),
    ("٠٧٧٠٠ ٩٠٠٠٠٠", ["Number"]),
    ("٠٠٤٤ ٧٧٠٠ ٩٠٠٠٠٠", ["Number"]),
    ("+٤٤ ٧٧٠٠ ٩٠٠٠٠٠", ["Number"]),
    ("001 415 523 8886", ["WhatsApp"]),
    ("06 1234 5678", ["Roma"]),
    ("050 123 4567", ["رسائل، الرياض"]),
    ("0800", ["London, 0800"]),
    ("07700 900001", []),
    ("00 12", ["London, 0800"]),
    ("00 99", []),
    # names and addresses
    ("رسائل, الرياض", ["رسائل، الرياض"]),
    ("رســائل،  الرياض", ["رسائل، الرياض"]),
    ("grosse gmbh", ["Mail"]),
    ("Größe\xa0 GmbH", ["Mail"]),
    ("Größe GmbH <A.B@example.com>", ["Mail"]),
    ('"Any, Body" <a.b@example.com>', ["Mail"]),
    ("a.b@example.com (Any Body)", ["Mail"]),
    ("mailto:a.b@example.com?subject=Hi", ["Mail"]),
    ("<a.b@example.com>;", ["Mail"]),
    ("a.b@example.com, c@example.com", []),
    ("@example.com", ["Mail", "Other mail"]),
    ("123 45", ["Short code", "London, 0800", "Roma", "رسائل، الرياض"]),
    ("1/2", []),
    ("(12)", []),
    ("7700 901", ["7700 901 (name)"]),
    ("7700 902", []),
    ("\uf8ff", ["Apple \uf8ff"]),
    ("\ue000", []),
    ("ک", ["کوچک"]),
    ("%", []),
    ("_", []),
    ("-", ["Punycode", "Arabic domain"]),
    ("()", []),
]


@pytest.mark.parametrize("past", [False, True], ids=["now", "as of"])
@pytest.mark.parametrize(("q", "expected"), FOUND)
def test_a_number_is_found_however_it_is_written(
    client: httpx2.Client, q: str, expected: list[str], *, past: bool
) -> None:
    as_of = {"asOf": "999999999"} if past else {}
    result = client.get(PATH, params={"q": q, **as_of}).json()["result"]

    assert [each["name"] for each in result["data"]] == expected
    assert result["totalCount"] == len(expected)


NOTHING = [
    ("\u0301", "NOTHING_TO_SEARCH"),
    ("\u0301\u0327", "NOTHING_TO_SEARCH"),
    ("ـ", "NOTHING_TO_SEARCH"),
    ("\u064b \u0650", "NOTHING_TO_SEARCH"),
    ("\ufe0f", "INVISIBLE_TEXT"),
    ("\u3164", "INVISIBLE_TEXT"),
    ("¨", "NOTHING_TO_SEARCH"),
    (" ", "INVISIBLE_TEXT"),
    ("\u200b", "INVISIBLE_TEXT"),
    ("\ufeff\u2060", "INVISIBLE_TEXT"),
    ("", "WRONG_LENGTH"),
]


@pytest.mark.parametrize(("q", "code"), NOTHING)
def test_a_search_for_nothing_is_refused(client: httpx2.Client, q: str, code: str) -> None:
    answer = client.get(PATH, params={"q": q})

    assert answer.status_code == 400
    (detail,) = answer.json()["result"]["details"]
    assert (detail["field"], detail["code"]) == ("q", code)
