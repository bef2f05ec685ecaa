"""Faults that a night survives: kills, lost locks, full disks, damaged files. docs/faults.md lists them.

After each, readers have a whole release, the program says what is wrong, and one more night (after the one
thing that the message asks for, if it asks) gives what an undisturbed night gives, row for row.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nights import (
    AtCall,
    AtChange,
    CountChanges,
    Fault,
    SizeLimit,
    StopAtCall,
    begin,
    end,
    night,
    picture,
    rows,
)
from tiny_project import deliver, make_tiny

from orchestration.core.settings import Settings
from orchestration.publish.releases import point_to

KILLED = -signal.SIGKILL
# Each n-th change of the file system is one to be killed at: they are about 150, three a second.
STRIDE = 13
PULL, LOADS = "orchestration.arrival.pull", "orchestration.arrival.loads"
RECEIVE, MANIFEST = "orchestration.arrival.receive", "orchestration.arrival.manifest"
BUILD, GATE = "orchestration.build.around_dbt", "orchestration.quality.mart_gate"
PUBLISH, FILES = "orchestration.publish.release", "orchestration.publish.release_files"
AT_CALLS = [
    AtCall(f"{PULL}:land", 2, after=True),
    AtCall(f"{PULL}:parse", 2),
    AtCall("pyarrow.parquet:ParquetWriter.write_table", 2, after=True),
    AtCall(f"{MANIFEST}:LoadManifest.add", 2),
    AtCall(f"{MANIFEST}:LoadManifest.remember", 2, after=True),
    AtCall(f"{MANIFEST}:LoadManifest.add", 2, after=True),
    AtCall(f"{RECEIVE}:run_arrival", after=True),
    AtCall(f"{MANIFEST}:LoadManifest._next_decision"),
    AtCall(f"{RECEIVE}:decide_loads", 2),
    AtCall(f"{MANIFEST}:LoadManifest.decide", 2),
    AtCall(f"{LOADS}:_move_to_raw", 2),
    AtCall(f"{LOADS}:_promote", 2),
    AtCall(f"{BUILD}:write_arrival", after=True),
    AtCall(f"{BUILD}:write_build", after=True),
    AtCall("nights:between_models", 1),
    AtCall("nights:between_models", 2),
    AtCall(f"{BUILD}:mark_applied", after=True),
    AtCall(f"{BUILD}:write_build", 2, after=True),
    AtCall(f"{GATE}:run_marts"),
    AtCall(f"{GATE}:write_gate", after=True),
    AtCall(f"{FILES}:copy_marts", after=True),
    AtCall(f"{PUBLISH}:write_release", after=True),
    AtCall(f"{PUBLISH}:point_to"),
    AtCall(f"{PUBLISH}:point_to", after=True),
]


class Shop:
    """A home with one published night and the dumps of the next, restored from a copy for each fault."""

    def __init__(self, base: Path) -> None:
        self.home, self._copy = base / "home", base / "copy"
        self.home.mkdir()
        self.settings = make_tiny(self.home)
        for day in (2, 3):
            deliver(self.settings, "east", day, [10, 20])
            deliver(self.settings, "west", day, [5])
        assert night(self.home) == (0, "")
        self.before = self.released()
        # A correction with a row that cannot be read, and a new day; one of them is too large for a page.
        deliver(self.settings, "east", 3, [10, 21, "a,b"])
        deliver(self.settings, "east", 4, range(4_000))
        deliver(self.settings, "west", 4, [8])
        shutil.copytree(self.home, self._copy, symlinks=True)
        # With the arrival gate, so that nights without it are held against one that had it.
        assert night(self.home, CountChanges(), judged=True) == (0, "")
        self.changes = int(self.home.with_name("changes").read_text())
        self.undisturbed = picture(self.settings)

    def restore(self) -> None:
        """As it was before the second night; folders stay, since a test may have mounted one."""
        for path in [path for path in self.home.glob("*/*") if path.parent.name != "dumps"]:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in [path for path in self.home.iterdir() if not path.is_dir()]:
            path.unlink()
        shutil.copytree(self._copy, self.home, symlinks=True, dirs_exist_ok=True)

    def released(self) -> dict[str, Counter[tuple[Any, ...]]]:
        """What a reader sees."""
        return rows(self.settings.published / "current" / "marts.duckdb", "main")

    def require_readable(self) -> None:
        """A reader has the release of one night or of the other, whole."""
        assert self.released() in (self.before, self.undisturbed["release"])

    def require_undisturbed(self) -> None:
        """One more night gives what it would have given without the fault."""
        assert night(self.home) == (0, "")
        assert picture(self.settings) == self.undisturbed


@pytest.fixture(scope="module")
def only_shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("faults"))


@pytest.fixture
def shop(only_shop: Shop) -> Shop:
    only_shop.restore()
    return only_shop


def test_a_kill_before_any_change_of_the_file_system(shop: Shop) -> None:
    assert shop.changes > 100
    for number in range(1, shop.changes + 1, STRIDE):
        shop.restore()
        code, _ = night(shop.home, AtChange(number))
        assert code == KILLED, number
        shop.require_readable()
        shop.require_undisturbed()


@pytest.mark.parametrize("fault", AT_CALLS, ids=str)
def test_a_kill_between_two_steps(shop: Shop, fault: Fault) -> None:
    assert night(shop.home, fault)[0] == KILLED
    shop.require_readable()
    shop.require_undisturbed()


def test_a_kill_after_a_kill_after_a_kill(shop: Shop) -> None:
    """Each night gets a little further than the one before."""
    for fault in AT_CALLS[::4]:
        assert night(shop.home, fault)[0] in (KILLED, 0)
        shop.require_readable()
    shop.require_undisturbed()


@pytest.mark.parametrize(
    "place",
    [f"{RECEIVE}:decide_loads", f"{BUILD}:promote", "nights:between_models", f"{FILES}:sha256"],
)
def test_a_run_that_was_taken_for_dead_is_fenced_off(shop: Shop, place: str) -> None:
    suspended = begin(shop.home, StopAtCall(place))
    (shop.home / ".writer.lock").unlink()
    assert night(shop.home) == (0, "")
    assert suspended.pid is not None
    os.kill(suspended.pid, signal.SIGCONT)
    code, told = end(suspended, shop.home)
    assert code == 2
    assert "This run was taken for dead" in told
    assert picture(shop.settings) == shop.undisturbed


def test_two_nights_at_once(shop: Shop) -> None:
    nights = [begin(shop.home, told=f"told-{number}") for number in range(3)]
    answers = [end(process, shop.home, told=f"told-{number}") for number, process in enumerate(nights)]
    assert {code for code, _ in answers} <= {0, 2}
    assert 0 in {code for code, _ in answers}
    assert all("is being written by" in told for code, told in answers if code == 2)
    shop.require_undisturbed()


@pytest.mark.parametrize(
    ("limit", "folder"),
    [
        (SizeLimit(f"{PULL}:land", 30_000), "landing/east"),
        (SizeLimit(f"{PULL}:parse", 8_000, 2), "arrivals/east"),
        (SizeLimit("nights:stand_in_for_dbt", 150_000), "warehouse"),
        (SizeLimit(f"{PUBLISH}:write_release", 150_000), "published/releases"),
    ],
    ids=["landing", "arrivals", "warehouse", "published"],
)
def test_a_quota_is_told_and_survived(shop: Shop, limit: SizeLimit, folder: str) -> None:
    code, told = night(shop.home, limit)
    assert code == 2, told
    assert f"There is no room to write {shop.home / folder}" in told and "File too large" in told
    shop.require_readable()
    assert not list((shop.settings.published / "releases").glob(".unfinished-*")), (
        "it takes the room it lacks"
    )
    shop.require_undisturbed()


@pytest.fixture
def mount() -> Iterator[Callable[[Path, int], None]]:
    mounted: list[Path] = []

    def mount_at(folder: Path, megabytes: int) -> None:
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
            pytest.skip("only root may mount a small disk")
        mounted.append(folder)

    try:
        yield mount_at
    finally:
        for folder in mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """A file that takes all the room that is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(4096)):
                pass
        except OSError:
            return ballast


@pytest.mark.parametrize("folder", ["landing", "warehouse", "published"])
def test_a_full_disk_is_told_and_survived(
    shop: Shop, folder: str, mount: Callable[[Path, int], None]
) -> None:
    (shop.home / folder).mkdir(exist_ok=True)
    mount(shop.home / folder, 8)
    shop.restore()
    ballast = fill(shop.home / folder)
    code, told = night(shop.home)
    assert code == 2, told
    assert f"There is no room to write {shop.home / folder}" in told and "No space left" in told
    assert "has 0 MB left" in told
    assert shop.released() == shop.before
    ballast.unlink()
    shop.require_undisturbed()


def cut(path: Path) -> None:
    """Keep the first half of a file."""
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(content[: len(content) // 2])


def raw_file(settings: Settings) -> Path:
    return next(settings.raw.glob("east/orders/load_date=2024-01-02/*.parquet"))


def damage_raw_and_landing(settings: Settings) -> None:
    cut(raw_file(settings))
    cut(next(settings.landing.glob("east/*/orders-2024-01-02.csv")))


MENDED: dict[str, Callable[[Settings], object]] = {
    "warehouse cut": lambda s: cut(s.warehouse),
    "warehouse empty": lambda s: s.warehouse.write_bytes(b""),
    "warehouse gone": lambda s: s.warehouse.unlink(),
    "write-ahead log left": lambda s: s.warehouse.with_name("warehouse.duckdb.wal").write_bytes(b"\1" * 5000),
    "state.json cut": lambda s: cut(s.build_state),
    "state.json of something else": lambda s: s.build_state.write_text("[1]"),
    "gate.json cut": lambda s: cut(s.build_state.with_name("gate.json")),
    "applied gone": lambda s: (s.arrival / "applied.parquet").unlink(),
    "applied cut": lambda s: cut(s.arrival / "applied.parquet"),
    "raw cut": lambda s: cut(raw_file(s)),
    "raw empty": lambda s: raw_file(s).write_bytes(b""),
    "raw gone": lambda s: raw_file(s).unlink(),
    "raw of other rows": lambda s: shutil.copy(next(s.raw.glob("west/*/*02/*.parquet")), raw_file(s)),
    "raw and landing cut": damage_raw_and_landing,
    "current gone": lambda s: (s.published / "current").unlink(),
    "current points nowhere": lambda s: point_to(s, s.published / "releases/20200101T000000Z-00000000"),
    "writer of a dead process": lambda s: (s.home / ".writer").write_text("999999999 2024-01-01T00:00:00"),
    "writer of a reused number": lambda s: (s.home / ".writer").write_text(f"{os.getpid()} 2024-01-01"),
    "writer's token cut": lambda s: (s.home / ".writer.token").write_text(""),
}


@pytest.mark.parametrize("damage", MENDED.values(), ids=MENDED.keys())
def test_damage_that_the_next_night_mends(shop: Shop, damage: Callable[[Settings], object]) -> None:
    damage(shop.settings)
    shop.require_undisturbed()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": cut,
    "empty": lambda path: path.write_bytes(b""),
    "gone": Path.unlink,
    "noise": lambda path: path.write_bytes(b"noise" * 5000),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_manifest_stops_with_the_way_back(shop: Shop, damage: Callable[[Path], object]) -> None:
    kept = shop.settings.manifest.read_bytes()
    held = picture(shop.settings)["raw"]
    damage(shop.settings.manifest)
    code, told = night(shop.home)
    assert code == 2, told
    assert f"{shop.settings.manifest} is damaged" in told and "docs/runbooks/restore.md" in told
    assert shop.released() == shop.before
    shop.settings.manifest.write_bytes(kept)
    assert picture(shop.settings)["raw"] == held
    shop.require_undisturbed()


def test_a_dump_that_nobody_has_whole_is_asked_for(shop: Shop) -> None:
    dump = shop.home / "dumps" / "east" / "orders-2024-01-02.csv"
    content = dump.read_text()
    dump.unlink()
    damage_raw_and_landing(shop.settings)
    code, told = night(shop.home)
    assert code == 2
    assert "orders-2024-01-02.csv" in told and "Deliver the same dump again" in told
    assert shop.released() == shop.before
    dump.write_text(content)
    shop.require_undisturbed()


def test_a_folder_in_place_of_the_pointer_is_told(shop: Shop) -> None:
    pointer = shop.settings.published / "current"
    release = pointer.resolve()
    pointer.unlink()
    pointer.mkdir()
    code, told = night(shop.home)
    assert code == 2 and f"{pointer} is no link to a release" in told
    pointer.rmdir()
    shop.require_undisturbed()
    assert release.is_dir()
