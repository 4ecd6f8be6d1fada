"""Lists, names of campaigns and links that people write are no private keys, and random keys are.

Each generator has a fixed seed: what it makes is the same on every machine.
"""

import string
from collections.abc import Callable, Mapping
from random import Random

import pytest

from app.secrets.private_key_text import contains_private_key
from app.secrets.random_text import SCALAR
from tests.support.private_keys import base64, base64url

NAMES = (
    "Promo iPhone15Pro, GalaxyS24, Pixel8a, PS5, RTX4090, M3Max",
    "GalaxyS24 + Buds3Pro + Watch7 + TabS9FE + Fold6 + Flip6",
    "Yedek parça: A52s, S21FE, P30Lite, Mi11T, Redmi9C, Note10Pro",
    "Kampagne: i9-14900K, RTX4090, Ryzen7, B650E, DDR5, Gen4SSD",
    "WLAN6E, BT5LE, USB4Gen3, HDMI2b, DP2UHBR20, PCIe5x16",
    "AT_S2_API2_KW48_Rel24R2_Carrusel_BF26_PreProd",
    "US-Hotfix3-SMS2FA-Video15s-S2-Wk48-LGPD-UAT2-B2C-API2-ATC7d",
    "Weihnachtsmailing 01K44J4BS67BBZMFCWFR1PK7Z2",
    "01K44J4BS67BBZMFCWFR1PK7Z2: Black-Fri-Day2026",
    "Order_01ARZ3NDEKTSV4_Prod-Push-EU1_Q4, GalaxyS24/Fold6/iPadAir5 and XboxSeriesX",
)
LINKS = (
    "https://www.figma.com/file/gyJyli6V2hh2W7eDWSQZUH/Acme-Newsletter-2026?type=design",
    "https://acme.slack.com/files/UKJ5BXG7A/F9AMY8QZQOQ/Plan_SendGrid_Q4.pdf",
    "https://trello.com/c/vRY7aM1W/583-Rotar-Clave-SendGrid-ES-Q4-2026",
    "https://www.notion.so/acme/SG-EU-Push-Plan-8b119da50629c4068a1e4c3f9a521d2a",
)
PRODUCTS = """
    iPhone15Pro GalaxyS24 Pixel8a PS5 RTX4090 M3Max Buds3Pro Watch7 TabS9FE Fold6 Flip6 A52s
    S21FE P30Lite Mi11T Redmi9C Note10Pro i9-14900K Ryzen7 B650E DDR5 Gen4SSD PCIe5x16
"""
CAMPAIGNS = """
    AT DE US ES BR S2 API2 KW48 Wk48 Rel24R2 Carrusel BF26 PreProd Hotfix3 SMS2FA Video15s
    LGPD UAT2 B2C ATC7d B2B Q4 2026 v3b LAL1pct RT30d Remkt CTR3 Vid6s IGStory FBFeed Pmax
    GA4 18-34 Tpl2B IPPool2 OAuth2 PushV2 iOS17 And14 K8s EU1 Prod Stg2 RC1
"""
ALPHANUMERIC = string.ascii_letters + string.digits


def an_id(chance: Random, size: int, signs: str = "") -> str:
    return "".join(chance.choices(ALPHANUMERIC + signs, k=size))


WORDS = """
    Marketing Campaigns Production Europe Newsletter Customer Order Confirmation Invoice Password
    Reset Web Push Notification Alerts Sales Team Germany France Istanbul Black Friday Winter Summer
    Loyalty Checkout Shop Account Billing Service Gateway Transactional Welcome Birthday Survey
    Weekly Daily Digest Internal Staging Mobile App Premium Vip Partner Retail Warehouse Tracking
    Returns Support Ticket Incident Security Privacy Jackpot Quick Quiz Zoom Xbox Jazz Kiwi
"""
ACRONYMS = "SMS API EU US UK DE AT CH FCM VAPID OTP CRM HR IT QA UAT B2B B2C iOS"


def camel_case(chance: Random, words: str) -> str:
    """Return a name of 43 letters and digits, as long as a key."""
    while True:
        name = "".join(chance.choices(words.split(), k=chance.randint(4, 10)))
        if len(name) == SCALAR:
            return name


LISTS: Mapping[str, Callable[[Random], str]] = {
    "six products": lambda chance: chance.choice((", ", " ", " + ", "/", " / ", " · ")).join(
        chance.sample(PRODUCTS.split(), 6)
    ),
    "many products": lambda chance: chance.choice((", ", " ", "-", "_", "|")).join(
        chance.sample(PRODUCTS.split(), chance.randint(4, 12))
    ),
    "a campaign": lambda chance: chance.choice("-_").join(
        chance.sample(CAMPAIGNS.split(), chance.randint(6, 14))
    ),
    "a campaign in columns": lambda chance: chance.choice((" | ", "/", ".", " ")).join(
        chance.sample(CAMPAIGNS.split(), chance.randint(6, 14))
    ),
    "a file at Google": lambda chance: (
        f"https://drive.google.com/file/d/{an_id(chance, 33, '-_')}/view"
    ),
    "a folder at Google": lambda chance: (
        f"https://drive.google.com/drive/u/0/folders/{an_id(chance, 33, '-_')}"
    ),
    "a folder without a scheme": lambda chance: (
        f"see drive.google.com/drive/u/0/folders/{an_id(chance, 33, '-_')}?usp=sharing"
    ),
    "a sheet without a scheme": lambda chance: (
        f"docs.google.com/spreadsheets/d/1{an_id(chance, 43, '-_')}/edit"
    ),
    "a folder at Dropbox": lambda chance: (
        f"https://www.dropbox.com/sh/{an_id(chance, 15)}/AA{an_id(chance, 23, '-_')}?dl=0"
    ),
    "a design": lambda chance: (
        f"https://www.figma.com/file/{an_id(chance, 22)}/Acme-Newsletter-2026?type=design"
    ),
    "a file in a chat": lambda chance: (
        f"https://acme.slack.com/files/U{an_id(chance, 8).upper()}/F{an_id(chance, 10).upper()}"
        "/Plan_SendGrid_Q4.pdf"
    ),
    "a bucket": lambda chance: f"s3://acme-Push/{an_id(chance, 12)}/{an_id(chance, 18)}/a",
}


CAMEL_CASE: Mapping[str, Callable[[Random], str]] = {
    "words": lambda chance: camel_case(chance, WORDS),
    "small at the beginning": lambda chance: (
        camel_case(chance, WORDS)[0].lower() + camel_case(chance, WORDS)[1:]
    ),
    "acronyms": lambda chance: camel_case(chance, f"{WORDS} {WORDS} {ACRONYMS}"),
    "a version": lambda chance: f"{camel_case(chance, WORDS)[:-2]}V{chance.randint(1, 9)}",
    "accents": lambda chance: camel_case(chance, WORDS).replace("o", "ö").replace("e", "é"),
    "two": lambda chance: f"{camel_case(chance, WORDS)}_{camel_case(chance, WORDS)}",
}


@pytest.mark.parametrize("make", CAMEL_CASE.values(), ids=CAMEL_CASE)
def test_of_names_in_camel_case_few_in_a_thousand_are_a_private_key(
    make: Callable[[Random], str],
) -> None:
    chance = Random(5)  # noqa: S311 — no secret
    texts = [make(chance) for _ in range(1_000)]
    assert sum(map(contains_private_key, texts)) <= 4


@pytest.mark.parametrize("text", [*NAMES, *LINKS])
def test_a_list_a_name_or_a_link_is_no_private_key(text: str) -> None:
    assert not contains_private_key(text)
    assert not contains_private_key(f"{text} (old)")


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_of_random_lists_and_links_none_is_a_private_key(make: Callable[[Random], str]) -> None:
    chance = Random(2)  # noqa: S311 — no secret
    texts = [make(chance) for _ in range(2_000)]
    assert [text for text in texts if contains_private_key(text)] == []


FORMS: Mapping[str, Callable[[str], str]] = {
    "alone": lambda key: key,
    "before an accent": lambda key: f"{key}é",
    "behind an accent": lambda key: f"Clé{key}",
    "in Arabic": lambda key: f"مفتاح{key}",
    "in a name": lambda key: f"Push of {key}, old",
    "behind a word": lambda key: f"vapid_{key}",
    "in a link": lambda key: f"push.example.com/a/{key.replace('/', '_')}?a=b",
    "cut at 20": lambda key: f"{key[:20]}\n{key[20:]}",
    "cut at 32": lambda key: f"{key[:32]} {key[32:]}",
}


@pytest.mark.parametrize("write", FORMS.values(), ids=FORMS)
def test_of_random_keys_few_in_a_thousand_are_no_private_key(write: Callable[[str], str]) -> None:
    chance = Random(3)  # noqa: S311 — no secret
    spellings = [spell(chance.randbytes(32)) for _ in range(500) for spell in (base64, base64url)]
    texts = [write(key.rstrip("=")) for key in spellings]
    assert sum(not contains_private_key(text) for text in texts) <= 5
