"""The table of all rounds: medians of both servers, and ours over the peer's."""

from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

from tests.benchmarks.http.load import Round

COLUMNS = (
    "", "connections", "ours/s", "peer/s", "ratio", "at least",
    "p50 ms", "peer p50", "p99 ms", "peer p99", "CPU µs", "peer CPU",
)  # fmt: skip


class Cell(Struct, frozen=True):
    """All rounds of one scenario at one number of connections."""

    name: str
    connections: int
    floor: float | None
    ours: Sequence[Round]
    peer: Sequence[Round]
    other: Sequence[Round] = ()

    @property
    def ratio(self) -> float:
        """Our requests/s over the peer's."""
        return median_of(self.ours).rate / median_of(self.peer).rate


def median_of(rounds: Sequence[Round]) -> Round:
    """Return the median of each figure."""
    return Round(
        rate=median(each.rate for each in rounds),
        p50=median(each.p50 for each in rounds),
        p99=median(each.p99 for each in rounds),
        cpu=median(each.cpu for each in rounds),
    )


def table(cells: Sequence[Cell], compared: str = "peer") -> str:
    """Return *cells* as a Markdown table, one line a cell; the columns name who is *compared*."""
    return markdown([column.replace("peer", compared) for column in COLUMNS], map(line_of, cells))


def table_of_other(cells: Sequence[Cell]) -> str:
    """Return the table of ours compared with the other checkout."""
    compared = [Cell(each.name, each.connections, None, each.ours, each.other) for each in cells]
    return table(compared, "other")


def markdown(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return *lines* under *columns* as a table; the first column holds names."""
    every = [columns, ("---", *["---:"] * (len(columns) - 1)), *lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in every)


def line_of(cell: Cell) -> Sequence[str]:
    """Return the line of *cell*, column by column."""
    ours, peer = median_of(cell.ours), median_of(cell.peer)
    floor = "" if cell.floor is None else f"{cell.floor}"
    return (
        cell.name, str(cell.connections),
        f"{ours.rate:.0f}", f"{peer.rate:.0f}", f"**{cell.ratio:.2f}**", floor,
        f"{ours.p50:.1f}", f"{peer.p50:.1f}", f"{ours.p99:.1f}", f"{peer.p99:.1f}",
        f"{ours.cpu:.0f}", f"{peer.cpu:.0f}",
    )  # fmt: skip
