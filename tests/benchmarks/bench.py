"""`make bench`: the real program on dumps of any size, against a floor measured in the same run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import pandas as pd

from benchmarks.page import Page
from benchmarks.peers import compare, write_inputs
from benchmarks.queries import QUERIES
from benchmarks.scale import EVENTS_A_PERSON, Scale, sources_file, write_dumps
from orchestration.core.settings import PROJECT_ROOT

REPEATS = 3
SAMPLE_SECONDS = 0.1
STEP = re.compile(r"^(pull|warehouse|mart gate|release)\b.*\((\d+\.\d) s\)$", re.MULTILINE)
Run = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A shop, and the runs measured on it, in order: names of methods of `Shop`."""

    scale: Scale
    runs: tuple[str, ...]


def cases(environment: Mapping[str, str]) -> list[Case]:
    """One size in depth (EVENTS over DAYS); other sizes (GROWTH), and other numbers of days (HISTORIES)."""

    def numbers(name: str, default: str) -> list[int]:
        return [int(word) for word in environment.get(name, default).split()]

    def scale(events: int, days: int, persons: int) -> Scale:
        return Scale(events, days, persons, events // EVENTS_A_PERSON)

    (events,), (days,) = numbers("EVENTS", "3000000"), numbers("DAYS", "180")
    persons, full, nights = events // EVENTS_A_PERSON, ("full_build",), ("night",) * REPEATS
    depth = full * REPEATS + ("nothing",) * REPEATS + ("correction",) * REPEATS + nights
    growth, histories = numbers("GROWTH", f"{events // 3}"), numbers("HISTORIES", "30 90 180 360")
    return [
        Case(scale(events, days, persons), depth),
        *(Case(scale(size, days, size // EVENTS_A_PERSON), full) for size in growth),
        *(Case(scale(events // days * n, n, persons), ("run", *nights)) for n in histories if n != days),
    ]


class Shop:
    """A home with the dumps of a scale, and the nights that follow them."""

    def __init__(self, folder: Path, scale: Scale) -> None:
        self.folder, self.scale, self.day = folder, scale, scale.days
        self.dumps, self.home = folder / "dumps", folder / "home"
        write_dumps(self.dumps, scale, range(scale.days))
        (folder / "sources.yml").write_text(sources_file(PROJECT_ROOT, self.dumps))

    def run(self) -> Run:
        """What lies in the dumps and is not loaded yet, to a published release."""
        environment = {"AIPL_HOME": str(self.home), "AIPL_SOURCES": str(self.folder / "sources.yml")}
        return measure("aipl", "run", **environment)

    nothing = run

    def full_build(self) -> Run:
        """The same in an empty home, its steps, and the floor in the median of some repeats."""
        shutil.rmtree(self.home, ignore_errors=True)
        run = self.run()
        steps = {name: float(seconds) for name, seconds in STEP.findall(run["output"])}
        return run | {"steps": steps, "floor": median(self.floor() for _ in range(REPEATS))}

    def floor(self) -> float:
        """Seconds that DuckDB takes to read raw once and aggregate it."""
        with duckdb.connect(str(self.folder / "floor.duckdb")) as connection:
            connection.execute("set variable raw = ?", [str(self.home / "raw")])
            connection.execute("drop table if exists person_days")
            script = (Path(__file__).parent / "floor.sql").read_text()
            return seconds_of(lambda: connection.execute(script))

    def correction(self) -> Run:
        """A night that brings almost nothing: the reviews of the last day again, without one of them."""
        reviews = max(self.dumps.glob("reviews-*.parquet"))
        shorter = reviews.with_suffix(".new")
        duckdb.execute(f"""
            copy (from '{reviews}' where review_id <> (select max(review_id) from '{reviews}'))
            to '{shorter}' (format parquet)
        """)
        shorter.replace(reviews)
        return self.run()

    def night(self) -> Run:
        """The next day comes, with as many events as the others."""
        events, days = self.scale.events // self.scale.days * (self.day + 1), self.day + 1
        one = Scale(events, days, self.scale.persons, self.scale.orders)
        write_dumps(self.dumps, one, range(self.day, days))
        self.day = days
        return self.run()

    def peers(self) -> list[tuple[str, ...]]:
        """The stages of the last full build by other ways."""
        folder = self.folder / "peers"
        folder.mkdir()
        model = "compiled/aipl/models/marts/aipl/fct_aipl_stage_history.sql"
        (compiled,) = (self.home / "dbt/runs").glob(f"*/{model}")
        write_inputs(self.home / "warehouse/warehouse.duckdb", compiled, folder)
        return compare(folder, REPEATS)

    def answers(self) -> dict[str, float]:
        """Seconds by question on the current release, each in the median of some repeats."""
        database = self.home / "published/current/marts.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:

            def seconds(query: str) -> float:
                return seconds_of(lambda: connection.execute(query).fetchall())

            return {name: median(seconds(one) for _ in range(REPEATS)) for name, one in QUERIES.items()}

    def share_of_tests(self) -> float:
        """Of the seconds that the last dbt run spent in nodes, side by side or not, those in tests."""
        results = max((self.home / "dbt/runs").glob("*/run_results.json"), key=os.path.getmtime)
        nodes = pd.DataFrame(json.loads(results.read_text())["results"])
        tests = nodes[nodes.unique_id.str.startswith("test.")]
        return float(tests.execution_time.sum() / nodes.execution_time.sum())


def measure(*command: str, **environment: str) -> Run:
    """Seconds of a command, the highest sum of resident bytes of all its processes, and what it printed.

    Raises CalledProcessError, with the output, where it does not end well.
    """
    with tempfile.TemporaryFile("w+") as printed:
        started, peak = time.perf_counter(), 0
        streams: Any = {"stdout": printed, "stderr": subprocess.STDOUT}
        with subprocess.Popen(
            command, env=os.environ | environment, start_new_session=True, **streams
        ) as process:
            while process.poll() is None:
                peak = max(peak, resident(process.pid))
                time.sleep(SAMPLE_SECONDS)
        seconds = time.perf_counter() - started
        printed.seek(0)
        output = printed.read()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return {"seconds": seconds, "peak_bytes": peak, "output": output}


def resident(session: int) -> int:
    """Resident bytes of all processes of a session; what has ended meanwhile counts nothing."""
    pages = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            # Fields 6 and 24 of the table in proc(5), counted behind the name.
            fields = status.read_text().rpartition(")")[2].split()
            pages += int(fields[21]) if int(fields[3]) == session else 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Sizes come from the environment; all files are temporary, in SCRATCH if it is given."""
    runs: list[Run] = []
    first, *others = cases(os.environ)
    with tempfile.TemporaryDirectory(dir=os.environ.get("SCRATCH")) as scratch:
        for number, case in enumerate((first, *others)):
            shop = Shop(Path(scratch) / f"{number}", case.scale)
            for done, what in enumerate(case.runs, start=1):
                run = getattr(shop, what)()
                sys.stderr.write(f"{case.scale}: {what}, {run['seconds']:.1f} s\n")
                runs.append({"events": case.scale.events, "days": case.scale.days, "what": what, **run})
                if case is first and done == REPEATS:
                    share, peers = shop.share_of_tests(), shop.peers()
            if case is first:
                answers = shop.answers()
            shutil.rmtree(shop.folder)
    page = Page(first.scale, pd.DataFrame(runs), share, peers, answers)
    sys.stdout.write(page.write(PROJECT_ROOT / "docs"))


if __name__ == "__main__":
    main()
