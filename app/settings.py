"""Settings: the environment variables INTEGRATIONS_*, read once."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import fields

from app.service_variables import service_variables
from app.trusted_proxies import TrustedProxies

PREFIX = "INTEGRATIONS_"
MAX_BODY_BYTES = 64 * 1024  # of a request; no variable sets it
SURROGATE = re.compile("[\ud800-\udfff]")  # in a value, stands for bytes that are not UTF-8
Port = Annotated[int, Meta(ge=0, le=65535)]
AdminPortNumber = Annotated[int, Meta(ge=1, le=65535)]
PoolSize = Annotated[int, Meta(ge=1, le=100)]
Rate = Annotated[float, Meta(gt=0, le=1_000_000)]
Workers = Annotated[int, Meta(ge=1, le=64)]
LeaseSeconds = Annotated[int, Meta(ge=10, le=3600)]
Months = Annotated[int, Meta(ge=1, le=1200)]
ProviderUrls = Annotated[
    str, Meta(pattern=r"^[A-Z0-9_]+=https?://[^,\s]+(,[A-Z0-9_]+=https?://[^,\s]+)*\Z")
]
# As browsers write origins: lower case, punycode, no path, no port that the scheme implies.
ORIGIN = (
    r"(?!https://[^,]*:443\s*(?:,|\Z))(?!http://[^,]*:80\s*(?:,|\Z))"
    r"[a-z][a-z0-9+.-]*://(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:]+\])(?::[1-9]\d{0,4})?"
)
Origins = Annotated[str, Meta(pattern=rf"^\s*{ORIGIN}\s*(?:,\s*{ORIGIN}\s*)*\Z")]
WebOrigin = Annotated[str, Meta(pattern=rf"^(?=https?://){ORIGIN}\Z")]
RolePrefix = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,49}\Z")]
# A name or an IPv4 address, or an IPv6 address without brackets; no scheme, no port.
Host = Annotated[
    str, Meta(pattern=r"^(?:[\w.-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f.]*(?:%[\w.-]+)?)\Z")
]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class SettingsError(Exception):
    """A setting is unknown or wrong; the message says in one line which one and what to do."""


class Settings(Struct, frozen=True, kw_only=True):
    """All settings; the field `jwt_issuer` is the variable INTEGRATIONS_JWT_ISSUER, and so on.

    Without `database_url` PostgreSQL is embedded, in `data_dir`, with the programs in
    `postgres_bin` or the package's. Requests go through `pooler_url` if it is set, a PgBouncer in
    transaction mode, and through `pool_size` connections a worker for each of commands and queries.
    The names of the database's roles begin with `role_prefix`. Without `jwks` the service
    trusts its own key. Port 0 takes any free port; health and metrics are on `admin_port`, if it is
    set. `rate_limit` is in requests per second and
    workspace, unlimited if not set; `rate_burst` requests may come at once, by default those of
    one second. `providers` is a folder with more provider files; `provider_urls` replace the
    base URLs of providers, for tests. `keyring` is a path or an address in Vault. `trusted_proxies`
    are addresses and networks whose X-Forwarded-For is believed. `cors_origins` are the origins
    whose pages may read responses. A lease lasts `lease_seconds`; `access_retention` is how many
    months the access journal keeps. `console` serves pages for people, which have `console_origin`
    in their address.
    """

    database_url: str | None = None
    pooler_url: str | None = None
    pool_size: PoolSize = 8
    role_prefix: RolePrefix = "integrations"
    postgres_bin: Path | None = None
    data_dir: Path
    host: Host = "127.0.0.1"
    port: Port = 8000
    admin_port: AdminPortNumber | None = None
    workers: Workers = 1
    jwks: str | None = None
    jwt_issuer: str = "integrations"
    jwt_audience: str = "integrations"
    keyring: str
    vault_token_file: Path | None = None
    log_level: LogLevel = "INFO"
    rate_limit: Rate | None = None
    rate_burst: Rate | None = None
    providers: Path | None = None
    provider_urls: ProviderUrls = ""
    trusted_proxies: TrustedProxies = TrustedProxies()
    cors_origins: Origins | None = None
    lease_seconds: LeaseSeconds = 300
    access_retention: Months = 13
    console: Literal["on", "off"] = "on"
    console_origin: WebOrigin | None = None

    def __repr__(self) -> str:
        """Name the class only: a database URL may hold a password."""
        return "Settings(…)"


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in *environment*, with defaults for those that are not set.

    Raises:
        SettingsError: an INTEGRATIONS_* name is unknown, or its value is wrong or not UTF-8;
            an empty value counts as not set, and variables of services as not there.
    """
    passed_over = service_variables(environment)
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value and name not in passed_over
    }
    data_dir = Path(given.get("data_dir") or default_data_dir()).absolute()
    defaults = {"data_dir": str(data_dir), "keyring": str(data_dir / "keyring.json")}
    for name, value in given.items():
        validate_setting(name, value)
    return msgspec.convert(defaults | given, Settings, strict=False, dec_hook=decode_text)


def validate_setting(name: str, value: str) -> None:
    """Raise SettingsError if *name* is no setting or *value* is wrong for it."""
    types = {field.name: field.type for field in fields(Settings)}
    if name not in types:
        known = ", ".join(sorted(PREFIX + known.upper() for known in types))
        message = f"{PREFIX}{name.upper()} is not a setting; the settings are {known}."
        raise SettingsError(message)
    if SURROGATE.search(value):
        message = f"{PREFIX}{name.upper()} is not UTF-8."
        raise SettingsError(message)
    try:
        msgspec.convert(value, types[name], strict=False, dec_hook=decode_text)
    except msgspec.ValidationError:
        message = f"{PREFIX}{name.upper()} has a wrong value; it takes {describe_setting(name)}."
        raise SettingsError(message) from None


def describe_setting(name: str) -> str:
    """Return a description of the values of the setting *name*."""
    ranges = {"port": "a number from 0 to 65535", "workers": "a number from 1 to 64"}
    ranges["admin_port"] = "a number from 1 to 65535"
    ranges["host"] = "an address or a name, without a scheme, brackets or a port: 0.0.0.0, ::1"
    ranges["pool_size"] = "a number from 1 to 100"
    ranges["lease_seconds"] = "a number from 10 to 3600"
    ranges["access_retention"] = "months, a number from 1 to 1200"
    ranges |= dict.fromkeys(("rate_limit", "rate_burst"), "a number above 0")
    ranges["trusted_proxies"] = (
        "addresses and networks by their first address (10.0.0.0/8, not 10.0.0.1/8), separated by"
        " commas"
    )
    ranges["role_prefix"] = "a word of small letters, digits and _, at most 50"
    ranges["provider_urls"] = "TYPE=URL, several separated by commas"
    ranges["cors_origins"] = (
        "origins as a browser sends them (https://app.example.com), separated by commas:"
        " no *, no path, no default port, lower case"
    )
    ranges["console"] = "on or off"
    ranges["console_origin"] = (
        "one origin as a browser sends it (https://integrations.example.com): https or http, no"
        " path, no default port, lower case"
    )
    return ranges.get(name, "DEBUG, INFO, WARNING or ERROR")


def decode_text(wanted: type, value: object) -> Path | TrustedProxies:
    """Convert text to one of the types of settings that msgspec does not know."""
    if wanted is TrustedProxies:
        return TrustedProxies.parse(str(value))
    assert wanted is Path  # noqa: S101 — msgspec calls this for no other type
    return Path(str(value)).absolute()


def http_url(host: str, port: int) -> str:
    """Return the address of a service that listens on *host*, which may be an IPv6 address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def default_data_dir() -> Path:
    """Return the default data directory: `./data`, or as root one in /var/lib."""
    return Path("/var/lib/integrations" if os.geteuid() == 0 else "data")
