"""Grants leases: reads, records, opens, seals and signs, in this order (contract, 13)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

import msgspec
import structlog
from msgspec import Struct

from app.access.access import GRANTED
from app.access.errors import (
    DefaultInactiveError,
    IntegrationInactiveError,
    LeaseRefusedError,
    NoDefaultError,
    RecipientRequiredError,
)
from app.access.journal import AccessJournal
from app.access.lease_request import LeaseRequest, access_of, credential_versions
from app.access.outcomes import Outcomes
from app.batching import Batcher
from app.metrics.collector import Figure
from app.providers.provider_file import ProviderFile
from app.secrets.errors import UnsealError
from app.secrets.keyring import Keyring
from app.secrets.lease import SUITE_NAME, lease_info, seal_for
from app.secrets.lease_key import LeaseKey
from app.secrets.sealing import SealedSecret, unseal
from app.secrets.secret import Secret
from app.tokens.jwt import base64url
from app.tokens.recipient import Recipient
from app.views.lease_material import LeaseMaterial, LeaseMaterialViews
from domain.errors import IntegrationNotFoundError

log = structlog.get_logger(source="leases")
AUDIENCE = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:"  # RFC 9278


class Lease(Struct, frozen=True):
    """A granted lease: a signed token that only the recipient can open, until `expires_at`."""

    integration: str
    version: int
    seconds: int
    expires_at: datetime
    token: str


class Leasing:
    """Grants leases of *seconds*, in the name of *issuer*."""

    def __init__(  # noqa: PLR0913 — the parts that a lease is made of
        self,
        *,
        views: LeaseMaterialViews,
        journal: AccessJournal,
        keyring: Keyring,
        key: LeaseKey,
        providers: Mapping[str, ProviderFile],
        issuer: str,
        seconds: int,
    ) -> None:
        self._views = views
        self._journal = journal
        self._keyring = keyring
        self._providers = providers
        self._issuer = issuer
        self._seconds = seconds
        self._outcomes = Outcomes()
        self.key = key

    @property
    def batchers(self) -> Mapping[str, Batcher[Any, Any]]:
        """The batchers, by name."""
        return {"leases": self._views.batcher, "accesses": self._journal.batcher}

    def figures(self) -> Iterator[Figure]:
        """Yield what is counted: requests by what became of them, and records."""
        yield self._journal.records, "integrations_access_records_total"
        for outcome, number in self._outcomes.counts.items():
            yield number, "integrations_leases_total", outcome

    async def lease(self, request: LeaseRequest) -> Lease:
        """Return a lease of an integration, once the journal has a record of it.

        Raises:
            IntegrationNotFoundError: the workspace has no such integration; it is not recorded.
            RecipientRequiredError: the token names no usable key.
            IntegrationInactiveError: it is switched off.
            UnavailableError: the database, the journal or the keyring is away.
            UnsealError: a stored secret does not open.
        """
        with self._outcomes.counting():
            material = await self._views.one(request.workspace, request.integration)
            if material is None:
                raise IntegrationNotFoundError
            return await self._lease(request, material, IntegrationInactiveError)

    async def lease_default(self, request: LeaseRequest) -> Lease:
        """Return a lease of the integration that is the default of a channel now, as `lease` does.

        Raises:
            NoDefaultError: none is chosen.
            DefaultInactiveError: the chosen one is switched off or deleted; there is no substitute.
            RecipientRequiredError, UnavailableError, UnsealError: as `lease`.
        """
        with self._outcomes.counting():
            material = await self._views.one(request.workspace, request.integration)
            if material is None:
                await self._refuse(request, None, NoDefaultError)
            return await self._lease(request, material, DefaultInactiveError)

    async def _lease(
        self, request: LeaseRequest, material: LeaseMaterial, inactive: type[LeaseRefusedError]
    ) -> Lease:
        if request.recipient is None:
            await self._refuse(request, material, RecipientRequiredError)
        if not material.is_active:
            await self._refuse(request, material, inactive)
        await self._journal.record(access_of(request, material, GRANTED))
        return await self._grant(request, material, request.recipient)

    async def _refuse(
        self,
        request: LeaseRequest,
        material: LeaseMaterial | None,
        refusal: type[LeaseRefusedError],
    ) -> NoReturn:
        await self._journal.record(access_of(request, material, refusal.outcome))
        raise refusal

    async def _grant(
        self, request: LeaseRequest, material: LeaseMaterial, recipient: Recipient
    ) -> Lease:
        """Return the lease of *material* for *recipient*."""
        info = lease_info(
            material.workspace_id, material.id, material.version, recipient.thumbprint
        )
        sealed = seal_for(recipient.public, await self._content(material), info)
        issued = int(request.at.timestamp())
        expires_at = request.at.replace(microsecond=0) + timedelta(seconds=self._seconds)
        claims = {
            "iss": self._issuer,
            "sub": request.metadata.actor.sub,
            "aud": AUDIENCE + recipient.thumbprint,
            "iat": issued,
            "exp": issued + self._seconds,
            "jti": request.metadata.request_id,
            "workspaceId": material.workspace_id,
            "integrationId": material.id,
            "version": material.version,
            "credentials": [
                {"field": field, "version": number}
                for field, number in credential_versions(material).items()
            ],
            "suite": SUITE_NAME,
            "sealed": base64url(sealed),
        }
        token = self.key.sign(claims)
        return Lease(material.id, material.version, self._seconds, expires_at, token)

    async def _content(self, material: LeaseMaterial) -> Secret:
        """Return all that sending with *material* needs, as JSON."""
        content: dict[str, object] = {
            "type": material.type,
            "channel": material.channel,
            "senderEmail": material.sender_email,
            "senderName": material.sender_name,
            "senderPhone": material.sender_phone,
            "vapidPublicKey": material.vapid_public_key,
        }
        if material.settings:
            content["settings"] = material.settings
        if url := base_url(material, self._providers.get(material.type)):
            content["baseUrl"] = url
        for sealed in material.secrets:
            content[sealed.field] = (await self._open(sealed)).reveal().decode()
        return Secret(msgspec.json.encode(content))

    async def _open(self, sealed: SealedSecret) -> Secret:
        """Return a stored secret; if it does not open, the operator's log names its row."""
        try:
            return await unseal(self._keyring, sealed)
        except UnsealError as error:
            log.error("a stored secret cannot be opened", reason=str(error))  # noqa: TRY400 — the error names the row, no content
            raise


def base_url(material: LeaseMaterial, provider: ProviderFile | None) -> str | None:
    """Return the address of the region that *material* sets or a check found.

    None where the provider has several and none is known.
    """
    if provider is None or not provider.regions:
        return None
    if len(provider.regions) == 1:
        return provider.regions[0].url
    wanted = (material.settings or {}).get("region") or material.region
    urls = {region.name.upper(): region.url for region in provider.regions}
    return urls.get((wanted or "").upper())
