"""Samples of responses, parameters and dates for the OpenAPI document; none is or holds a secret.

A sample of a response follows from its schema: here stands only what values look like. A new
endpoint needs an entry if its patterns are new.
"""

from collections.abc import Mapping
from typing import Any, cast

Json = dict[str, Any]
ID = "int_01jmh5vkw8e9r9p0x2m4k6t8wa"
CHECKPOINT = f"integrations/demo\n3\n{'A' * 43}=\n\n\N{EM DASH} integrations+0a1b2c3d {'A' * 92}\n"
# By the property's name, alone or behind that of its schema; null if another sample would do.
VALUES: Mapping[str, object] = {
    "id": ID,
    "integrationId": ID,
    "resourceId": ID,
    "HistoryEntryObject.id": f"{ID}:1",
    "name": "SendGrid Production",
    "resourceName": "SendGrid Production",
    "type": "SENDGRID",
    "channel": "EMAIL",
    "isActive": True,
    "senderEmail": "noreply@example.com",
    "senderName": "Example Brand",
    "senderPhone": None,
    "vapidPublicKey": None,
    "workspaceId": "demo",
    "createdAt": "2025-02-20T09:00:00.000Z",
    "updatedAt": "2025-02-20T09:00:00.000Z",
    "setAt": "2025-02-20T09:00:00.000Z",
    "checkedAt": "2025-02-20T09:05:00.000Z",
    "expiresAt": "2025-02-20T09:10:00.000Z",
    "chosenAt": "2025-02-20T09:00:00.000Z",
    "Actor.id": "user-1",
    "Actor.name": "Ann",
    "email": "ann@example.com",
    "AccessActor.id": "worker-1",
    "AccessActor.name": "Mail worker",
    "AccessObject.id": "access:3",
    "Change.id": "3",
    "Change.source": "/workspaces/demo/integrations",
    "Change.type": "integrations.IntegrationToggled.v1",
    "Change.subject": ID,
    "Change.time": "2025-02-20T09:00:00.000Z",
    "after": 3,
    "more": False,
    "recipient": "A" * 43,
    "purpose": "campaign:cmp_123",
    "permissions": ["audit:view", "integrations:view"],
    "ipAddress": "192.0.2.10",
    "requestId": "5f0c6a1e9b3d47a28c1d2e3f4a5b6c7d",
    "detail": "The provider accepted the credentials",
    "details": {},
    "region": "GLOBAL",
    "latencyMs": 182,
    "version": 1,
    "position": 3,
    "size": 3,
    "treeSize": 3,
    "leafIndex": 2,
    "from": 1,
    "to": 3,
    "totalCount": 1,
    "leaseSeconds": 300,
    "lease": "header.payload.signature",
    "x": "A" * 43,
    "kid": "lease-key-1",
    "checkpoint": CHECKPOINT,
    "verifierKey": f"integrations+0a1b2c3d+{'A' * 44}",
    "root": "A" * 43 + "=",
    "fromRoot": "A" * 43 + "=",
    "toRoot": "A" * 43 + "=",
    "leafHash": "A" * 43 + "=",
    "proof": ["A" * 43 + "="],
    "notSigned": [],
    "failed": [],
    "displayName": "SendGrid",
    "IntegrationTypeField.name": "senderEmail",
    "IntegrationTypeField.kind": "email",
    "IntegrationTypeField.secret": False,
    "IntegrationTypeField.label": "Sender email",
    "IntegrationTypeSetting.name": "region",
    "IntegrationTypeSetting.kind": "choice",
    "IntegrationTypeSetting.label": "Region",
    "IntegrationTypeSetting.help": "Where the key was made",
    "IntegrationTypeSetting.example": "EU",
    "IntegrationTypeRegion.name": "GLOBAL",
    "ConsoleLinkObject.url": "https://integrations.example.com/console/enter#one-time-code",
    "required": False,
    "help": "The address that messages come from",
    "example": "noreply@example.com",
    "checkable": True,
    "guide": "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys",
    "host": "api.sendgrid.com",
}
# By the operation; the catalogues have them.
MESSAGES: Mapping[str, str] = {
    "listIntegrations": "Integrations fetched successfully",
    "createIntegration": "Integration created successfully",
    "getIntegration": "Integration fetched successfully",
    "changeIntegration": "Integration updated successfully",
    "toggleIntegration": "Integration updated successfully",
    "deleteIntegration": "Integration deleted successfully",
    "getCredentials": "Credentials fetched successfully",
    "replaceCredentials": "Credentials replaced successfully",
    "checkCredentials": "Check completed",
    "listNewestChecks": "Checks fetched successfully",
    "listStoredCredentials": "Credentials fetched successfully",
    "listDefaults": "Defaults fetched successfully",
    "chooseDefault": "Default chosen successfully",
    "clearDefault": "Default cleared successfully",
    "leaseIntegration": "Lease granted",
    "leaseDefault": "Lease granted",
    "listLeaseKeys": "Keys fetched successfully",
    "listAccesses": "Accesses fetched successfully",
    "getAccesses": "Accesses fetched successfully",
    "listIntegrationTypes": "Integration types fetched successfully",
    "listChanges": "Changes fetched successfully",
    "getHistory": "History fetched successfully",
    "whoami": "Caller fetched successfully",
    "createConsoleLink": "Link created successfully",
    "listHistory": "History fetched successfully",
}
LINES = (  # of the export
    f'{{"position":3,"leafIndex":2,"leafHash":"{"A" * 43}=","bytes":"eyJ3b3Jrc3BhY2UiOiJkIn0="}}\n'
)
# Of operations that return a stream of server-sent events, too.
EVENTS: Mapping[str, str] = {
    "listChanges": "retry: 1000\n\n: 2\n\nid: 3\nevent: change\ndata: {…}\n\n: 3\n\n"
}
# What an operation does, in addition to its first sentence.
NOTES: Mapping[str, str] = {
    "listIntegrations": "Each filter narrows the list; `limit` with `page` or `cursor` pages it.",
    "createIntegration": "What the provider would not expect is a warning next to the data.",
    "changeIntegration": "Secrets are replaced by `PUT …/credentials`; type and channel stay.",
    "replaceCredentials": "Secrets that are not given stay as they are.",
    "deleteIntegration": "Its history stays.",
    "toggleIntegration": "Switching off the default of its channel is a warning.",
    "chooseDefault": "It is looked up again when a worker leases; off or deleted, there is none.",
    "leaseDefault": "Off or deleted, there is none and no substitute (409).",
    "createConsoleLink": (
        "Who opens it has the rights of the token of this request, no more and no longer. The code"
        " stands behind `#`, where no server and no log sees it; each request makes a new one,"
        " also with an `Idempotency-Key`. 404 if the console is off."
    ),
    "checkCredentials": "It is of what is stored and takes no body; it is recorded in the history.",
    "listChanges": "With `Accept: text/event-stream` it is a stream that stays open.",
    "live": "It touches nothing that could fail.",
    "ready": "It looks at most once a second, for all who ask.",
}
# A parameter's description and a value that it may have.
PARAMETERS: Mapping[str, tuple[str, object]] = {
    "asOf": ("As it was then: a time, a date (its end) or a position", "2025-02-20T09:00:00Z"),
    "channel": ("Only this channel", "EMAIL"),
    "type": ("Only this provider type", "SENDGRID"),
    "isActive": ("Only those that are switched on, or off", True),
    "q": ("Name or sender contains this; case, accents and spaces in numbers are ignored", "prod"),
    "sort": ("The order; with - in front, descending", "-createdAt"),
    "limit": ("How many a page has", 20),
    "pageSize": ("Another name for limit", 20),
    "page": ("Which page, from 1; not with cursor", 1),
    "cursor": ("nextCursor of the page before", "WyJjcmVhdGVkX2F0IixmYWxzZSwiYSIsImIiXQ"),
    "resourceType": ("The kind of what was changed", "integration"),
    "resourceId": ("Only changes of this integration", ID),
    "integrationId": ("Only this integration", ID),
    "action": ("Only this kind of change", "INTEGRATION_UPDATED"),
    "userId": ("Only what this user did: the token's `sub`", "user-1"),
    "actorId": ("Only this actor: the token's `sub`", "worker-1"),
    "field": ("Only this secret field", "apiKey"),
    "credentialVersion": ("Only this version of a secret", 1),
    "startDate": ("From this time or date (its beginning) on", "2025-02-01"),
    "endDate": ("Until this time or date (its end)", "2025-02-28"),
    "position": ("The position of an event in the log", 1),
    "after": ("Only what comes after this position; without it, where the log ends now", 3),
    "wait": ("How many seconds to wait if there is nothing yet", 20),
    "positions": ("Positions of events in the log, with commas between them", [1, 2]),
    "integrationIds": ("Ids of integrations, with commas between them", [ID]),
    "from": ("How many events the earlier state of the log has", 1),
    "to": ("How many events the later state of the log has", 1),
}


def sample(schema: Json, schemas: Json, name: str = "") -> object:
    """Return a sample of *schema*, the property *name*; *schemas* are what it may refer to."""
    if "$ref" in schema:
        return sample(schemas[schema["$ref"].rpartition("/")[2]], schemas, name)
    if "const" in schema:
        return schema["const"]
    if options := schema.get("oneOf", schema.get("anyOf")):
        return VALUES[name] if name in VALUES else sample(options[0], schemas, name)
    if schema["type"] == "object" and "properties" in schema:
        return {
            each: sample(of, schemas, sample_key(schema["title"], each))
            for each, of in schema["properties"].items()
            if each in schema.get("required", ())
        }
    return simple_sample(schema, schemas, name)


def sample_key(title: str, name: str) -> str:
    """Return the key of the sample of the property *name* of the schema *title*."""
    return f"{title}.{name}" if f"{title}.{name}" in VALUES else name


def simple_sample(schema: Json, schemas: Json, name: str) -> object:
    """Return a sample of *schema*, which is neither a reference nor has properties."""
    if name in VALUES and matches_schema(VALUES[name], schema):
        return VALUES[name]
    if "enum" in schema:
        return cast("list[object]", schema["enum"])[0]
    if schema["type"] == "array":
        return [sample(schema["items"], schemas, name)]
    simple: Json = {"null": None, "boolean": True, "integer": 1, "object": {}}
    return simple.get(schema["type"], "text")


def matches_schema(value: object, schema: Json) -> bool:
    """Return whether *value* is of the type of *schema*, and one of those that it lists, if any."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return value in schema.get("enum", (value,)) and (schema.get("type") == "integer") <= is_integer


def response_sample(schema: Json, schemas: Json, operation: str, status: int) -> object:
    """Return a sample of the response of *operation* with *status*."""
    response = cast("Json", sample(schema, schemas))
    if "result" in response:
        message = MESSAGES.get(operation, "Fetched successfully")
        response["result"] |= {"message": message, "status": status}
    return response


def describe_parameter(parameter: Json) -> None:
    """Give the query *parameter* a description and an example.

    A required one gets it filled in on the page; filters are left empty there, or all would apply.
    """
    name, schema = parameter["name"], parameter["schema"]
    description, value = PARAMETERS.get(name, (f"The {name} of what is listed", None))
    if not matches_schema(value, schema):
        value = schema["enum"][0] if "enum" in schema else schema.get("minimum", 1)
    parameter["description"] = description
    parameter["schema"] = {**schema, "examples": [value]}
    if parameter["required"]:
        parameter["example"] = value
