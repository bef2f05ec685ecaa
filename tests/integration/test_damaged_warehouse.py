"""A warehouse that cannot be read is told with its cure, by each command that reads it, and left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest
from unit.publish_home import make_home

from orchestration.build.laws import DbtResult, broken_laws
from orchestration.build.rejects import keep_rejects, kept_accounts, kept_changes, kept_rejects
from orchestration.build.state import Build, warehouse_mark, write_build
from orchestration.build.warehouse import open_warehouse
from orchestration.commands.tools import dbt_command
from orchestration.core.errors import EnvironmentStop
from orchestration.core.privacy.erased import parse_key
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.nightly.erasing.links import linked_order
from orchestration.nightly.summary import staged_changes
from orchestration.publish.rejects import reconcile
from orchestration.publish.rejects.listing import Selection, find_rejects

READERS: dict[str, Callable[[Settings], object]] = {
    "aipl dbt": lambda settings: dbt_command(settings, ["list"]),
    "aipl erase": lambda settings: linked_order(settings, "1", frozenset({parse_key("shop:m:1")})),
    "aipl run, after dbt": keep_rejects,
    "aipl run, at its end": lambda settings: staged_changes(settings, [("shop", date(2024, 1, 2))]),
    "a broken law": lambda settings: broken_laws(
        settings, DbtResult("test.aipl.law", "fail", sql="select 1")
    ),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(make_home(tmp_path), sources_file=PROJECT_ROOT / "sources.yml")


@pytest.mark.parametrize("size", [0, 5_000, 20_000])
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_a_damaged_warehouse_is_told_by_whoever_reads_it(
    settings: Settings, reader: Callable[[Settings], object], size: int
) -> None:
    settings.warehouse.write_bytes(settings.warehouse.read_bytes()[:size])
    # As if it had been cut without a trace: where one sees it, the night builds in full by itself.
    write_build(settings, Build("complete", "program", "1" * 64, warehouse=warehouse_mark(settings)))
    state = settings.build_state.read_bytes()
    with pytest.raises(EnvironmentStop) as error:
        reader(settings)
    assert str(settings.warehouse) in str(error.value) and "`aipl rebuild`" in str(error.value)
    assert settings.build_state.read_bytes() == state


@pytest.mark.parametrize("file", [kept_rejects, kept_accounts, kept_changes])
def test_damaged_files_beside_the_warehouse_are_told(
    settings: Settings, file: Callable[[Settings], Path]
) -> None:
    readers: dict[Callable[[Settings], Path], Callable[[Settings], object]] = {
        kept_rejects: lambda settings: find_rejects(settings, Selection()),
        kept_accounts: reconcile.staged,
        kept_changes: reconcile.changes,
    }
    file(settings).write_bytes(b"PAR1 and no more")
    with pytest.raises(EnvironmentStop) as error:
        readers[file](settings)
    assert f"{file(settings)} is damaged" in str(error.value) and "`aipl rebuild`" in str(error.value)


def test_a_full_disk_is_not_called_damage(settings: Settings) -> None:
    with pytest.raises(duckdb.IOException, match="No space left"), open_warehouse(settings):
        raise duckdb.IOException("IO Error: Could not write: No space left on device")
