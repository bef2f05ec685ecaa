"""One writer per home."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestration.commands.tools import ui_command
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.lock import ui_lock, writer_lock
from orchestration.core.settings import Settings

HOLD = """
import sys
from pathlib import Path
from orchestration.core.lock import {lock}
with {lock}(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(home: Path, lock: str = "writer_lock") -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends, at the latest when the block does."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(lock=lock), str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        yield holder
    finally:
        holder.communicate("")


def test_a_second_process_is_told_who_holds_the_lock_until_that_is_killed(tmp_path: Path) -> None:
    with held(tmp_path) as holder:
        for seconds in (0, 0.1):
            with (
                pytest.raises(InputError, match=f"process {holder.pid}, since 20"),
                writer_lock(tmp_path, wait_seconds=seconds),
            ):
                pass
        holder.kill()
        holder.wait()
        with writer_lock(tmp_path):
            pass


def test_each_holder_has_a_higher_number_and_what_a_dead_one_left_blocks_nobody(tmp_path: Path) -> None:
    spoiled = {
        "999999999 2024-01-01T00:00:00": Path.touch,
        f"{os.getppid()} 2024-01-01": Path.unlink,
        "": lambda path: path.write_text("half a num"),
        "noise": Path.touch,
    }
    tokens = []
    for owner, spoil in spoiled.items():
        (tmp_path / ".writer").write_text(owner)
        with writer_lock(tmp_path) as token, writer_lock(tmp_path) as again:
            assert again == token
            assert (tmp_path / ".writer").read_text().startswith(f"{os.getpid()} ")
        assert not (tmp_path / ".writer").exists()
        with held(tmp_path):
            pass
        tokens.append(token)
        spoil(tmp_path / ".writer.token")
    assert tokens == sorted(set(tokens))


def test_who_was_taken_for_dead_takes_it_no_more(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentStop, match="taken for dead"), writer_lock(tmp_path):
        (tmp_path / ".writer.lock").unlink()
        with held(tmp_path) as holder:
            try:
                with writer_lock(tmp_path):
                    raise AssertionError("two writers at once")
            finally:
                assert (tmp_path / ".writer").read_text().startswith(f"{holder.pid} ")


def test_waiting_tells_for_whom_and_goes_on_when_it_is_free(tmp_path: Path) -> None:
    said = list[str]()
    with held(tmp_path) as holder:

        def say(text: str) -> None:
            said.append(text)
            holder.communicate("")

        with writer_lock(tmp_path, wait_seconds=30, say=say):
            pass
    (told,) = said
    assert f"process {holder.pid}" in told and "Waiting up to 0.5 minutes" in told


def test_one_ui_a_home_and_its_place_is_free_once_it_is_killed(tmp_path: Path) -> None:
    with held(tmp_path, "ui_lock") as ui:
        with (
            pytest.raises(InputError, match=f"in use by `aipl ui`, process {ui.pid}, since 20"),
            ui_lock(tmp_path, "aipl erase"),
        ):
            pass
        with pytest.raises(InputError, match="in use by `aipl ui`"):
            ui_command(Settings(tmp_path, tmp_path / "sources.yml"), [])
        # Runs go on beside it.
        with writer_lock(tmp_path):
            pass
        ui.kill()
        ui.wait()
        with ui_lock(tmp_path, "aipl erase"):
            assert (tmp_path / ".ui").read_text().startswith("`aipl erase`, process ")
    assert not (tmp_path / ".ui").exists()
