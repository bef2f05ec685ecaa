"""Build a shop on DuckDB and on a Spark cluster of this machine, and compare all tables row for row.

    python -m cluster.prove                    nights of a small sample shop, with an erasure
    python -m cluster.prove --events NUMBER    a build and a night of so many events
    python -m cluster.prove SOURCES            one build of the dumps that a sources file names

The latter two have larger executors. Prints a line for each build; ends with 1 when a table differs. In the
first of the nights a worker is killed while it builds.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from benchmarks.scale import EVENTS_A_PERSON, Scale, sources_file, write_dumps
from compare_homes import differing

from cluster.shop import Shop
from cluster.spark_server import (
    OF_LARGE_TABLES,
    OF_SMALL_TABLES,
    Cluster,
    killed_while_building,
    spark_cluster,
)
from orchestration.core.settings import PROJECT_ROOT

LEDGER = "select count(*) from fct_aipl_ledger"
ENGINES = "select engine from dim_release order by created_at desc limit 1"
# What dbt and the engine do; all else is done by DuckDB in both homes.
BUILT_IN = re.compile(r"^warehouse\b.*\((\d+\.\d s)\)$", re.MULTILINE)
DAYS = 180

Nights = Iterator[tuple[str, Callable[[], str]]]


@dataclass(frozen=True)
class Homes:
    """The same dumps twice: `there` is built on the cluster, `here` on DuckDB."""

    folder: Path
    sources: Path
    cluster: Cluster

    @property
    def there(self) -> Path:
        """Home of what the cluster builds."""
        return self.folder / "spark"

    @property
    def here(self) -> Path:
        """Home of what DuckDB builds."""
        return self.folder / "duckdb"

    def both(self, *arguments: str) -> str:
        """Run a command in both; tells how long each took, and of it the build."""
        engine = {"AIPL_ENGINE": "spark", "SPARK_REMOTE": self.cluster.remote}
        here, there = self._run(self.here, arguments, {}), self._run(self.there, arguments, engine)
        return f"DuckDB {here}, Spark {there}"

    def on_duckdb(self, home: Path) -> None:
        """Run a night in a home on DuckDB."""
        self._run(home, ("run",), {})

    def _run(self, home: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
        begin = time.monotonic()
        command = [str(Path(sys.executable).with_name("aipl")), *arguments]
        places = {"AIPL_HOME": str(home), "AIPL_SOURCES": str(self.sources)}
        answer = subprocess.run(
            command, env=os.environ | places | environment, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return " of ".join([*BUILT_IN.findall(answer.stdout), f"{time.monotonic() - begin:.0f} s"])


def prove(homes: Homes, nights: Nights) -> int:
    """Print what each night gives; the number of tables that differed."""
    found = 0
    for name, night in nights:
        taken = night()
        lines, tables, rows = differing(homes.there, homes.here)
        found += len(lines)
        print(f"{name}: {tables} tables, {rows:,} rows, {len(lines)} differ ({taken})", flush=True)
        print("".join(f"    {line}\n" for line in lines), end="")
    return found


def nights_of_small_shop(homes: Homes) -> Nights:
    """Name of a night, and what happens in it."""
    shop = Shop.opened(homes.folder / "dumps", late_loads=2)
    shop.write_sources(homes.sources)
    night, withdraw = partial(homes.both, "run"), shop.withdraw

    def first() -> str:
        # The other home was built on DuckDB before, so that the ledger would tell what the engine changes.
        homes.on_duckdb(homes.there)
        with killed_while_building(homes.there, homes.cluster):
            return night()

    def after(*changes: Callable[[], None]) -> str:
        for change in changes:
            change()
        return night()

    yield "first build, a worker killed", first
    assert released(homes.there, LEDGER) == released(homes.here, LEDGER) == 0
    assert released(homes.there, ENGINES) == "spark"
    yield "late loads", partial(after, shop.deliver_late_loads)
    yield "orders with other amounts", partial(after, shop.correct_orders)
    yield (
        "refunds and memberships withdrawn",
        partial(after, partial(withdraw, "refunds", "memberships")),
    )
    yield "links of identity withdrawn", partial(after, partial(withdraw, "identity_links"))
    yield "nothing new", night
    yield "a person erased", partial(homes.both, "erase", shop.a_member(), "--yes")
    assert released(homes.there, LEDGER) == released(homes.here, LEDGER)


def nights_of_many_events(homes: Homes, events: int) -> Nights:
    """A build of so many events, and the next day."""
    dumps, persons = homes.folder / "dumps", events // EVENTS_A_PERSON

    def delivered(days: range) -> str:
        scale = Scale(events // DAYS * days.stop, days.stop, persons, persons // DAYS * days.stop)
        write_dumps(dumps, scale, days)
        return homes.both("run")

    homes.sources.write_text(sources_file(PROJECT_ROOT, dumps))
    yield f"{events:,} events", partial(delivered, range(DAYS))
    yield "the next day", partial(delivered, range(DAYS, DAYS + 1))


def released(home: Path, query: str) -> object:
    """The one value that a query on the current release gives."""
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        ((value,),) = connection.execute(query).fetchall()
        return value


def main(arguments: list[str]) -> int:
    """Exit code."""
    parser = argparse.ArgumentParser()
    dumps = parser.add_mutually_exclusive_group()
    dumps.add_argument("sources", nargs="?", type=Path)
    dumps.add_argument("--events", type=int)
    told = parser.parse_args(arguments)
    settings = OF_LARGE_TABLES if told.events or told.sources else OF_SMALL_TABLES
    with TemporaryDirectory() as name, spark_cluster(Path(name), workers=2, settings=settings) as cluster:
        folder = Path(name)
        homes = Homes(folder, (told.sources or folder / "sources.yml").resolve(), cluster)
        if told.events:
            nights = nights_of_many_events(homes, told.events)
        elif told.sources:
            nights = iter([("one build", partial(homes.both, "run"))])
        else:
            nights = nights_of_small_shop(homes)
        for home in (homes.here, homes.there):
            home.mkdir()
        return 1 if prove(homes, nights) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
