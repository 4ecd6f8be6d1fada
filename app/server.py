"""Runs the service: one process or several on one listening socket, until SIGTERM or Ctrl-C."""

import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import FrameType

import uvicorn

from app.bootstrap import compose, create_app
from app.database.connection import of_primary
from app.database.database import database
from app.database.migrate import migrate
from app.gc_tuning import collect_seldom
from app.http.middleware import RequestMiddleware
from app.http.protocol import GuardedHttpProtocol
from app.metrics.collector import drop_figures, shared_figures
from app.orphan import stop_with_parent
from app.preflight import require_startable
from app.settings import Settings, SettingsError, read_settings
from app.structured_logging import configure_logs, leave_no_trace_of_values
from app.worker_supervisor import AnnouncingSupervisor

GRACE = 5  # seconds that running requests have to finish; the promise is to exit within 10
Ready = Callable[[], None]


def serve(settings: Settings, announce: Callable[[str], None]) -> None:
    """Run until told to stop; call *announce* with the address once requests are answered.

    Raises:
        SettingsError, EmbeddedServerError, MigrationError, KeyringError, TokenKeyError,
        JwksError: the start stops; the message is one line that says which and what to do.
    """
    for told_to_stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told_to_stop, exit_quietly)
    configure_logs(settings.log_level)
    with database(settings) as dsn:
        migrate(of_primary(dsn))
        require_startable(settings, dsn)
        with listen(settings.host, settings.port) as listener:
            ready = partial(announce, address_of(listener))
            if settings.workers == 1:
                run_one(application(settings, dsn), listener, ready)
            else:
                run_many(settings.workers, listener, ready)


def run_one(app: RequestMiddleware, listener: socket.socket, ready: Ready) -> None:
    """Serve *app* in this process."""
    AnnouncingServer(config_of(app), ready).run(sockets=[listener])


def run_many(workers: int, listener: socket.socket, ready: Ready) -> None:
    """Serve in *workers* processes, started anew where one dies."""
    config = config_of("app.server:worker_app", workers)
    with shared_figures():
        AnnouncingSupervisor(config, [listener], ready).run()


def worker_app() -> RequestMiddleware:
    """Return the application of one worker process, which reads the settings for itself."""
    stop_with_parent(drop_figures)
    leave_no_trace_of_values()
    settings = read_settings()
    configure_logs(settings.log_level)
    lease = ExitStack()  # given back by the operating system when the worker ends
    return application(settings, lease.enter_context(database(settings)))


def application(settings: Settings, dsn: str) -> RequestMiddleware:
    """Return the application over the migrated database *dsn*, for the whole life of a process."""
    app = create_app(compose(settings, dsn))
    collect_seldom()
    return app


def config_of(app: RequestMiddleware | str, workers: int = 1) -> uvicorn.Config:
    """Return how uvicorn runs *app*, or what the function that *app* names returns."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        loop="uvloop",
        http=GuardedHttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
    )


class AnnouncingServer(uvicorn.Server):
    """A server that says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Ready) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            self.ready()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host*; port 0 takes any free one.

    Raises:
        SettingsError: the address is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        host.encode("idna")  # create_server would find out too late, and leave its socket open
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", "no host can have this name")
        message = (
            f"Cannot listen on {host} port {port} ({reason}):"
            " set INTEGRATIONS_HOST and INTEGRATIONS_PORT to a free address."
        )
        raise SettingsError(message) from None
    listener.set_inheritable(True)
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL at which *listener* is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def exit_quietly(_: int, __: FrameType | None) -> None:
    """End the process as if it had finished: being told to stop is no failure."""
    sys.exit(0)
