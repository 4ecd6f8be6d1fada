"""Grants leases: reads, opens, records, seals and signs, in this order (docs/workers.md).

No lease is without its record, and no record holds what the lease hides: so the secrets are open
before the record is written, and the caller's own words are compared with them.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NoReturn

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
from app.access.lease_content import content_of
from app.access.lease_request import LeaseRequest, Secrets, access_of, credential_versions
from app.access.outcomes import Outcomes
from app.batching import Batcher
from app.metrics.collector import MetricValue
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
from domain.integration import SecretField

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

    def metric_values(self) -> Iterator[MetricValue]:
        """Yield what is counted: requests by what became of them, and records."""
        yield self._journal.records, "integrations_access_records_total"
        for outcome, number in self._outcomes.counts.items():
            yield number, "integrations_leases_total", outcome

    async def lease(self, request: LeaseRequest) -> Lease:
        """Return a lease of an integration, once the journal has a record of it.

        Raises:
            IntegrationNotFoundError: the workspace has no such integration; it is not recorded.
            RecipientRequiredError: the token names no usable key.
            SecretInPurposeError: it would be in the record; nothing is recorded.
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
            RecipientRequiredError, SecretInPurposeError, UnavailableError, UnsealError: as `lease`.
        """
        with self._outcomes.counting():
            material = await self._views.one(request.workspace, request.integration)
            if material is None:
                await self._refuse(request, None, NoDefaultError)
            return await self._lease(request, material, DefaultInactiveError)

    async def _lease(
        self, request: LeaseRequest, material: LeaseMaterial, inactive: type[LeaseRefusedError]
    ) -> Lease:
        if (recipient := request.recipient) is None:
            await self._refuse(request, material, RecipientRequiredError)
        if not material.is_active:
            await self._refuse(request, material, inactive)
        secrets: Secrets = {each.field: await self._open(each) for each in material.secrets}
        if request.check_texts:
            request = request.check_texts(request, material, secrets)
        await self._journal.record(access_of(request, material, GRANTED))
        return self._grant(request, material, secrets, recipient)

    async def _refuse(
        self,
        request: LeaseRequest,
        material: LeaseMaterial | None,
        refusal: type[LeaseRefusedError],
    ) -> NoReturn:
        if request.check_texts:
            secrets = await self._open_available(material.secrets if material else ())
            request = request.check_texts(request, material, secrets)
        await self._journal.record(access_of(request, material, refusal.outcome))
        raise refusal

    def _grant(
        self, request: LeaseRequest, material: LeaseMaterial, secrets: Secrets, to: Recipient
    ) -> Lease:
        """Return the lease of *material* and its *secrets* for the key *to*."""
        info = lease_info(material.workspace_id, material.id, material.version, to.thumbprint)
        content = content_of(material, secrets, self._providers.get(material.type))
        sealed = seal_for(to.public, content, info)
        issued = int(request.at.timestamp())
        expires_at = request.at.replace(microsecond=0) + timedelta(seconds=self._seconds)
        claims = {
            "iss": self._issuer,
            "sub": request.metadata.actor.sub,
            "aud": AUDIENCE + to.thumbprint,
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

    async def _open_available(self, sealed: Iterable[SealedSecret]) -> Secrets:
        """Return those of the stored secrets that open: a refusal needs none of them."""
        opened: dict[SecretField, Secret] = {}
        for each in sealed:
            with suppress(UnsealError):
                opened[each.field] = await self._open(each)
        return opened

    async def _open(self, sealed: SealedSecret) -> Secret:
        """Return a stored secret; if it does not open, the operator's log names its row."""
        try:
            return await unseal(self._keyring, sealed)
        except UnsealError as error:
            log.error("a stored secret cannot be opened", reason=str(error))  # noqa: TRY400 — the error names the row, no content
            raise
