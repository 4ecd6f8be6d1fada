"""Leases the credentials of integrations for delivery workers: see README.md."""

from integrations_client.async_client import AsyncIntegrations
from integrations_client.client import Integrations
from integrations_client.errors import (
    ClosedError,
    ConfigurationError,
    CredentialsError,
    DefaultInactiveError,
    ForbiddenError,
    ForkedError,
    IntegrationInactiveError,
    IntegrationsError,
    InvalidLeaseError,
    LeaseExpiredError,
    NoDefaultError,
    NotFoundError,
    RateLimitedError,
    RecipientRequiredError,
    RefusedError,
    ServiceError,
    UnauthorizedError,
    UnavailableError,
    UnexpectedResponseError,
    UnknownProviderError,
)
from integrations_client.lease import Lease
from integrations_client.secret import Secret

__all__ = [
    "AsyncIntegrations",
    "ClosedError",
    "ConfigurationError",
    "CredentialsError",
    "DefaultInactiveError",
    "ForbiddenError",
    "ForkedError",
    "IntegrationInactiveError",
    "Integrations",
    "IntegrationsError",
    "InvalidLeaseError",
    "Lease",
    "LeaseExpiredError",
    "NoDefaultError",
    "NotFoundError",
    "RateLimitedError",
    "RecipientRequiredError",
    "RefusedError",
    "Secret",
    "ServiceError",
    "UnauthorizedError",
    "UnavailableError",
    "UnexpectedResponseError",
    "UnknownProviderError",
]
