"""From lives to files: sorting into dumps, rendering, and writing them so that no half set is ever seen."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any

from orchestration.sample_shop.calendar import campaigns, targets
from orchestration.sample_shop.catalogue import catalogue, categories
from orchestration.sample_shop.crowds import bots, shared_devices
from orchestration.sample_shop.flaws import flaws
from orchestration.sample_shop.life import life
from orchestration.sample_shop.links import same_persons
from orchestration.sample_shop.rows import Delivery, Row
from orchestration.sample_shop.tables import TABLES, Table
from orchestration.sample_shop.truth import truth
from orchestration.sample_shop.world import World

TRUTH_FILE = "_truth.json"
WORLD_FILE = ".world.json"


@dataclass(frozen=True)
class Dump:
    """One file of the dumps with what is wrong in it; `records` counts readable rows, the header is none."""

    file: str
    table: str
    content: bytes
    records: int
    unreadable: int
    rejected: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    """What `write_dumps` left in the folder; `written` is False where it was there already."""

    folder: Path
    written: bool
    files: int
    records: int


def collect(world: World, persons: Iterable[int]) -> list[Delivery]:
    """What the dumps carry of these persons, and of the shop itself."""
    own = (catalogue, categories, campaigns, targets, same_persons, shared_devices, bots)
    shop = chain.from_iterable(tell(world) for tell in own)
    told = [delivery for delivery in shop if delivery.load < world.days]
    for number in persons:
        told += life(world, number)
    return told


def render(world: World, told: Iterable[Delivery]) -> Iterator[Dump]:
    """Every dump of every table and load date, empty ones included, in a fixed order."""
    sorted_in: dict[tuple[type, int], list[Row]] = {
        (kind, load): [] for kind in TABLES for load in range(world.days)
    }
    for load, row in told:
        sorted_in[type(row), load].append(row)
    for (kind, load), rows in sorted_in.items():
        yield _dump(world, TABLES[kind], load, rows)


def write_dumps(folder: Path, world: World) -> Summary:
    """Write the world's dumps and `_truth.json` into the folder; do nothing where the same world is there.

    The set is written beside the folder and then takes its place, so that a half-written set is never seen.
    An earlier world is replaced. Raises FileExistsError for a folder with files of another origin.
    """
    fingerprint = _fingerprint(world)
    if (folder / WORLD_FILE).is_file() and (folder / WORLD_FILE).read_text(encoding="utf-8") == fingerprint:
        known = json.loads((folder / TRUTH_FILE).read_text(encoding="utf-8"))["files"]
        return Summary(folder, False, len(known), sum(file["records"] for file in known.values()))
    if folder.is_dir() and any(folder.iterdir()) and not (folder / WORLD_FILE).is_file():
        raise FileExistsError(
            f"{folder} holds files that the sample shop did not write: empty it, or name another folder"
        )
    partial = folder.with_name(f".{folder.name}.partial")
    _remove(partial)
    partial.mkdir(parents=True)
    told = collect(world, range(world.persons))
    dumps = []
    for dump in render(world, told):
        (partial / dump.file).write_bytes(dump.content)
        dumps.append(dump)
    known_truth = {**truth(world, told), **_flaw_counts(dumps)}
    (partial / TRUTH_FILE).write_text(_json(known_truth), encoding="utf-8")
    (partial / WORLD_FILE).write_text(fingerprint, encoding="utf-8")
    _put_in_place(partial, folder)
    return Summary(folder, True, len(dumps), sum(dump.records for dump in dumps))


def _dump(world: World, table: Table, load: int, rows: Iterable[Row]) -> Dump:
    good = sorted(table.fields(world, row) for row in rows)
    broken, rejected = flaws(world, table, load, good)
    records = sorted([*good, *(record for record, _ in rejected)])
    content = table.encode(records, broken)
    reasons = tuple(reason for _, reason in rejected)
    file = table.file(world.load_date(load))
    compressed = _gzip(content) if file.endswith(".gz") else content
    return Dump(file, table.name, compressed, len(records), len(broken), reasons)


def _gzip(content: bytes) -> bytes:
    """Gzip without the name and time of writing, which would differ from run to run."""
    target = BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=target, mtime=0) as archive:
        archive.write(content)
    return target.getvalue()


def _flaw_counts(dumps: Iterable[Dump]) -> dict[str, Any]:
    files: dict[str, dict[str, int]] = {}
    rejected: dict[str, Counter[str]] = {table.name: Counter() for table in TABLES.values()}
    for dump in dumps:
        files[dump.file] = {"records": dump.records, "unreadable": dump.unreadable}
        rejected[dump.table].update(dump.rejected)
    return {"rejected": rejected, "files": files}


def _fingerprint(world: World) -> str:
    """The world's parameters and the generator's own code: either one changing makes another world."""
    code = hashlib.sha256()
    for module in sorted(Path(__file__).parent.glob("*.py")):
        code.update(module.read_bytes())
    return _json({**asdict(world), "start": world.start.isoformat(), "generator": code.hexdigest()})


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _put_in_place(partial: Path, folder: Path) -> None:
    former = folder.with_name(f".{folder.name}.former")
    _remove(former)
    if folder.exists():
        folder.rename(former)
    partial.rename(folder)
    _remove(former)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
