"""Ordinary texts, which must not be taken for private keys: names, addresses, lists."""

from random import Random
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.secrets.private_key_text import contains_private_key
from tests.support.private_keys import PUBLIC_SPELLINGS, SPELLINGS, make_key

KEY = make_key(1)
PRIVATE = SPELLINGS["base64url"](KEY)
POINT = PUBLIC_SPELLINGS["base64url"](KEY)
Z = "0" * 32
MAILBOXES = (  # of replies and bounces, whose names are random and no 43 characters long
    "Zk3Pq9XwT1vB7nMd5RcY2LhG8sJf4KaQ6uEi0oWxC1bV3nM9",
    "reply+Zk3Pq9XwT1vB7nMd5RcY2LhG8sJf4KaQ6uEi0oWxC1b",
    "bounces.u12_Zk3Pq9XwT1vB7nMd5RcY2-LhG8sJf4KaQ6uEi0oWxC1bV3nM9zQ",
    "Zk3Pq9XwT1vB7nMd5RcY2LhG",
)


@pytest.mark.parametrize("mailbox", MAILBOXES)
def test_a_mailbox_with_a_random_name_is_no_private_key(mailbox: str) -> None:
    assert not contains_private_key(f"mailto:{mailbox}@mail.example.com?subject=Push")


PAGES = {
    "a document": "https://docs.google.com/document/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit",
    "a file by its content": "https://ipfs.io/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKPbdG",
    "a base": "https://airtable.example/appA1b2C3d4E5f6G7/tblH8i9J0k1L2m3N4/viwO5p6Q7r8S9t0U1",
    "a video": "https://video.example/watch?v=dQw4w9WgXcQ&list=PLa1B2c3D4e5F6g7H8&t=42s",
    "a channel": "https://app.chat.example/client/T01ABCDEF12/C02GHIJKL34/p1732881234567899",
    "a ticket": "https://jira.example.com/browse/OPS-1234?focusedId=98765#comment-98765",
    "a slug": "https://blog.example.com/2025/11/29/how-to-send-web-push-in-2025-with-v2-of-our-api",
    "a wiki": "https://wiki.example.com/x/HR-IT-Ops_Alerts_SMS_UK+IE_2025-Q4_Twilio_Prod_v3",
    "a channel of Teams": "https://teams.example/l/channel/19%3A7QAuEf96Lb02eAbOJDdCRe7TvcycDj8wFSHJY_r_6Ie1%40thread.tacv2/General",
    "a file behind a number": "https://1drv.example/w/c/8b119da50629c406/E0OxI7w5PbhCVHfoZvf2PhvLKqhhq0GkRWNp1E4pcKRk-2",
    "a file behind a UUID": "https://files.example/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/E0OxI7w5PbhCVHfoZvf2PhvLKqhhq0GkRWNp1E4pcKRk-2",
    "two UUIDs": "https://a.example/f81d4fae-7dec-11d0-a765-00a0c91e6bf6/0b4f4dc6-8a1e-4c3f-9a52-1d2a7d5e9b10",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_the_address_of_a_page_is_no_private_key(page: str) -> None:
    assert not contains_private_key(page)


def test_two_uuids_are_no_private_key() -> None:
    assert not contains_private_key(
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6-0b4f4dc6-8a1e-4c3f-9a52-1d2a7d5e9b10"
    )


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
    "dates": ", ".join(f"2025-12-{day}" for day in range(20, 30)),
    "phone numbers": ", ".join(f"+49 151 1234567{digit}" for digit in range(6)),
    "branches": ", ".join(map(str, range(1001, 1021))),
    "a form": f"see https://docs.example/forms/d/e/1FAIpQLSd{PRIVATE}vT9cW/viewform, please",
    "phone numbers of one length": ",".join(str(49_151_000_000 + n * 7919 % 997) for n in range(7)),
    "branches in one line": ",".join(map(str, range(1001, 1020))),
    "bytes of a name": repr("Новые клиенты".encode()),
    "bytes of a name, Latin": repr("Bücher für Köln".encode("latin-1")),
    "a query": f"https://push.example/?q={quote('Привет, новые клиенты!')}",
    "a path and a public key": f"https://a.example/marketing-campaigns-production-eu-west-1-v2/{POINT}",
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
    "eBay-UK-iOS-B2C-SMS-OTP-2FA-Prod-EU-West-1-Q4",
    "BMW-X5-M3-i8-iX-DE-AT-CH-CRM-SMS-B2C-Prod-2025-Q4",
    "iOS_iPadOS_macOS_tvOS_WebPush_VAPID_B2C_EU_Prod1",
    "US-EU-LinkedIn-iOS-B2C-Twilio-Q4-eBay-IT-AG-OTP-02",
    "eBay.de App DE/AT/CH iOS 10 SendGrid IT B2B B2C Q4",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_name_of_words_is_no_private_key(name: str) -> None:
    assert not contains_private_key(name)
    assert not contains_private_key(f"{name} (old)")


def test_a_name_with_a_key_in_it_is_found() -> None:
    assert all(contains_private_key(f"{name}_{PRIVATE}") for name in NAMES)


WORDS_OF_NAMES = """
    eBay iOS iPadOS macOS tvOS watchOS WebPush VAPID LinkedIn Twilio SendGrid GmbH McDonalds PayPal
    YouTube WhatsApp FCM APNs TikTok DHL BMW IKEA H&M SAP OAuth2 GitHub JIRA Vonage ElasticEmail K8s
    mTLS eSIM AT&T O2 T-Mobile A1 3M X5 i8 iX M3 EU US UK DE AT CH FR IT TR APAC DACH EU-West-1 NYC
    us-east-1 Berlin Prod Staging Test QA UAT Live B2B B2C SMS E-Mail Push OTP 2FA CRM HR IT Ops Q4
    Alerts Newsletter Transactional Checkout Orders Login Invoice Loyalty Shop Kampagne Rechnung Key
    v1 v2.1 2025-Q4 KW48 H1 FY26 01 42 24h r2 RC1 S3 Tier1 Pool2 2025-11-29 1.28.3 Q4/2025 4711
"""


def name_of(words: Random) -> str:
    """Return a name of 6 to 20 words, with one or two signs between them."""
    signs = words.choice(("-", "_", " ", ".", "/", "_-", " -", "+-_", " &", "-_.", " |"))
    given = words.choices(WORDS_OF_NAMES.split(), k=words.randint(6, 20))
    return "".join(f"{word}{words.choice(signs)}" for word in given)[:120]


def test_of_names_of_many_short_words_few_in_a_thousand_are_refused() -> None:
    words = Random(1)  # noqa: S311 — no secret
    names = [name_of(words) for _ in range(2_000)]
    assert sum(map(contains_private_key, names)) <= 4


WORDS = ("web", "Push", "sms", "EU", "2", "news-letter", "Example", "prod", "v1", "GmbH")


@given(st.lists(st.sampled_from(WORDS)))
def test_words_are_no_private_key(words: list[str]) -> None:
    assert not contains_private_key(" ".join(words))
    assert not contains_private_key("-".join(words).lower())
