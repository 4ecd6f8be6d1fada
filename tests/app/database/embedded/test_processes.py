import fcntl
import os
import stat
from pathlib import Path

from app.database.embedded.processes import is_held, is_shared, lock_within, open_lock, try_lock


def test_one_holds_it_alone_or_several_share_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with open_lock(path) as one, open_lock(path) as other:
        assert try_lock(one, fcntl.LOCK_SH)
        assert try_lock(other, fcntl.LOCK_SH)
        assert is_shared(path)
        assert not is_held(path)
        assert not try_lock(one, fcntl.LOCK_EX)
    with open_lock(path) as one:
        assert try_lock(one, fcntl.LOCK_EX)
        assert is_held(path)
        assert not is_shared(path)
        with open_lock(path) as other:
            assert not lock_within(0.05, other, fcntl.LOCK_SH)
    assert not is_held(path)
    assert not is_shared(path)


def test_a_look_disturbs_no_lock(tmp_path: Path) -> None:
    with open_lock(tmp_path / "lock") as held:
        assert try_lock(held, fcntl.LOCK_SH)
        assert is_shared(tmp_path / "lock")
        assert is_shared(tmp_path / "lock")


def test_a_lock_lives_as_long_as_the_last_fork_that_has_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    told, tell = os.pipe()
    with open_lock(path) as held:
        assert try_lock(held, fcntl.LOCK_EX)
        child = os.fork()
        if child == 0:
            os.close(tell)
            os.read(told, 1)
            os._exit(0)
    assert is_held(path)
    os.close(tell)
    os.close(told)
    os.waitpid(child, 0)
    assert not is_held(path)


def test_others_cannot_open_it(tmp_path: Path) -> None:
    open_lock(tmp_path / "lock").close()
    assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600
