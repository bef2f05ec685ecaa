"""What stopped dbt, in words: a law that the data broke, or a fault of the program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.arrival.configured import dbt_sources, read_arrival
from orchestration.arrival.parsed import parsed_path
from orchestration.build.laws import DbtResult, broken_laws, read_results
from orchestration.build.prepared import staging_sql
from orchestration.build.staged_alone import RawFile, StagingError, count_staged, told_with_place
from orchestration.core.errors import AiplError, EnvironmentStop, QualityStop
from orchestration.core.machine import no_memory, no_room, tells_of_full_disk, tells_of_no_memory
from orchestration.core.printable import counted
from orchestration.core.settings import Settings

SHOWN = 5
FAILED = {"fail", "error", "runtime error"}


def explain_failure(settings: Settings, target: Path, error: BaseException | None) -> AiplError:
    """The error to raise for a dbt command that failed, by `error` or by the results in `target`.

    QualityStop when only laws failed: dbt ran, and found rows that violate them. EnvironmentStop when the
    cause is a full disk, too little memory or a damaged raw file. Where a staging model cannot be run over
    what is in raw, the message names source, model, file and row.
    """
    failures = [result for result in read_results(target) if result.status in FAILED]
    log = f"The full log is {target / 'dbt.log'}."
    tale = "\n".join(failure.message for failure in failures) or f"{error}\n{_tail(target / 'dbt.log')}"
    if tells_of_full_disk(tale):
        return no_room(tale, target)
    if tells_of_no_memory(tale):
        return no_memory(tale)
    if not failures:
        return AiplError(f"dbt stopped before it ran a model: {error}. {log}")
    lines = _lines(settings, failures)
    if any(failure.status != "fail" for failure in failures):
        if damaged := unreadable_files(settings.raw):
            names = "\n".join(f"  {path}" for path in damaged[:SHOWN])
            return EnvironmentStop(
                f"{counted(len(damaged), 'file')} damaged in raw:\n{names}\nRun `aipl rebuild` to read them"
                f" again from landing. {log}"
            )
        unstaged = [f"  {line}" for line in unstaged_lines(settings)]
        return AiplError("\n".join(["dbt could not build the warehouse:", *lines, *unstaged, log]))
    return QualityStop("\n".join(["The data violate a law of the warehouse:", *lines, log]))


def unstaged_lines(settings: Settings) -> list[str]:
    """A line for each source whose staging models cannot be run over what is in effect."""
    arrival = read_arrival(settings)
    sql = staging_sql(settings, dbt_sources(settings, arrival.sources))
    lines = []
    for source_id, source in arrival.sources.items():
        effective = arrival.of(source_id).effective_of(source.tables)
        files = [RawFile(v.table_name, v.load_date, v.file, parsed_path(settings.raw, v)) for v in effective]
        if source_id in sql.entities:
            try:
                count_staged(settings, source, sql, files)
            except StagingError as error:
                lines.append(f"{source_id}: {told_with_place(settings, source, sql, files, error)[0]}")
    return lines


def broken_law_lines(settings: Settings, target: Path) -> list[str]:
    """The broken laws of the dbt command that ran in `target`, with rows that violate them."""
    return _lines(settings, [result for result in read_results(target) if _is_broken_law(result)])


def unreadable_files(root: Path) -> list[Path]:
    """Parquet files below `root` that cannot be read completely; reads every file."""
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


def _is_broken_law(result: DbtResult) -> bool:
    """Unit tests fail too, but judge no data."""
    return result.status == "fail" and result.unique_id.startswith("test.")


def _lines(settings: Settings, failures: Sequence[DbtResult]) -> list[str]:
    shown = [lines for failure in failures for lines in _told(settings, failure)]
    more = [f"  and {len(shown) - SHOWN} more"] if len(shown) > SHOWN else []
    return [line for lines in shown[:SHOWN] for line in lines] + more


def _told(settings: Settings, failure: DbtResult) -> list[list[str]]:
    """The failure in lines: each broken law separately, with rows that violate it."""
    if not _is_broken_law(failure):
        message = failure.message.partition("\n  > in macro")[0]
        return [[f"  {failure.name}: {' '.join(message.split())}"]]
    told = []
    for broken in broken_laws(settings, failure):
        law = f"{broken.table}.{broken.law}" if broken.table else broken.law
        examples = (f"    {line}" for line in broken.example_lines)
        told.append([f"  {law}: {counted(broken.failures or 0, 'row')}", *examples])
    return told
