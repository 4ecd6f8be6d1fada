"""Environment variables that Kubernetes and Docker make for a service, and that are no settings.

A service named `integrations`, or `integrations-…`, makes names that begin as ours do.
"""

import logging
import re
from collections.abc import Mapping

# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
# https://docs.docker.com/engine/network/links/#environment-variables
VARIABLE = re.compile(
    r"INTEGRATIONS_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?"
    r"|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|ADDR|START|END|PORT(_START|_END)?))?)"
)
PORT = re.compile(r"INTEGRATIONS_(\w+_)?PORT")
ADDRESS = re.compile(r"(tcp|udp|sctp)://")  # what both put into …_PORT
LINK = re.compile(r"(INTEGRATIONS_(?:\w+_)?)NAME")  # of Docker: who links to whom
LINKED = re.compile(r"/[\w.-]+/[\w.-]+")

log = logging.getLogger(__name__)


def service_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the names in *environment* that were made for a service.

    Docker also repeats the variables of the other container; such a name counts only next to the
    one of its link, as it could be a mistyped setting.
    """
    links = [
        found[1]
        for name, value in environment.items()
        if (found := LINK.fullmatch(name)) and LINKED.fullmatch(value)
    ]
    of_links = tuple(f"{link}ENV_" for link in links)
    return [
        name
        for name, value in environment.items()
        if VARIABLE.fullmatch(name)
        or (PORT.fullmatch(name) and ADDRESS.match(value))
        or name.removesuffix("NAME") in links
        or name.startswith(of_links)
    ]


def log_service_variables(environment: Mapping[str, str]) -> None:
    """Log which variables are passed over, in one line; none if there are none."""
    if names := sorted(service_variables(environment)):
        log.info(
            "Passed over, as Kubernetes or Docker made them for a service: %s.", ", ".join(names)
        )
