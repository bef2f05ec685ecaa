"""docs/runbooks/erase-a-person.md, followed: the person is nowhere, the others are as they were without."""

from __future__ import annotations

import csv
import gzip
import json
import re
import shutil
from contextlib import suppress
from pathlib import Path

import duckdb
from commands import said
from contents import contents
from oracle import sample_shop
from oracle.stages import daily_stock, stage_history, walk
from released import released

from orchestration.core.settings import PROJECT_ROOT
from orchestration.sample_shop import World, write_dumps

PAGE = (PROJECT_ROOT / "docs" / "runbooks" / "erase-a-person.md").read_text()
COMMANDS = re.findall(r"^ *\$ aipl (.*)$", PAGE, re.MULTILINE)
WORLD = World(persons=30, days=10)
# In this shop: three accounts that links say are one person's, with an order.
SHARED_DEVICE = "230ae02a5963"
MEMBERS = {"m100006", "m100010", "m100016"}


def read_dump(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The header of a dump, and its records but for those that cannot be read."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", newline="") as stream:
        if path.suffix != ".jsonl":
            rows = csv.DictReader(stream)
            return list(rows.fieldnames or []), [r for r in rows if None not in [*r, *r.values()]]
        records = []
        for line in stream:
            with suppress(ValueError):
                records.append(json.loads(line))
        return [], records


def write_dump(path: Path, header: list[str], records: list[dict[str, str]]) -> None:
    with (gzip.open if path.suffix == ".gz" else open)(path, "wt", newline="") as stream:
        if path.suffix == ".jsonl":
            stream.writelines(json.dumps(record) + "\n" for record in records)
        else:
            writer = csv.DictWriter(stream, header, lineterminator="\n")
            writer.writeheader()
            writer.writerows(records)


def without(dumps: Path, target: Path, members: set[str]) -> set[str]:
    """Copy the dumps without the person, by this test's own means; returns all ids that were theirs."""
    shutil.copytree(dumps, target)
    tables = {path: read_dump(path) for path in target.glob("*-*.*")}
    records = [record for _, rows in tables.values() for record in rows]
    users: dict[str, set[str]] = {}
    for record in records:
        # An order on a device is no sign-in; an event and a link are.
        is_sign_in = {"event", "link_id"} & record.keys()
        if is_sign_in and record.get("visitor_id") and record.get("member_id"):
            users.setdefault(record["visitor_id"], set()).add(record["member_id"])
    visitors = {visitor for visitor, used_by in users.items() if used_by <= members}
    persons = members | visitors

    def is_theirs(record: dict[str, str]) -> bool:
        return not persons.isdisjoint(map(record.get, ("member_id", "other_member_id", "visitor_id")))

    orders = {record["order_id"] for record in records if record.get("order_id") and is_theirs(record)}
    for path, (header, rows) in tables.items():
        kept = [row for row in rows if not is_theirs(row) and row.get("order_id") not in orders]
        write_dump(path, header, kept)
    return persons | orders


def test_the_page_is_followed(tmp_path: Path) -> None:
    """Then nobody finds the person, and the others are as brute force tells them without."""
    find, erase, finish = COMMANDS
    home = tmp_path / "home"
    dumps = home / "dumps" / "sample_shop"
    write_dumps(dumps, WORLD)
    said(home, "run")
    # A shorter one, of a broken row, stands in any compressed bytes by chance.
    ids = {known for known in without(dumps, tmp_path / "filtered", MEMBERS) if len(known) >= 6}
    assert len(ids) > 5
    word = re.compile(rf"(?<![0-9A-Za-z_])(?:{'|'.join(map(re.escape, ids))})(?![0-9A-Za-z_])")
    assert any(word.search(text) for _, text in contents(home, but=home / "dumps"))
    assert released(home, "sample_shop:m:m100010") in said(home, *find.split())

    assert SHARED_DEVICE not in ids
    said(home, "erase", f"sample_shop:v:{SHARED_DEVICE}", code=2)
    told = said(home, *erase.split(), typed="y\n")
    assert f"kept, because other people used it too: sample_shop:v:{SHARED_DEVICE}" in told
    assert "the person is named in 0" in told
    assert {str(path) for path, text in contents(home, but=home / "dumps") if word.search(text)} == set()
    assert "Erasure" not in said(home, "status")
    (receipt,) = [path for path in (home / "erasures").iterdir() if path.name != "list.json"]
    answer = json.loads(receipt.read_text())
    assert answer["kinds"]["member"] == len(MEMBERS) and answer["removed"]["releases"] == 1
    assert answer["program"] and answer["left"] == {}
    said(home, *finish.split(), code=2)

    evidence, _ = sample_shop.read(tmp_path / "filtered")
    walks, horizon = walk(evidence), sample_shop.horizon(tmp_path / "filtered")
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as release:
        history = release.execute(
            "select brand_id, person_id, stage, valid_from, valid_to from fct_aipl_stage_history"
        ).fetchall()
        expected = {(brand, released(home, who), *rest) for brand, who, *rest in stage_history(walks)}
        assert set(history) == expected and len(history) > 20
        stock = release.execute(
            "select brand_id, as_of_date, stage, persons from fct_aipl_daily where persons > 0"
        ).fetchall()
        first = min(day for _, day, _, _ in stock)
        assert {(b, d, s): n for b, d, s, n in stock} == dict(daily_stock(walks, first, horizon))
        # What the release before told of the person stays in the ledger's sums, without a name.
        nameless = release.execute(
            "select count(*) filter (person_id is null), count(*) from fct_aipl_ledger"
        ).fetchone()
        assert nameless is not None and nameless[0] > 0
        restated = release.execute(
            "select sum(published - known_now - late - refund - identity - rules - correction)"
            f" from aipl_restated(date '{horizon}')"
        ).fetchone()
        assert restated == (0,)
