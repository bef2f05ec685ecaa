"""A shop whose dumps a test delivers, and its home."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from orchestration.arrival.configured import Arrival, configured_sources, read_arrival
from orchestration.arrival.pull import PullReport, pull
from orchestration.core.settings import Settings
from orchestration.sources.source import Source


class ShopHome:
    """One source, `shop`, with `tables`; each dump is a second later than the one before."""

    tables: dict[str, Any]
    today = date(2024, 9, 30)

    def __init__(self, home: Path, **entry: object) -> None:
        self.settings = Settings(home / "home", home / "sources.yml")
        self.dumps, self.now = home / "dumps", 1_700_000_000
        self.dumps.mkdir(parents=True, exist_ok=True)
        self.declare(**entry)

    def declare(self, **entry: object) -> None:
        shop = {"dumps": str(self.dumps), "feed": "daily", "currency": "CNY", "tables": self.tables}
        self.settings.sources_file.write_text(yaml.safe_dump({"sources": {"shop": shop | entry}}))

    @property
    def source(self) -> Source:
        return configured_sources(self.settings)["shop"]

    @property
    def arrival(self) -> Arrival:
        return read_arrival(self.settings)

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.dumps / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.now += 1
        os.utime(path, (self.now, self.now))
        return path

    def pull(
        self,
        load_dates: Collection[date] | None = None,
        dumps: str | None = None,
        today: date | None = None,
    ) -> PullReport:
        return pull(self.settings, self.source, load_dates, dumps, today or self.today)
