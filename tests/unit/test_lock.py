"""One writer per home."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.lib.errors import InputError
from orchestration.lib.lock import writer_lock

HOLD = """
import sys
from pathlib import Path
from orchestration.lib.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(home: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_process_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    try:
        with pytest.raises(InputError, match=f"process {holder.pid}, since 20"), writer_lock(tmp_path):
            pass
    finally:
        holder.communicate("")


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    holder.kill()
    holder.wait()
    with writer_lock(tmp_path):
        pass


def test_the_holder_may_take_it_again_and_frees_it_at_the_end(tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        with writer_lock(tmp_path):
            pass
        assert (tmp_path / ".writer").exists()
    assert not (tmp_path / ".writer").exists()
    hold(tmp_path).communicate("")
