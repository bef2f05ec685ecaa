"""One writer per home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.lock import writer_lock

HOLD = """
import sys
from pathlib import Path
from orchestration.core.lock import writer_lock
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


def test_each_holder_has_a_higher_number(tmp_path: Path) -> None:
    tokens = []
    for _ in range(3):
        with writer_lock(tmp_path) as token, writer_lock(tmp_path) as again:
            assert again == token
            tokens.append(token)
    (tmp_path / ".writer.token").unlink()
    with writer_lock(tmp_path) as token:
        tokens.append(token)
    (tmp_path / ".writer.token").write_text("half a num")
    with writer_lock(tmp_path) as token:
        tokens.append(token)
    assert tokens == sorted(set(tokens))


def test_who_was_taken_for_dead_takes_it_no_more(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentStop, match="taken for dead"), writer_lock(tmp_path):
        (tmp_path / ".writer.lock").unlink()
        holder = hold(tmp_path)
        try:
            with writer_lock(tmp_path):
                raise AssertionError("two writers at once")
        finally:
            assert (tmp_path / ".writer").read_text().startswith(f"{holder.pid} ")
            holder.communicate("")


@pytest.mark.parametrize(
    "owner", ["999999999 2024-01-01T00:00:00", f"{os.getppid()} 2024-01-01", "", "noise"]
)
def test_what_a_dead_process_wrote_blocks_nobody(tmp_path: Path, owner: str) -> None:
    (tmp_path / ".writer").write_text(owner)
    (tmp_path / ".writer.lock").touch()
    with writer_lock(tmp_path):
        assert (tmp_path / ".writer").read_text().startswith(f"{os.getpid()} ")


def test_waiting_tells_for_whom_and_goes_on_when_it_is_free(tmp_path: Path) -> None:
    holder, said = hold(tmp_path), list[str]()

    def say(text: str) -> None:
        said.append(text)
        holder.communicate("")

    with writer_lock(tmp_path, wait_seconds=30, say=say):
        pass
    assert len(said) == 1
    assert f"process {holder.pid}" in said[0] and "Waiting up to 0.5 minutes" in said[0]


def test_waiting_ends(tmp_path: Path) -> None:
    holder = hold(tmp_path)
    try:
        with (
            pytest.raises(InputError, match=f"process {holder.pid}"),
            writer_lock(tmp_path, wait_seconds=0.1),
        ):
            pass
    finally:
        holder.communicate("")
