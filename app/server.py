"""Runs the service: one process or several on one listening socket, until SIGTERM or Ctrl-C."""

import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from types import FrameType

import uvicorn

from app.bootstrap import build_console, build_dependencies
from app.crash_output import redact_crash_output
from app.database.connection import require_primary
from app.database.database import open_database
from app.database.migrate import migrate
from app.gc_tuning import tune_garbage_collector
from app.http.application import create_app
from app.http.cross_origin import split_origins
from app.http.middleware import RequestMiddleware
from app.http.protocol import GuardedHttpProtocol, close_connections_that_do_not_read
from app.metrics.collector import multiprocess_dir, remove_dir
from app.settings import Settings, SettingsError, http_url, read_settings
from app.startup_checks import check_startup
from app.structured_logging import configure_logging
from app.tokens.local_key import warn_of_local_key
from app.worker_supervisor import WorkerSupervisor, exit_with_parent

SHUTDOWN_GRACE = 5  # seconds for running requests to finish; the service exits within 10
# Seconds that a connection may be idle. nginx and AWS's load balancer keep theirs for 60 s: if we
# closed first, a POST that they send at that moment would be lost, and their client gets a 502.
KEEP_ALIVE = 75
ReadyCallback = Callable[[], None]


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run until a stop signal; call *announce* with the address when the service is ready.

    Raises:
        SettingsError, EmbeddedServerError, MigrationError, KeyringError, TokenKeyError,
        JwksError: the service cannot start; the message says in one line why and what to do.
    """
    for stop_signal in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop_signal, exit_cleanly)
    configure_logging(settings.log_level)
    with open_database(settings) as dsn:
        migrate(require_primary(dsn))
        check_startup(settings, dsn)
        if settings.jwks is None:
            warn_of_local_key(settings.host)
        with ExitStack() as opened:
            listeners = [opened.enter_context(each) for each in open_listeners(settings)]
            ready = partial(announce, listener_url(listeners[0]))
            if settings.workers == 1:
                serve_in_process(build_app(settings, dsn), listeners, ready)
            else:
                serve_with_workers(settings.workers, listeners, ready)


def serve_in_process(
    app: RequestMiddleware, listeners: list[socket.socket], ready: ReadyCallback
) -> None:
    """Serve *app* in this process."""
    ReadyNotifyingServer(uvicorn_config(app), ready).run(sockets=listeners)


def serve_with_workers(workers: int, listeners: list[socket.socket], ready: ReadyCallback) -> None:
    """Serve in *workers* processes; one that dies is replaced."""
    config = uvicorn_config("app.server:create_worker_app", workers)
    with multiprocess_dir():
        WorkerSupervisor(config, listeners, ready).run()


def create_worker_app() -> RequestMiddleware:
    """Return the application of one worker process, which reads the settings itself."""
    exit_with_parent(remove_dir)
    redact_crash_output()
    settings = read_settings()
    configure_logging(settings.log_level)
    lease = ExitStack()  # released by the operating system when the worker ends
    return build_app(settings, lease.enter_context(open_database(settings)))


def build_app(settings: Settings, dsn: str) -> RequestMiddleware:
    """Return the application on the migrated database *dsn*; once per process."""
    dependencies = build_dependencies(settings, dsn)
    app = create_app(
        dependencies,
        split_origins(settings.cors_origins),
        settings.admin_port,
        build_console(dependencies),
    )
    tune_garbage_collector()
    return app


def uvicorn_config(app: RequestMiddleware | str, workers: int = 1) -> uvicorn.Config:
    """Return uvicorn's configuration for *app*, or for the result of the function that it names."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        loop="uvloop",
        http=GuardedHttpProtocol,
        ws="none",
        proxy_headers=False,  # it would believe X-Forwarded-For of every local process
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=SHUTDOWN_GRACE,
    )


class ReadyNotifyingServer(uvicorn.Server):
    """A server that calls *ready* once it accepts requests."""

    def __init__(self, config: uvicorn.Config, ready: ReadyCallback) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and report it."""
        await super().startup(sockets)
        if self.started:
            self.ready()


def open_listeners(settings: Settings) -> Iterator[socket.socket]:
    """Yield the sockets that listen: for requests, and for health and metrics if set.

    Raises:
        SettingsError: an address is in use, or does not belong to this machine.
    """
    yield open_listener(settings.host, settings.port)
    if settings.admin_port:
        yield open_listener(settings.host, settings.admin_port, "INTEGRATIONS_ADMIN_PORT")


def open_listener(host: str, port: int, name: str = "INTEGRATIONS_PORT") -> socket.socket:
    """Return a socket that listens on *host*; port 0 takes any free one; *name* is its setting.

    `::` is all addresses, of IPv4 too if the machine can.

    Raises:
        SettingsError: the address is in use, or does not belong to this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual = host == "::" and socket.has_dualstack_ipv6()
    try:
        host.encode("idna")  # create_server would fail later, and leave its socket open
        listener = socket.create_server(
            (host, port), family=family, backlog=2048, dualstack_ipv6=dual
        )
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", "not a valid host name")
        message = (
            f"Cannot listen on {host} port {port} ({reason}):"
            f" set INTEGRATIONS_HOST and {name} to a free address."
        )
        raise SettingsError(message) from None
    close_connections_that_do_not_read(listener)
    listener.set_inheritable(True)
    return listener


def listener_url(listener: socket.socket) -> str:
    """Return the URL of *listener*."""
    host, port = listener.getsockname()[:2]
    return http_url(host, port)


def exit_cleanly(_: int, __: FrameType | None) -> None:
    """End the process with status 0: a stop signal is not an error."""
    sys.exit(0)
