"""Programs that run until they are stopped: nothing of them stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import wait_for

# Starts a child that writes down its number, and does not end it.
PARENT = """
import subprocess, sys, time
STUBBORN
child = subprocess.Popen([sys.executable, "-c", CHILD, sys.argv[1]])
time.sleep(600)
"""
CHILD = """
import os, sys, time, pathlib
STUBBORN
pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))
time.sleep(600)
"""
STUBBORN = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)]"
OURS = """
import sys
from pathlib import Path
from orchestration.core.process_group import run_until_stopped
sys.exit(run_until_stopped([sys.executable, "-c", *sys.argv[1:]], Path.cwd(), 0.5))
"""


def start(noted: Path, stubborn: str, *, ignoring: bool = False) -> subprocess.Popen[bytes]:
    child = CHILD.replace("STUBBORN", stubborn)
    parent = PARENT.replace("STUBBORN", stubborn).replace("CHILD", repr(child))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN if ignoring else signal.SIG_DFL)
    try:
        return subprocess.Popen([sys.executable, "-c", OURS, parent, str(noted)], start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, before)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("stubborn", ["", STUBBORN])
@pytest.mark.parametrize("ignoring", [False, True], ids=["", "in the background"])
def test_a_signal_ends_the_program_and_what_it_started(
    tmp_path: Path, number: signal.Signals, stubborn: str, ignoring: bool
) -> None:
    noted = tmp_path / "pid"
    ours = start(noted, stubborn, ignoring=ignoring)
    wait_for(lambda: noted.exists() and noted.read_text() != "")
    child = int(noted.read_text())
    ours.send_signal(number)
    assert ours.wait(20) == 0
    wait_for(lambda: not is_alive(child))


def test_a_program_that_ends_by_itself_gives_its_code_and_leaves_nothing(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    waits = "while not os.path.exists(sys.argv[1]) or not open(sys.argv[1]).read(): time.sleep(0.05)"
    child = CHILD.replace("STUBBORN", "")
    parent = f"""
import os, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {child!r}, sys.argv[1]])
{waits}
sys.exit(7)
"""
    ended = subprocess.run([sys.executable, "-c", OURS, parent, str(noted)], check=False)
    assert ended.returncode == 7
    wait_for(lambda: not is_alive(int(noted.read_text())))
