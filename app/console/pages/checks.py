"""Checks of keys: the newest of each connection, and what a page says of one."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from app.console.api_client import ApiClient
from app.console.flash import Flash
from app.console.resources import Integration, IntegrationType
from app.console.texts import Texts

PLAIN = frozenset({"ok", "invalid"})  # what the outcome alone says


class Check(Struct, rename="camel", frozen=True):
    """What the newest check found; of other keys or settings if it `is_current` no more."""

    outcome: str
    detail: str
    checked_at: str
    is_current: bool = True
    region: str | None = None
    integration_id: str | None = None


async def load_checks(api: ApiClient, integrations: Sequence[str]) -> Mapping[str, Check]:
    """Return the newest check of each of *integrations* that was checked."""
    if not integrations:
        return {}
    query = {"integrationIds": ",".join(integrations)}
    found = (await api.get(list[Check], "integration-checks", query)).data
    return {check.integration_id or "": check for check in found}


def check_flash(
    texts: Texts, integration: Integration, check: Check, type_: IntegrationType | None
) -> Flash:
    """Return what to say of the *check* of *integration*; why, unless that is plain."""
    detail = texts.in_words(check.detail, type_.labels if type_ else {})
    return Flash(
        "checked",
        outcome=check.outcome,
        detail="" if check.outcome in PLAIN else detail,
        asks=type_ is None or type_.asks,
        name=integration.name,
    )
