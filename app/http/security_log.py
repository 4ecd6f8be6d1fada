"""The security log: who was refused and why, who read the audit trail, who got a link."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct

from app.http.middleware import get_request_id, route_template
from app.structured_logging import build_line_logger
from app.tokens.principal import Principal
from app.trusted_proxies import TrustedProxies

SecurityEvent = Literal["refused", "granted", "issued"]
REFUSALS = frozenset({401, 403, 429})


class SecurityLine(Struct, frozen=True, kw_only=True):
    """One line of the security log.

    All of it is bounded and plain, as nothing that a caller wrote gets in but the claims of a
    verified token: no part of a refused token, no key, path, header or body. `reason` is for the
    operator; no response contains it.
    """

    source: Literal["security"] = "security"
    status: int | None
    reason: str | None
    permission: str | None
    method: str
    route: str
    subject: str | None
    workspace: str | None
    address: str | None
    request_id: str
    event: SecurityEvent
    level: Literal["warning", "info"]
    timestamp: datetime


class SecurityLog:
    """Writes lines to the log whatever its level; *proxies* know the address of a client."""

    def __init__(self, proxies: TrustedProxies) -> None:
        self._proxies = proxies
        self._write = build_line_logger(logging.CRITICAL)

    def refused(self, scope: Mapping[str, Any], status: int, error: Exception) -> None:
        """Write that the request of the ASGI *scope* is refused with *status* because of *error*.

        The `reason` of the error counts if it has one, else its name.
        """
        reason = getattr(error, "reason", None) or type(error).__name__.removesuffix("Error")
        subject = getattr(error, "subject", None)
        self._write(self._line(scope, "refused", subject=subject, status=status, reason=reason))

    def granted(self, scope: Mapping[str, Any]) -> None:
        """Write that the caller of the ASGI *scope* may read what the route shows."""
        self._write(self._line(scope, "granted"))

    def issued(self, scope: Mapping[str, Any]) -> None:
        """Write that the caller of the ASGI *scope* got a link that signs in, in its own name."""
        self._write(self._line(scope, "issued"))

    def _line(
        self,
        scope: Mapping[str, Any],
        event: SecurityEvent,
        *,
        subject: str | None = None,
        status: int | None = None,
        reason: str | None = None,
    ) -> SecurityLine:
        caller: Principal | None = scope.get("user")
        return SecurityLine(
            status=status,
            reason=reason,
            permission=scope["route_handler"].opt.get("permission"),
            method=scope["method"],
            route=route_template(scope),
            subject=caller.actor.sub if caller else subject,
            workspace=caller.workspace if caller else None,
            address=self._proxies.client_address(scope),
            request_id=get_request_id(scope),
            event=event,
            level="warning" if event == "refused" else "info",
            timestamp=datetime.now(UTC),
        )
