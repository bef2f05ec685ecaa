"""Eight processes read in a loop while a hundred releases are published and old ones are retired."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import duckdb
import pytest
from forks import PROCESSES
from unit.publish_home import let_through, make_home

from expectations.results import GateResult
from orchestration.build.state import Build, write_build
from orchestration.core.errors import AiplError
from orchestration.core.settings import Settings
from orchestration.publish.query import run_query
from orchestration.publish.release import publish
from orchestration.quality import mart_gate as gate

RELEASES, READERS = 100, 8
# Great Expectations would take most of the time, and touches nothing that a reader reads.
REALLY_JUDGED = 2
# About twenty releases a day: so many a reader that has resolved `current` may fall behind.
APART = timedelta(minutes=72)
PAUSE_SECONDS = 0.2


def number_of(release_id: str) -> int:
    """Release n is of a build whose name begins with n, and its stock is n."""
    return int(release_id[-8:])


def whole_folder(settings: Settings) -> set[int]:
    """Resolve `current` once, then read the database and every other file of that folder."""
    folder = (settings.published / "current").resolve()
    seen = {
        number_of(folder.name),
        number_of(json.loads((folder / "manifest.json").read_text())["release_id"]),
    }
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        for sql in (
            "select max(persons) from fct_fast",
            f"select max(persons) from '{folder}/fct_fast.parquet'",
            "select right(max(release_id), 8)::int from dim_release",
            f"select right(max(release_id), 8)::int from '{folder}/dim_release.parquet'",
        ):
            seen.add(connection.execute(sql).fetchall()[0][0])
    seen.add(number_of((folder / "notes.md").read_text().split()[2]))
    return seen


def open_database(settings: Settings) -> set[int]:
    """Open the database by way of `current`, and ask it twice."""
    with duckdb.connect(str(settings.published / "current" / "marts.duckdb"), read_only=True) as connection:
        first = connection.execute("select max(persons) from fct_fast").fetchall()[0][0]
        (release_id,) = connection.execute("select max(release_id) from dim_release").fetchall()[0]
    return {first, number_of(release_id)}


def command_line(settings: Settings) -> set[int]:
    """What `aipl query` answers."""
    sql = "select max(persons), right(max(release_id), 8)::int from fct_fast cross join dim_release"
    return set(run_query(settings, sql).rows[0])


WAYS: list[Callable[[Settings], set[int]]] = [whole_folder, open_database, command_line]


def read_on(home: Path, reader: int, started: Any, done: Event, answers: Any) -> None:
    """Read in a loop until `done`; put what went wrong and how often each release was read."""
    settings = Settings(home, home / "sources.yml")
    wrong, read, latest = [], Counter[int](), 0
    while not done.is_set():
        way = WAYS[(reader + read.total()) % len(WAYS)]
        try:
            seen = way(settings)
        except (OSError, ValueError, duckdb.Error, AiplError) as error:
            wrong.append(f"{way.__name__}: {error!r}")
            break
        if len(seen) != 1 or min(seen) < latest:
            wrong.append(f"{way.__name__}: {seen} after {latest}")
            break
        latest = min(seen)
        read[latest] += 1
        if read.total() == 1:
            started.release()
        time.sleep(PAUSE_SECONDS)
    started.release()
    answers.put((wrong, read))


def publish_number(settings: Settings, number: int) -> None:
    build_id = f"{number:08d}" + "0" * 56
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(
            "update marts.fct_fast set persons = $number where persons > 0", {"number": number}
        )
    write_build(settings, Build("complete", "rules", build_id))
    let_through(settings, build_id)
    assert publish(settings, datetime(2024, 2, 1, tzinfo=UTC) + number * APART).is_new


def test_readers_are_never_disturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, judged = gate.run_marts, list[GateResult]()

    def judge_at_first(*asked: Any, **more: Any) -> GateResult:
        """The gate on the first release and on one that follows another; then again what it found."""
        judged.append(judge(*asked, **more) if len(judged) < REALLY_JUDGED else judged[-1])
        return judged[-1]

    monkeypatch.setattr(gate, "run_marts", judge_at_first)
    settings = replace(make_home(tmp_path), kept_releases=2)
    publish_number(settings, 1)
    started, done, answers = PROCESSES.Semaphore(0), PROCESSES.Event(), PROCESSES.Queue()
    readers = [
        PROCESSES.Process(target=read_on, args=(tmp_path, reader, started, done, answers))
        for reader in range(READERS)
    ]
    for reader in readers:
        reader.start()
    try:
        for _ in readers:
            assert started.acquire(timeout=120)
        for number in range(2, RELEASES + 1):
            publish_number(settings, number)
    finally:
        done.set()
    found = [answers.get(timeout=120) for _ in readers]
    for reader in readers:
        reader.join(60)
    assert [wrong for wrong, _ in found if wrong] == []
    seen = sum((read for _, read in found), Counter[int]())
    assert len(judged) == RELEASES
    # They did read while releases came and went.
    assert len(seen) > RELEASES / 4 and min(read.total() for _, read in found) > 5
    assert len(list((settings.published / "releases").iterdir())) < RELEASES / 3
