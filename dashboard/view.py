"""What a run of a page looks at: one release, one brand, preset and day, one language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pandas as pd
import streamlit as st

from dashboard.charts.theme import NOBODY, stage_colours
from dashboard.data import release as releases
from dashboard.data.rows import rows_of
from dashboard.text import text
from orchestration.core.settings import Settings
from orchestration.publish.releases import Release

T = TypeVar("T")


@dataclass(frozen=True)
class Opened:
    """A release with its connection, opened once a process and shared by all sessions."""

    release: Release
    connection: duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Brand:
    """A brand with data: its days are `first_day` to `horizon`."""

    brand_id: str
    name: str
    currency: str
    first_day: date
    horizon: date


@dataclass(frozen=True)
class View:
    """What is looked at. Without a release there is no brand, preset and day."""

    settings: Settings
    language: str
    opened: Opened | None = None
    problem: str | None = None
    brand: Brand | None = None
    preset: str = ""
    day: date = date.min

    def text(self, key: str, **values: object) -> str:
        """A text of the table in the chosen language."""
        return text(self.language, key, **values)

    @property
    def release(self) -> Release | None:
        """The release that is read, if there is one."""
        return self.opened.release if self.opened else None

    def ask(self, query: Callable[..., T], *arguments: Any) -> T:
        """What a query function says of this release; remembered, since a release never changes."""
        if self.opened is None:
            raise LookupError("no release is open")
        name = f"{query.__module__}.{query.__qualname__}"
        return _remembered(str(self.opened.release.folder), name, arguments, query, self.opened.connection)

    def stages(self) -> pd.DataFrame:
        """The preset's stages above rank 0, the lowest first."""
        known = self.ask(releases.stages)
        return known[(known["preset"] == self.preset) & (known["stage_rank"] > 0)]

    def stage_order(self) -> list[str]:
        """Stages from rank 0 on."""
        known = self.ask(releases.stages)
        return [str(stage) for stage in known.loc[known["preset"] == self.preset, "stage"]]

    def stage_names(self) -> dict[str, str]:
        """Every stage as people call it: letter and name."""
        known = self.ask(releases.stages)
        own = known[known["preset"] == self.preset]
        return {
            row.stage: f"{row.stage} {row.name_zh if self.language == 'zh' else row.name_en}"
            for row in rows_of(own)
        }

    def stage_colours(self) -> dict[str, str]:
        """A colour for each stage above rank 0, the lowest first."""
        return stage_colours(list(self.stages()["stage"]))

    def all_colours(self) -> dict[str, str]:
        """The same with rank 0."""
        return {stage: self.stage_colours().get(stage, NOBODY) for stage in self.stage_order()}


@st.cache_resource(max_entries=4, show_spinner=False)
def connection_of(folder: str) -> duckdb.DuckDBPyConnection:
    """The open marts of a release folder. Raises DamagedRelease."""
    return releases.connect(Path(folder))


@st.cache_data(max_entries=400, show_spinner=False)
def _remembered(
    folder: str, name: str, arguments: Sequence[Any], _query: Callable[..., T], _connection: object
) -> T:
    return _query(_connection, *arguments)
