"""Gives filled shadows the keys and indexes of their views, several at a time."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from operator import itemgetter

from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.session import OPENED, open_session
from app.views.rebuilding.shadows import Shadow
from app.views.rebuilding.traffic import Traffic, cores
from app.views.rebuilding.workers import in_lanes

Job = Callable[[Connection[TupleRow]], None]
Submit = Callable[[Job], Future[None]]
Tell = Callable[[int, int], None]


def build_indexes(
    dsn: str,
    connection: Connection[TupleRow],
    shadows: Sequence[Shadow],
    traffic: Traffic,
    tell: Tell,
) -> None:
    """Build all that the views of *shadows* have, as *connection* finds them.

    *tell* is told, again and again, how many indexes are built, and how many there are.
    """
    wanted = [
        (work, shadow, name) for shadow in shadows for name, work in shadow.indexes(connection)
    ]
    wanted.sort(key=itemgetter(0), reverse=True)  # so that the last one is a short one

    with sessions(dsn, traffic) as submit:

        def build(job: tuple[int, Shadow, str]) -> Future[None]:
            _, shadow, name = job
            return submit(lambda session: shadow.build(session, name))

        def finish(shadow: Shadow) -> Future[None]:
            return submit(shadow.index)

        in_lanes(build, wanted, traffic, lambda n: tell(n, len(wanted)), commits=1)
        in_lanes(finish, shadows, traffic, lambda _: None, commits=1)


@contextmanager
def sessions(dsn: str, traffic: Traffic) -> Generator[Submit]:
    """Yield what has a job done on a session, beside others; sessions stay until the end.

    One for each index would look like traffic. There is a job a core at most: as nobody waits for
    another, the longest, which is begun first, has a core of its own.
    """
    with ExitStack() as opened, ThreadPoolExecutor(cores()) as threads:
        idle: list[Connection[TupleRow]] = []

        def submit(job: Job) -> Future[None]:
            if idle:
                session = idle.pop()
            else:
                session = opened.enter_context(open_session(dsn, hasty=True))
                traffic.expect(OPENED)
            return threads.submit(run, job, session)

        def run(job: Job, session: Connection[TupleRow]) -> None:
            job(session)
            idle.append(session)

        yield submit
