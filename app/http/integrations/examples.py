"""Bodies by title, as the OpenAPI document shows them."""

from collections.abc import Mapping

CREATE_EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "SendGrid": {
        "name": "SendGrid Production",
        "type": "SENDGRID",
        "channel": "EMAIL",
        "apiKey": "SG.abc123...",
        "senderEmail": "noreply@example.com",
        "senderName": "Example Brand",
    },
    "Elastic Email": {
        "name": "Elastic Email",
        "type": "ELASTIC_EMAIL",
        "channel": "EMAIL",
        "apiKey": "EE-abc123...",
        "senderEmail": "campaigns@example.com",
        "senderName": "Example Campaigns",
    },
    "Web Push VAPID": {
        "name": "Web Push VAPID Keys",
        "type": "WEB_PUSH",
        "channel": "PUSH",
        "vapidPublicKey": "BHn...",
        "vapidPrivateKey": "abc123...",
    },
    "Twilio SMS": {
        "name": "Twilio SMS",
        "type": "TWILIO",
        "channel": "SMS",
        "apiKey": "ACabc123...",
        "apiSecret": "your_twilio_auth_token",
        "senderPhone": "+1234567890",
    },
}
UPDATE_EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "Another sender": {"senderEmail": "news@example.com", "senderName": "Example News"},
    "No sender name": {"senderName": None},
}
TOGGLE_EXAMPLES: Mapping[str, Mapping[str, object]] = {
    "Off": {"isActive": False},
    "On": {"isActive": True},
}
CREDENTIALS_EXAMPLES: Mapping[str, Mapping[str, object]] = {"A new key": {"apiKey": "SG.abc123..."}}
