"""What stopped dbt, in words: a law that the data broke, or a fault of the program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.build.warehouse import open_warehouse
from orchestration.core.disk import no_room, tells_of_full_disk
from orchestration.core.errors import AiplError, EnvironmentStop, QualityStop
from orchestration.core.settings import Settings

SHOWN_NODES = 5
SHOWN_ROWS = 3


@dataclass(frozen=True)
class DbtFailure:
    """A node that did not succeed: `status` is `fail` for a broken law; `sql` finds its rows."""

    name: str
    status: str
    message: str
    sql: str | None


def explain_failure(settings: Settings, target: Path, error: BaseException | None) -> AiplError:
    """The error to raise for a dbt command that failed, by `error` or by the results in `target`.

    QualityStop when nothing but laws failed: dbt ran well, and found rows that must not be. EnvironmentStop
    when a full disk or a damaged file of raw is behind it.
    """
    failures = read_failures(target)
    log = f"The whole story is in {target / 'dbt.log'}."
    tale = "\n".join(failure.message for failure in failures) or f"{error}\n{_tail(target / 'dbt.log')}"
    if tells_of_full_disk(tale):
        return no_room(tale, target)
    if not failures:
        return AiplError(f"dbt ended before it ran a model: {error}. {log}")
    lines = [line for failure in failures[:SHOWN_NODES] for line in _lines(settings, failure)]
    if len(failures) > SHOWN_NODES:
        lines.append(f"  and {len(failures) - SHOWN_NODES} more")
    if any(failure.status != "fail" for failure in failures):
        if damaged := unreadable_files(settings.raw):
            names = "\n".join(f"  {path}" for path in damaged[:SHOWN_NODES])
            return EnvironmentStop(
                f"{len(damaged)} damaged file(s) in raw:\n{names}\nRun `aipl rebuild`: it reads them again"
                f" from landing. {log}"
            )
        return AiplError("\n".join(["dbt could not build the warehouse:", *lines, log]))
    return QualityStop("\n".join(["The data break a law of the warehouse:", *lines, log]))


def read_failures(target: Path) -> list[DbtFailure]:
    """Failed nodes of the dbt command that ran in `target`; empty when it did not come to run any."""
    path = target / "run_results.json"
    if not path.exists():
        return []
    results: list[dict[str, Any]] = json.loads(path.read_text())["results"]
    return [
        DbtFailure(
            name=result["unique_id"].split(".")[2],
            status=result["status"],
            message=result["message"] or "",
            sql=result.get("compiled_code"),
        )
        for result in results
        if result["status"] in {"fail", "error", "runtime error"}
    ]


def unreadable_files(root: Path) -> list[Path]:
    """Parquet files below `root` that cannot be read to their end; it reads them all."""
    return [path for path in sorted(root.rglob("*.parquet")) if not _can_be_read(path)]


def _can_be_read(path: Path) -> bool:
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches():
                pass
    except (OSError, pa.ArrowException):
        return False
    return True


def _tail(log: Path) -> str:
    """The end of a log, empty without one."""
    return log.read_text(errors="replace")[-20_000:] if log.exists() else ""


def _lines(settings: Settings, failure: DbtFailure) -> list[str]:
    message = " ".join(failure.message.partition("\n  > in macro")[0].split())
    lines = [f"  {failure.name}: {message}"]
    if failure.status == "fail" and failure.sql:
        for row in example_rows(settings, failure.sql):
            lines.append("    " + ", ".join(f"{name}={value}" for name, value in row.items()))
    return lines


def example_rows(settings: Settings, sql: str) -> list[dict[str, Any]]:
    """First rows that break a law: what the query of its test finds. Raises what `open_warehouse` does."""
    with open_warehouse(settings) as connection:
        connection.execute("set TimeZone = 'UTC'")
        answer = connection.execute(f"select * from ({sql}) limit {SHOWN_ROWS}")
        names = [column[0] for column in answer.description or []]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
