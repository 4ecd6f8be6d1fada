"""`scripts/setup` in a checkout that was copied or moved; its installer fetches nothing."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALLER = """
tools=$PWD/tools
install_into() {
    mkdir -p .venv/lib/python3/site-packages
    printf '%s' "$PWD" >.venv/bin/integrations
    cp .venv/bin/integrations .venv/lib/python3/site-packages/_integrations.pth
}
"""


def set_up(checkout: Path) -> str:
    """Run `scripts/setup`; return what it says."""
    setup = [checkout / "scripts/setup"]
    done = subprocess.run(
        setup, env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}, capture_output=True,
        text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stderr


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout that is set up."""
    made = tmp_path / "a clone"
    for name in ("scripts/setup", "pyproject.toml", "requirements.txt"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, made / name)
    (made / "scripts/installer.sh").write_text(INSTALLER)
    (made / "tools/bin").mkdir(parents=True)
    (made / "tools/bin/python").symlink_to("/bin/true")
    set_up(made)
    return made


def test_a_second_run_does_nothing(checkout: Path) -> None:
    kept = checkout / ".venv/kept"
    kept.touch()
    assert (set_up(checkout), kept.exists()) == ("", True)


def test_an_environment_that_another_tool_made_is_used(checkout: Path) -> None:
    shutil.rmtree(checkout / ".venv/lib")
    (checkout / ".venv/stamp-run").unlink()
    kept = checkout / ".venv/kept"
    kept.touch()
    assert ("Setting up .venv" in set_up(checkout), kept.exists()) == (True, True)
    assert set_up(checkout) == ""


@pytest.mark.parametrize("put", [shutil.copytree, shutil.move])
def test_a_checkout_that_was_copied_or_moved_runs_its_own_code(
    checkout: Path, put: Callable[[Path, Path], object]
) -> None:
    elsewhere = checkout.with_name("elsewhere")
    put(checkout, elsewhere)
    assert "Setting up .venv" in set_up(elsewhere)
    assert (elsewhere / ".venv/bin/integrations").read_text() == str(elsewhere)
    assert set_up(elsewhere) == ""
