"""Private keys in texts, in every usual spelling, and what must not be taken for one."""

import hashlib
import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.private_key_text import contains_private_key
from tests.support.private_keys import (
    PUBLIC_SPELLINGS,
    SPELLINGS,
    SURROUNDINGS,
    Spelling,
    make_key,
)
from tests.support.thread_time import least_quiet_ms

KEY = make_key(1)
PRIVATE = SPELLINGS["base64url"](KEY)
NOT_DIRECTLY = [name for name in SURROUNDINGS if not name.startswith("directly")]


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_private_key_is_found_in_each_spelling(spelling: Spelling) -> None:
    assert contains_private_key(spelling(KEY))
    assert contains_private_key(spelling(KEY), is_key=True)


@given(st.sampled_from([*SPELLINGS]), st.sampled_from([*SURROUNDINGS]), st.integers(0, 500))
def test_a_private_key_is_found_whatever_stands_around_it(
    spelling: str, surroundings: str, number: int
) -> None:
    text = SURROUNDINGS[surroundings](SPELLINGS[spelling](make_key(number)))
    assert contains_private_key(text)


@pytest.mark.parametrize("spelling", PUBLIC_SPELLINGS.values(), ids=PUBLIC_SPELLINGS)
@given(st.sampled_from(NOT_DIRECTLY), st.integers(0, 500))
def test_a_public_key_is_no_private_one(spelling: Spelling, surroundings: str, number: int) -> None:
    text = SURROUNDINGS[surroundings](spelling(make_key(number)))
    assert not contains_private_key(text, is_key=True)


SEPARATORS = (
    *"|,;.:*~·•…・/+_-",
    *"\u2010\u2011\u2012\u2013\u2014\u2015\u2212",
    *"\u00ad\u200b\u200d\u2060\ufe0f\ufeff",  # nothing of them is seen
    *"\u3164\uffa0\u115f\u2800",  # nor of these, which are letters or symbols
    *"\u0301\u0336\u20dd",  # marks on the character before
    *(" ", ", ", " | ", "  \u2022  "),
)


def in_pieces(key: str, size: int, separator: str) -> str:
    return separator.join(key[at : at + size] for at in range(0, len(key), size))


@pytest.mark.parametrize("spelling", ["base64url", "hexadecimal", "PKCS#8 base64"])
@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
def test_a_private_key_in_pieces_is_found(separator: str, spelling: str) -> None:
    sizes = (1, 2, 3, 4, 8, 11, 22)
    missed = [
        (number, size)
        for number in range(20)
        for size in sizes
        if not contains_private_key(
            in_pieces(SPELLINGS[spelling](make_key(number)), size, separator)
        )
    ]
    assert missed == []


def test_of_random_keys_few_in_a_thousand_are_missed() -> None:
    keys = [SPELLINGS["base64url"](make_key(number)) for number in range(2_000)]
    for text in ("{}", "our {}, please keep", "key{}", "{}key", "https://example.com/{}?a=b"):
        assert sum(not contains_private_key(text.format(key)) for key in keys) <= 6


@pytest.mark.parametrize("separator", SEPARATORS, ids=ascii)
def test_a_private_key_in_single_characters_is_found(separator: str) -> None:
    assert contains_private_key(separator.join(PRIVATE))
    assert contains_private_key(separator.join(SCALAR.hex()))


POINT = PUBLIC_SPELLINGS["base64url"](KEY)
SCALAR = urlsafe_b64decode(f"{PRIVATE}=")
HEXADECIMAL = SCALAR.hex()


@pytest.mark.parametrize(
    "secret",
    [
        POINT + PRIVATE,
        urlsafe_b64encode(PRIVATE.encode()).decode().rstrip("="),
        urlsafe_b64encode(f'{{"privateKey":"{PRIVATE}"}}'.encode()).decode(),
        urlsafe_b64encode(SPELLINGS["PEM"](KEY).encode()).decode(),
    ],
    ids=["behind a public key", "base64 once more", "in JSON, in base64", "PEM, in base64"],
)
@pytest.mark.parametrize("address", ["https://push.example/{}", "https://push.example/a?k={}#b"])
def test_a_private_key_is_found_in_an_address(secret: str, address: str) -> None:
    assert contains_private_key(address.format(secret))


@pytest.mark.parametrize("sign", ".,;:~!*_-+/=")
@pytest.mark.parametrize("address", ["https://push.example/{}", "https://push.example/a?k={}#b"])
def test_a_private_key_in_pieces_is_found_in_an_address(address: str, sign: str) -> None:
    missed = [
        (number, size)
        for number in range(40)
        for size in (1, 2, 3, 4, 8)
        if not contains_private_key(
            address.format(in_pieces(SPELLINGS["base64url"](make_key(number)), size, sign))
        )
    ]
    assert missed == []


@pytest.mark.parametrize("form", ["{}x", "_{}", "{}7", "k{}k", "x{}&b=c", "{}0#now", "-{}-"])
def test_a_private_key_in_an_address_may_have_one_character_more(form: str) -> None:
    keys = [SPELLINGS["base64url"](make_key(number)) for number in range(200)]
    missed = [
        key for key in keys if not contains_private_key(f"https://a.example/{form.format(key)}")
    ]
    assert all(key.startswith("1") for key in missed)


PAGES = {
    "a document": "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "a file by its content": "https://ipfs.io/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG",
    "a base": "https://airtable.example/appA1b2C3d4E5f6G7/tblH8i9J0k1L2m3N4/viwO5p6Q7r8S9t0U1",
    "a video": "https://video.example/watch?v=dQw4w9WgXcQ&list=PLa1B2c3D4e5F6g7H8&t=42s",
    "a channel": "https://app.chat.example/client/T01ABCDEF12/C02GHIJKL34/p1732881234567899",
    "a ticket": "https://jira.example.com/browse/OPS-1234?focusedId=98765#comment-98765",
    "a slug": "https://blog.example.com/2025/11/29/how-to-send-web-push-in-2025-with-v2-of-our-api",
    "a wiki": "https://wiki.example.com/x/HR-IT-Ops_Alerts_SMS_UK+IE_2025-Q4_Twilio_Prod_v3",
    "two UUIDs": "https://a.example/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/0b4f4dc6-8a1e-4c3f-9a52-1d2a7d5e9b10",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_address_of_a_page_is_no_private_key(page: str) -> None:
    assert not contains_private_key(page)


@pytest.mark.parametrize(
    "text", ["PuTTY-User-Key-File-3: ssh-ed25519", "age: AGE-SECRET-KEY-1QQPZRY9X8GF2TVDW0S3JN54KH"]
)
def test_private_keys_of_other_tools_are_found(text: str) -> None:
    assert contains_private_key(text)
    assert not contains_private_key("Our PuTTY and age-secret-key accounts")


@pytest.mark.parametrize("at", [20, 43, 44, 60])
def test_a_public_key_with_a_space_in_it_is_no_private_one(at: int) -> None:
    assert not contains_private_key(f"{POINT[:at]} {POINT[at:]}", is_key=True)


def test_a_public_jwk_is_no_private_key_and_a_private_one_is() -> None:
    x, y = PRIVATE, PRIVATE[::-1]
    public = f'{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"'

    assert not contains_private_key(f"{public}}}", is_key=True)
    assert contains_private_key(f'{public},"d":"{PRIVATE}"}}', is_key=True)


@pytest.mark.parametrize("lost", [1, 5, 10])
def test_a_public_key_without_its_end_is_no_private_one(lost: int) -> None:
    assert not contains_private_key(POINT[:-lost], is_key=True)


@pytest.mark.parametrize(
    "text",
    [
        *(POINT[:kept] + PRIVATE for kept in (22, 60, 80, 86, 87)),
        f"{POINT[:80]}{PRIVATE}@example.com",
        *(start + HEXADECIMAL[2:].upper() for start in ("BA", "BE", "BF", "AE")),
        *(SCALAR.hex(separator).upper() for separator in "-._:"),
        *(SCALAR.hex("-", 8), SCALAR.hex(".", 4)),
        "302e020100300506032b657004220420" + HEXADECIMAL,
    ],
)
def test_a_private_key_is_found_in_what_looks_like_another(text: str) -> None:
    assert contains_private_key(text)
    assert contains_private_key(text, is_key=True)


def test_two_uuids_are_no_private_key() -> None:
    assert not contains_private_key(
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6-0b4f4dc6-8a1e-4c3f-9a52-1d2a7d5e9b10"
    )


OTHER_KEYS = {
    "Ed25519": ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
    "P-384": ec.derive_private_key(2**380 + 7, ec.SECP384R1()),
    "RSA": rsa.generate_private_key(65_537, 1_024),  # noqa: S505 — short, so that it is quick
}


@pytest.mark.parametrize("key", OTHER_KEYS.values(), ids=OTHER_KEYS)
@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_private_keys_of_other_kinds_are_found(key: rsa.RSAPrivateKey, encoding: Encoding) -> None:
    raw = key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())
    text = raw.decode() if encoding is Encoding.PEM else b64encode(raw).decode()
    assert contains_private_key(text)
    assert contains_private_key(text.removeprefix("-----BEGIN PRIVATE KEY-----\n"))


Z = "0" * 32
ORDINARY = {
    "a word": "Production",
    "a sentence": "The push messages of our shop in Istanbul, Berlin and São Paulo since 2025",
    "about keys": "My private key service, with a begin and an end: key of the private client",
    "about keys, with hyphens": "Front-end private key - of the back-end private key-value store",
    "43 small letters": "x" * 43,
    "43 capital letters": "X" * 43,
    "43 letters, words": "MarketingCampaignsProductionEuropeNewslett",
    "43 characters, hyphens": "marketing-campaigns-production-eu-west-1-v2",
    "43 characters, capitals": "Example-Company-Newsletter-Production-East1",
    "43 characters, underscores": "SendGrid_EU_Marketing_Newsletter_Production",
    "43 characters, MD5": "production-d41d8cd98f00b204e9800998ecf8427e",
    "a long slug": "sendgrid-integration-of-the-marketing-department-in-europe-for-2026-v2",
    "an id of ours": "sendgrid-integration-int_01h455vb4pex5vsknk084sn02q",
    "UUID": "550e8400-e29b-41d4-a716-446655440000",
    "UUID in a name": "Integration 550e8400-e29b-41d4-a716-446655440000 production",
    "UUID directly behind": "integration-550e8400-e29b-41d4-a716-446655440000",
    "SHA-1": "release-da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "Twilio account": f"AC{Z}",
    "Twilio account, real": "ACd41d8cd98f00b204e9800998ecf8427e",
    "Twilio API key": "SKd41d8cd98f00b204e9800998ecf8427e",
    "Twilio service": f"MG{Z}",
    "phone number": "+905551234567",
    "email": "marketing-campaigns.newsletter+bounces@mail.production.example.com",
    "address of a page": "https://www.example.com/en/company/Contact/Support/web-push/v2?from=1",
    "no Latin": "إشعارات المتجر الإلكتروني لجميع العملاء في المملكة العربية السعودية 2026",
    "emoji": "👩‍👩‍👧‍👦 family newsletter 👩‍👩‍👧‍👦 of the whole production region",
    "shortened examples": "BHn... and SG.abc123... and your_twilio_auth_token",
    "a key's id between words": "Notifications KwPxQ3N1RkmXy7zT2aVbLg production-eu-west-1 OAuth2",
    "a key of another kind": "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY key of Google",
    "CamelCase and digits": "app/GCM/MyCompanyPushAppProductionV2-EU1 for Android, iOS 17 and Web",
    "short words": "iPhone/iPad/Android Push: B2B & B2C, Q4/2026 Kampagne DE1/AT2/CH3",
    "addresses": "10.1.0.1, 10.1.0.2, 10.0.0.1, 10.0.0.2, 10.0.0.3, 8.8.8.8, 1.1.1.1, 9.9.9.9",
    "numbers": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22",
    "a form": f"see https://docs.example/forms/d/e/1FAIpQLSd{PRIVATE}vT9cW/viewform, please",
    "JSON": '{"name": "d", "d": "short"}',
    "CamelCase with a year": "WebPushNotificationsForTheNewCustomerPortal2025Q4",
    "CamelCase with a version": "ProdEmailSenderForOrderConfirmationAndInvoicesV2",
    "CamelCase with a region": "TwilioSmsSenderForTwoFactorAuthenticationProdEU1",
    "CamelCase with umlauts": "KampagnenVersandFürÖsterreichUndDieSchweiz2025Q4",
    "words with dots": "Acme.Prod.EU.SendGrid.Transactional.Mail.B2C.Shop.DE",
}


@pytest.mark.parametrize("text", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_text_is_no_private_key(text: str) -> None:
    assert not contains_private_key(text)


# Long names of campaigns, teams and keys, as people in companies give them.
NAMES = (
    "HR-IT-Ops_Alerts_SMS_UK+IE_2025-Q4_Twilio_Prod_v3",
    "ACME_EU-Central-1_SendGrid_Transactional-Mail_B2C_2026-Q1_v2",
    "Black-Friday_2025_Push+SMS_DE-AT-CH_iOS+Android_A/B-Test_v4",
    "2025-12-01_XMAS_Promo_EN-US_Segment-A1_Email_SendGrid_Prod",
    "NL_Weekly-Digest_KW48_2025_DACH_HTML+Text_v1.2_final_FINAL2",
    "Prod.EU-West-1.Notification-Service.Twilio.SMS.OTP.v3.2025-Q3",
    "CRM_Winback-30d_60d_90d_SMS_FR+BE+LU_Twilio_MG-Pool2_Live",
    "IT-Helpdesk_PagerDuty-Oncall_SMS+Voice_UK1_Backup_2026-H1",
    "Kampagne_Frühling-2026_Österreich_SMS_Push_Newsletter_Q2_V3",
    "Campaña_Navidad-2025_ES-MX_Correo+SMS_Clientes-VIP_Nivel2_v5",
    "Sendgrid-Sub-User_Team-42_Marketing-Ops_US-East-2_2025-Q4_B",
    "OTP_2FA-Login_SMS_Twilio_Verify_TR-IST_Prod-DC1_v2025.11.3",
    "Order-Confirmation_B2B-Portal_DE+AT_ElasticEmail_Smtp2_Prod_v7",
    "WhatsApp-Business_API_Support-Tier1_LATAM_BR-PT_2025Q4_Twilio",
    "iOS18-WebPush_VAPID_News-Alerts_EU-GDPR_Prod-K8s-Cluster3_v2",
    "FCM_Android-App_v12.4.1_Release-Candidate2_Firebase-Prod-EU1",
    "Salesforce-MC_Journey-7_Re-Engagement_SMS_US+CA_Q1-FY26_v3",
    "QA-Env_Staging2_Twilio-Test-Creds_Do-Not-Use_Jira-OPS-1234",
    "Alert-Manager_P1-P2_SRE-Oncall_SMS_Follow-The-Sun_APAC-EMEA",
    "Loyalty-Club_Gold+Platinum_Birthday-SMS_SE-NO-DK-FI_2026_v1",
    "GmbH&Co.KG_Rechnungs-Versand_SendGrid_EU2_Prod-2025-Q4_V1.3",
    "Team-Rocket_Growth-Hack_2025W48_Push_AB-Test-B_iOS-Only_v9",
    "MSFT-Teams-Bridge_SMS2Chat_Ops_UK-South_Azure-Prod01_v4.2",
    "EMEA_Retail-POS_e-Receipts_SendGrid-IP-Pool-3_Prod-2026Q1",
    "Vonage_Nexmo-Legacy_Migration_2025-Q4_SMS_ZA+NG+KE_Phase2_v1",
    "DR-Site_Failover_Twilio-IE1_SMS-OTP_Bank-Core_2025-H2_Rev3",
    "CustSuccess_NPS-Survey_Q4'25_Email-Wave2_NA-EN_SendGrid_v2",
    "Hotel_Check-In-Reminder_T-24h_SMS_IT-EN-DE_Twilio_PMS3_Prod",
    "Uni_Erstsemester_WS2025-26_E-Mail_SendGrid_HRZ-Team2_Prod_v1",
    "McDonalds-AU_McCafe_App-Push_FCM_2025-Q4_Geo-Fence-R3_v11",
    "eCommerce_AbandonedCart_1h-24h-72h_SMS+Email_UK_Klaviyo2SG_v3",
    "PROD-us-east-1-SendGrid-TransactionalEmail-PasswordReset-v2-2025Q4",
    "BFCM25_EarlyAccess_VIP-Tier1_SMS-US_ShortCode-12345_Twilio_v2",
    "Lead-Gen_LinkedIn-Ads_MQL2SQL_Nurture_EN-DE_2025-Q4_SG-Sub7",
    "Q4-2025/SMS/DE+AT+CH/Twilio/MG-Pool-A1/Prod-v3/HR-Alerts-2FA",
    "[PROD] HR-IT_Ops (UK+IE) \u2013 SMS/Twilio \u2013 2025-Q4 \u2013 v3 \u2013 do not delete",
    "Newsletter-Team_KPI-Dash_A1-B2-C3_Test-Run_EU-1_SMS_2025-Q3",
    "API-Key-Rotation_2025-11-29T13:45:00Z_SendGrid-EU_Prod-Cluster-B4",
    "OPS_k8s-prod-eu1_argo-cd_SMS-alerts_PagerDuty2Twilio_v1.28.3",
    "Müller+Söhne_B2B-Shop_Versandbestätigung_E-Mail_SG-EU_v2_2026",
    "FY25Q1_NA-West_SMS+MMS_Twilio-10DLC_HR-OpsTeam_v2.1-RC1",
    "K8s-Prod_EU1_i18n-E2E-Tests_SMS_OTP_2025Q4_Twilio_OAuth2_B",
    "Ops_20251129T1345Z_SMS_UK+IE_MG-Pool-A1_Prod-B4_v3.1b_Twilio",
    "CI-CD_Build-4711_iOS18.2b3_FCM+APNs_Push_EU-W1_Stage2-QA_r12",
    "S3-Backup_Alerts_SMS_On-Call-L1+L2_UTC+2_EU-C1_2026-KW03_v5a",
    "Black_Week_2025_T-7_T-3_T-0_SMS_IT+ES+PT_AB1-AB2_Twilio_MG3",
    "ISO27001-Audit_2FA+SSO_SMS-Fallback_EU-DC2_2025H2_Rev-C_Prod3",
    "Tele2_KZ_SMS_OTP_Bank24_v3_2025Q4_UAT2-Prod1_Twilio+Nexmo_R5",
    "A1-Telekom_AT_B2C-SMS_Rechnung_12-2025_MVNO-Y3_Twilio-MG1_v2",
    "O2-DE_Prepaid_TopUp-Reminder_SMS_d-3_d-1_d0_2025Q4_Twilio_v1.4",
    "H&M_SE_SS26_Drop-3_Push+SMS_M25-34_F18-24_AppV9_FCM-Prod1",
    "EDEKA_KW49-25_DE-BY_Newsletter_v1-final2_SG-EU_IP-Pool2_MKT",
    "DHL-Paket_Status_P1-P5_SMS_DE+NL+BE_Twilio-IE1_2025.12_Rel-7b",
    "NHS-111_Vaccine_Booster_SMS_65plus_Wave-3B_UK-EN_2025Q4_GovN1",
    "Covid19_PCR-Result_SMS_T24-48h_IT-LOM_ASL-Mi1_Twilio_v2.0.1",
    "RnD-Lab7_IoT-Sensor_SMS_Alert_TEMP-80C_EU868-LoRa_GW12_v3b",
    "4G-5G_Upsell_SMS_DK-NO_NPS-9-10_Q1-26_MVNE2_Twilio-MG-B_v1",
    "RMA-Ticket_Zendesk2SMS_L2-Supp_APAC-SG1-JP2_2025w50_TwilioSub4",
    "C-Suite_KPI-Alert_SMS_MD+CFO_D-1-EOD_2025_LDN-NYC-HKG_v2.Final",
    "Fußball-EM_2028_Tickets_SMS_Phase-1A_DE-EN-FR_UEFA-CRM3_v1",
    "GTM-ABC123_GA4-UA-Switch_Push_Web_VAPID-Key2_Shop-DE1_2025",
    "EU-GDPR_Art13-14_Info-Mail_B2B+B2C_2025-Q4_SG-Tpl-d12_Prod_v6",
    "Kunde-4711_Mandant-0815_SMS-Gateway_SAP-R3-PRD_100-DE_2025Q4",
    "JIRA-ABC-123_PR-456_HotFix-7_SMS_Dup-Send_UK1_2025-11-29_r2",
    "Mkt_Q4-25_Prsp_SMS_Seg-17B_DMA-501_NYC-NJ_MT-MO_LC-TF_v3.2",
    "LAN-Party_2025_Orga-SMS_Team-A1-B7_C4-D9_Twilio_Trial-Acc_v1",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_name_of_words_is_no_private_key(name: str) -> None:
    assert not contains_private_key(name)
    assert not contains_private_key(f"{name} (old)")


def test_a_name_with_a_key_in_it_is_found() -> None:
    assert all(contains_private_key(f"{name}_{PRIVATE}") for name in NAMES)


WORDS = ("web", "Push", "sms", "EU", "2", "news-letter", "Example", "prod", "v1", "GmbH")


@given(st.lists(st.sampled_from(WORDS)))
def test_words_are_no_private_key(words: list[str]) -> None:
    assert not contains_private_key(" ".join(words))
    assert not contains_private_key("-".join(words).lower())


def test_hexadecimal_of_32_bytes_is_a_key_though_it_may_be_a_hash() -> None:
    assert contains_private_key(hashlib.sha256(b"a name").hexdigest())
    assert not contains_private_key(hashlib.sha256(b"a name").hexdigest()[:-1])


@pytest.mark.parametrize("text", ["A" * 43, "marketing-campaigns-production-eu-west-1-v2"])
def test_a_field_for_a_key_may_not_hold_43_characters_at_all(text: str) -> None:
    assert contains_private_key(text, is_key=True)
    assert not contains_private_key(text)


@pytest.mark.parametrize(
    "text",
    [f"{'x' * 43}=", f'{{"kty": "EC", "d": "{"x" * 43}"}}', f"MIIEpAIBAAKC{'x' * 60}"],
    ids=["padded", "JWK", "DER"],
)
def test_a_form_that_only_keys_have_needs_no_randomness(text: str) -> None:
    assert contains_private_key(text)
    assert not contains_private_key("x" * 43)


def test_known_keys_are_passed_over() -> None:
    key = f"SG.{PRIVATE[:22]}.{PRIVATE}"
    known = re.compile(r"SG\.[\w-]{22}\.[\w-]{43}")
    assert not contains_private_key(f"our {key}", known=known)
    assert contains_private_key(f"our {key} {PRIVATE}", known=known)
    assert contains_private_key(key)


@pytest.mark.parametrize(
    "unit", ["-BEGIN ", "PRIVATE ", "{d:", "0x", "00:", "A", "aA1", " \\n", "ab-", "1, "]
)
def test_a_hostile_text_takes_no_time(unit: str) -> None:
    text = (unit * 600)[:600]
    assert least_quiet_ms(lambda: contains_private_key(text, is_key=True), enough=20) <= 20


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    assert contains_private_key(text) in (True, False)
