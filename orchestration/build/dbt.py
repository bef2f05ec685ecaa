"""Run dbt in this process: its environment, its target folder, and a prepared manifest."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.core.settings import Settings

if TYPE_CHECKING:
    from types import FrameType

    from dbt.cli.main import dbtRunnerResult
    from dbt_common.events.base_types import EventMsg

KEPT_TARGETS = 10
CANCEL_EVERY_SECONDS = 0.2


def dbt_environment(settings: Settings, dbt_sources: str, target: Path | None = None) -> dict[str, str]:
    """Environment of every dbt command; `dbt_sources` is the JSON of the declared sources.

    Artifacts and logs go to `target`, by default the home's folder for commands run by hand.
    """
    parsed = settings.dbt_target / "partial_parse.msgpack"
    return {
        "AIPL_HOME": str(settings.home),
        "AIPL_WAREHOUSE": str(settings.warehouse),
        "AIPL_MEMORY": settings.memory,
        "AIPL_DBT_SOURCES": dbt_sources,
        "DBT_PROJECT_DIR": str(settings.dbt_project),
        "DBT_PROFILES_DIR": str(settings.dbt_project),
        "DBT_TARGET_PATH": str(target or settings.dbt_target),
        "DBT_LOG_PATH": str(target or settings.dbt_target / "logs"),
        **({"DBT_PARTIAL_PARSE_FILE_PATH": str(parsed)} if parsed.exists() else {}),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        # A variable that a build has and its manifest had not makes dbt parse again whatever reads it.
        "AIPL_DBT_RULES_CHANGED": "false",
        # Debug level would log each statement as JSON; the SQL is in `compiled` and `run` anyway.
        "DBT_LOG_LEVEL_FILE": "info",
    }


def run_dbt(
    arguments: Sequence[str],
    variables: Mapping[str, str],
    on_event: Callable[[EventMsg], None] | None = None,
) -> dbtRunnerResult:
    """Run dbt in this process, with `variables` in its environment; every event of dbt goes to `on_event`.

    dbt dies with its run, so it cannot write to the warehouse after the run has ended. The warehouse is
    closed when this returns. Raises KeyboardInterrupt when interrupted or terminated.
    """
    from dbt.cli.main import dbtRunner

    with _interrupted_by(signal.SIGINT, signal.SIGTERM), environment(variables):
        answer = dbtRunner(callbacks=[on_event] if on_event else []).invoke(list(arguments))
    if isinstance(answer.exception, KeyboardInterrupt):
        raise KeyboardInterrupt
    return answer


@contextmanager
def _interrupted_by(*signals: signal.Signals) -> Iterator[None]:
    """Let these signals raise KeyboardInterrupt, upon which dbt cancels the statements at work and ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ended = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=_cancel_until, args=(ended,), daemon=True).start()
        signal.default_int_handler(number, frame)

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _cancel_until(ended: threading.Event) -> None:
    """Cancel the statements of dbt until it ends: it does so once, and misses one that is about to begin."""
    from dbt.adapters.factory import FACTORY

    while not ended.wait(CANCEL_EVERY_SECONDS):
        for adapter in FACTORY.adapters.values():
            adapter.cancel_open_connections()  # type: ignore[attr-defined]


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables of this process for dbt while it runs here, then close the warehouse."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


def run_target(settings: Settings, run_id: str) -> Path:
    """A target folder for one run; only the last ten are kept."""
    runs = settings.dbt_target / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for old in sorted(runs.iterdir(), key=lambda path: path.stat().st_mtime)[: -KEPT_TARGETS + 1]:
        shutil.rmtree(old)
    return runs / run_id


def configured_manifest(manifest: Mapping[str, Any], configured: Iterable[str]) -> dict[str, Any]:
    """A manifest without the staging of sources that are not configured: nothing is built of it."""
    kept = set(configured)

    def is_built(node: Mapping[str, Any]) -> bool:
        parts = Path(node["original_file_path"]).parts
        return parts[:2] != ("models", "staging") or parts[2] in kept

    left_out = {key for key, node in manifest["nodes"].items() if not is_built(node)}

    def kept_of(part: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in part.items() if key not in left_out}

    maps = {
        name: {key: sorted(set(ends) - left_out) for key, ends in kept_of(manifest[name]).items()}
        for name in ("parent_map", "child_map")
    }
    return {**manifest, "nodes": kept_of(manifest["nodes"]), **maps}


def build_arguments(
    settings: Settings, configured: Iterable[str], *, in_full: bool, models: Collection[str] | None = None
) -> list[str]:
    """Arguments of the dbt command that builds these models of the configured sources, by default all, and
    tests all laws that read one of them.
    """
    # Unit tests check the SQL, not the data, and run in CI; the others only say who reads the marts.
    kinds = [f"--exclude-resource-type={kind}" for kind in ("unit_test", "exposure", "saved_query")]
    folders = [f"--exclude={folder}" for folder in staging_exclusion(settings.dbt_project, configured)]
    selected = [] if models is None else ["--select", *models]
    return ["build", *selected, *folders, *kinds, *(["--full-refresh"] if in_full else [])]


def staging_exclusion(project: Path, configured: Iterable[str]) -> list[str]:
    """dbt selection of the staging folders whose source is not configured."""
    folders = sorted(path.name for path in (project / "models" / "staging").glob("*/"))
    return [f"path:models/staging/{name}" for name in folders if name not in set(configured)]
