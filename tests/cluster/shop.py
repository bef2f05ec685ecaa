"""A small sample shop, of which the last loads come later and dumps are corrected, as on real nights."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import yaml

from orchestration.core.settings import PROJECT_ROOT
from orchestration.sample_shop import World, write_dumps

PERSONS, DAYS = 60, 36
FIRST = date(2024, 9, 1)


@dataclass(frozen=True)
class Shop:
    """Dumps in a folder; what has not come yet lies beside it."""

    dumps: Path

    @classmethod
    def opened(cls, dumps: Path, late_loads: int) -> Shop:
        """All dumps but those of the last loads."""
        write_dumps(dumps, World(persons=PERSONS, days=DAYS, start=FIRST))
        shop = cls(dumps)
        shop._later.mkdir()
        for back in range(late_loads):
            for file in dumps.glob(f"*-{FIRST + timedelta(days=DAYS - back)}.*"):
                file.rename(shop._later / file.name)
        return shop

    def write_sources(self, file: Path) -> None:
        """A sources file with this shop alone."""
        shop = yaml.safe_load((PROJECT_ROOT / "sources.yml").read_text())["sources"]["sample_shop"]
        shop |= {"dumps": str(self.dumps), "ends_on": FIRST + timedelta(days=DAYS - 1)}
        file.write_text(yaml.safe_dump({"sources": {"sample_shop": shop}}))

    def deliver_late_loads(self) -> None:
        """Loads of the last days, and what is told late in them."""
        for file in self._later.iterdir():
            file.rename(self.dumps / file.name)

    def correct_orders(self) -> None:
        """A load again, in which every other order has another amount."""
        file = self._latest("orders", 1)
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        for row in rows[::2]:
            row["amount"] = f"{float(row['amount']) + 1:.2f}"
        file.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))

    def withdraw(self, *tables: str) -> None:
        """A load again, without its first row."""
        for table in tables:
            file = self._latest(table, 2)
            lines = file.read_text().splitlines(keepends=True)
            file.write_text("".join(lines[:1] + lines[2:]))

    def a_member(self) -> str:
        """Key of a person, as `aipl erase` takes it."""
        files = sorted(self.dumps.glob("memberships-*.csv"))
        rows = (row for file in files for row in csv.DictReader(file.read_text().splitlines()))
        return f"sample_shop:m:{next(row['member_id'] for row in rows if row['member_id'])}"

    def _latest(self, table: str, lines: int) -> Path:
        """The last dump of a table with so many lines, or more."""
        files = sorted(self.dumps.glob(f"{table}-*"), reverse=True)
        return next(file for file in files if len(file.read_text().splitlines()) >= lines)

    @property
    def _later(self) -> Path:
        return self.dumps.with_name(f"{self.dumps.name}_later")
