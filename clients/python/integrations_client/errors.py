"""What can go wrong: each error says what to do about it."""


class IntegrationsError(Exception):
    """Every error of this package."""


class ConfigurationError(IntegrationsError):
    """A key file or an argument cannot be used."""


class ForkedError(IntegrationsError):
    """The client was made before a fork: make one in each process."""

    def __init__(self, message: str = "this client was made before a fork; make one here") -> None:
        super().__init__(message)


class ClosedError(IntegrationsError):
    """The client was closed before."""

    def __init__(self, message: str = "this client is closed") -> None:
        super().__init__(message)


class LeaseExpiredError(IntegrationsError):
    """The lease is over: get it from the client for each send, instead of keeping it."""

    def __init__(self, message: str = "the lease is over; get it for each send") -> None:
        super().__init__(message)


class InvalidLeaseError(IntegrationsError):
    """What came is no lease for this worker from the pinned key; nothing of it is used."""

    def __str__(self) -> str:
        """Return why the lease is not used."""
        return f"the lease cannot be used: {self.args[0]}"


class UnknownProviderError(IntegrationsError):
    """This package does not know how the provider wants its credentials: use `lease`."""


class CredentialsError(IntegrationsError):
    """The stored credentials cannot be used with the provider: have them replaced."""


class ServiceError(IntegrationsError):
    """The service refuses; `code` is the error code of its response, None if there is none."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        """Return the message with what an operator needs to find the request."""
        parts = [self.code or self.status, self.request_id and f"request {self.request_id}"]
        told = ", ".join(str(part) for part in parts if part)
        return f"{self.args[0]} ({told})" if told else str(self.args[0])


class UnauthorizedError(ServiceError):
    """The token is wrong or has expired (401)."""


class RefusedError(ServiceError):
    """This worker may not use the integration, or not now: a lease that is held ends, too."""


class ForbiddenError(RefusedError):
    """The token lacks the permission `integrations:resolve` (403)."""


class RecipientRequiredError(ForbiddenError):
    """The token names no X25519 key in `cnf.jwk` (403)."""


class NotFoundError(RefusedError):
    """The workspace of the token has no such integration (404)."""


class IntegrationInactiveError(RefusedError):
    """The integration is switched off (409): stop, and do not repeat until it is on again."""


class DefaultInactiveError(IntegrationInactiveError):
    """The integration chosen for the channel is off or deleted (409)."""


class NoDefaultError(RefusedError):
    """No integration is chosen for the channel (409)."""


class UnavailableError(ServiceError):
    """The service does not answer, or cannot now (502, 503, 504): repeat later."""


class RateLimitedError(UnavailableError):
    """The workspace sends too many requests (429): repeat later."""


class UnexpectedResponseError(ServiceError):
    """The service failed, or what answers is not the service: look at its address."""
