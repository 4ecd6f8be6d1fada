"""Environment variables that Kubernetes makes for a Service, and that are no settings.

A Service named `integrations`, or `integrations-…`, makes names that begin as ours do.
"""

import logging
import re
from collections.abc import Mapping

# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
VARIABLE = re.compile(
    r"INTEGRATIONS_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?"
    r"|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|ADDR|PORT))?)"
)
PORT = re.compile(r"INTEGRATIONS_(\w+_)?PORT")
ADDRESS = re.compile(r"(tcp|udp|sctp)://")  # what it puts into …_PORT

log = logging.getLogger(__name__)


def service_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the names in *environment* that were made for a Service."""
    return [
        name
        for name, value in environment.items()
        if VARIABLE.fullmatch(name) or (PORT.fullmatch(name) and ADDRESS.match(value))
    ]


def log_service_variables(environment: Mapping[str, str]) -> None:
    """Log which variables are passed over, in one line; none if there are none."""
    if names := sorted(service_variables(environment)):
        log.info("Passed over, as Kubernetes made them for a Service: %s.", ", ".join(names))
