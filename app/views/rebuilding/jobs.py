"""What the server does by itself, a statement a job, on several sessions at once."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from psycopg import Connection
from psycopg.rows import TupleRow

from app.views.rebuilding.session import OPENED, open_session
from app.views.rebuilding.traffic import Traffic, cores
from app.views.rebuilding.workers import in_lanes

Job = Callable[[Connection[TupleRow]], None]
Submit = Callable[[Job], Future[None]]
Tell = Callable[[int, int], None]


def do_jobs(dsn: str, traffic: Traffic, stages: Sequence[Sequence[Job]], tell: Tell) -> None:
    """Do *stages* one after the other, the jobs of each beside each other, those in front first.

    *tell* is told, again and again, how many jobs are done, and how many there are.
    """
    jobs = sum(map(len, stages))
    before = 0
    with sessions(dsn, traffic) as submit:
        for stage in stages:
            in_lanes(submit, stage, traffic, lambda n, b=before: tell(b + n, jobs), commits=1)
            before += len(stage)


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
