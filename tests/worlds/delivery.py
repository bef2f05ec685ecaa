"""How the final content arrives: in batches, in any order, late, and with versions that are corrected later.

All chances hang on the seed and the file or row at hand, so that fewer worlds arrive as they did among many.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from worlds.tables import LOADS, Row, closed_days, encode
from worlds.world import rows_of_world

TIMES = (
    "event_time",
    "paid_at",
    "refunded_at",
    "reviewed_at",
    "joined_at",
    "left_at",
    "updated_at",
    "valid_from",
)

# What another row of the world may have in its place: whatever is no key of a person and no time.
VALUES = {
    *("event", "state", "rating", "tier", "amount", "withdrawn", "order_id", "brand"),
    *("product_id", "session_id", "page_class", "device", "region", "channel", "campaign_id", "coupon"),
    *("discount", "list_amount", "cost_amount", "kind", "line_no", "reason", "category_id", "parent_id"),
    *("listed_on", "delisted_on", "starts_on", "ends_on", "warm_up_from", "baseline_from", "baseline_to"),
}

Files = dict[str, list[Row]]


def final_files(seeds: Iterable[int]) -> Files:
    """Every dump by its name, with the rows of all worlds; empty ones included where a row's table may be."""
    files = by_file(one for seed in seeds for one in rows_of_world(seed))
    # A load without events would be no load of a daily feed.
    for load in LOADS:
        files.setdefault(f"events-{load}.csv.gz", [])
    return dict(sorted(files.items()))


def by_file(rows: Iterable[Row]) -> Files:
    """The rows by the name of the dump that carries them."""
    files: Files = defaultdict(list)
    for one in rows:
        files[one.file].append(one)
    return files


def write(files: Files, folder: Path) -> None:
    """Write these dumps, over what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (folder / name).write_bytes(encode(_table(name), rows))


def write_sources(shipped: Path, target: Path) -> Path:
    """The shipped sources file, but that the sample shop owes only the dumps of the worlds."""
    document = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    document["sources"]["sample_shop"]["closed"] = {"dates": closed_days()}
    target.write_text(yaml.safe_dump(document), encoding="utf-8")
    return target


def batches(final: Files, seed: int) -> list[Files]:
    """The deliveries one after another; what a name had last is the final content."""
    dice = random.Random(f"delivery {seed}")
    count = dice.randint(3, 5)
    delivered: list[Files] = [{} for _ in range(count)]
    for name, rows in final.items():
        dice = random.Random(f"delivery {seed} {name}")
        last = dice.choice([0, *range(count), *range(count)])
        delivered[last][name] = rows
        for early in sorted(dice.sample(range(last), min(last, dice.choice([0, 1, 1, 2])))):
            delivered[early][name] = spoilt(rows, f"{seed} {name} {early}")
    # What one table still lacks comes alone, at the end: such a night starts little.
    dice = random.Random(f"delivery {seed} alone")
    table = dice.choice(("events", "orders"))
    alone = {name: rows for name, rows in delivered[-1].items() if _table(name) == table}
    delivered[-1] = {name: rows for name, rows in delivered[-1].items() if name not in alone}
    # The first delivery must bring something, and the last ones what is still missing.
    return [batch for batch in [*delivered, alone] if batch]


def _table(name: str) -> str:
    return name.partition("-")[0]


def spoilt(rows: Sequence[Row], chance: str) -> list[Row]:
    """An early version of a dump: rows missing, other times, other persons, other values, rows too many."""
    by_world: dict[str, list[Row]] = defaultdict(list)
    for one in rows:
        by_world[world_of(one)].append(one)
    early: list[Row] = []
    for one in rows:
        dice = random.Random(f"{chance} {one}")
        fate = dice.choice(["same", "same", "same", "dropped", "changed", "changed", "extra"])
        if fate in ("same", "extra"):
            early.append(one)
        if fate in ("changed", "extra"):
            early.append(changed(one, by_world[world_of(one)], dice))
        if fate == "extra":
            key = key_of(early[-1])
            early[-1] = early[-1].but(**{key: f"{one[key]}x"})
    return early


def world_of(one: Row) -> str:
    """The world that a row is of, by its key."""
    return one[key_of(one)].partition("-")[0]


def key_of(one: Row) -> str:
    """The column that holds the row's own id."""
    return next(column for column, _ in one.fields if column.endswith("_id"))


def changed(one: Row, peers: Sequence[Row], dice: random.Random) -> Row:
    """The row with some of its values as they might have been before somebody looked again."""
    fields, peer = dict(one.fields), dict(dice.choice(peers).fields)
    world, new = world_of(one), {}
    for column, value in fields.items():
        if dice.random() < 0.5:
            continue
        if column in TIMES and value:
            moved = datetime.fromisoformat(value) - timedelta(
                days=dice.choice([0, 1, 15, 365]), hours=dice.choice([0, 5])
            )
            new[column] = moved.isoformat("T" if "T" in value else " ", "seconds")
        elif column == "visitor_id" and fields.get("other_member_id", "") == "":
            new[column] = dice.choice([peer[column], f"{world}-v0", f"{world}-v1"])
        elif column == "member_id":
            new[column] = dice.choice([peer[column], f"{world}-m0", f"{world}-m1"])
        elif column in VALUES:
            new[column] = peer[column]
    return one.but(**new) if one[key_of(one)] != "" else one
