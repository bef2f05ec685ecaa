"""What a run of a page looks at: one release and brand, a preset and day or a period, one language."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import streamlit as st

from dashboard.charts.axes import Axis, axis_of
from dashboard.charts.theme import stage_colours
from dashboard.data import release as releases
from dashboard.format import money, span
from dashboard.text import text
from orchestration.core.settings import Settings
from orchestration.publish.releases import Release


@dataclass(frozen=True)
class Brand:
    """A brand with data: its days are `first_day` to `horizon`."""

    brand_id: str
    name: str
    currency: str
    first_day: date
    horizon: date


@dataclass(frozen=True)
class Period:
    """A period of `dim_period`, or free days, from `first` to `last`; a campaign's has an id."""

    period_id: str
    period_type: str
    first: date
    last: date
    campaign_id: str | None = None


@dataclass(frozen=True)
class Base:
    """What a period is compared with: another one of the brand by a kind of comparison, or another brand.

    `is_contaminated` when another campaign touches a campaign's baseline.
    """

    comparison: str
    period: Period
    brand: Brand
    is_contaminated: bool = False


@dataclass(frozen=True)
class View:
    """What is looked at. Without a release there is no brand, preset and day.

    Pages that look at a period have one, unless no period is complete yet; `day` is then its last day.
    """

    settings: Settings
    language: str
    release: Release | None = None
    problem: str | None = None
    brand: Brand | None = None
    preset: str = ""
    day: date = date.min
    period: Period | None = None
    base: Base | None = None

    def text(self, key: str, **values: object) -> str:
        """A text of the table in the chosen language; `day` is filled in."""
        return text(self.language, key, **{"day": self.day, **values})

    def definition(self, subject: str) -> str:
        """A link, in Markdown, to what the figures of a subject mean."""
        return f"[{self.text('definition')}](definitions?subject={subject}&lang={self.language})"

    def money(self, value: float | None, currency: str) -> str:
        """An amount as it is written in the chosen language."""
        return money(value, currency, self.language)

    def compared(self) -> str:
        """What the period is compared with, as people call it; empty where it is with nothing."""
        if self.base is None:
            return ""
        return self.named(self.base.period) if self.base.brand == self.brand else self.base.brand.name

    def sides(self) -> tuple[str, str]:
        """What charts call the period and its base: both brands by name, or both periods."""
        if self.brand and self.base and self.base.brand != self.brand:
            return self.brand.name, self.base.brand.name
        return self.named(self.period) if self.period else "", self.compared()

    def axis(self, unit: str) -> Axis:
        """How charts write a unit, as of `format.figure`, in the chosen language."""
        return axis_of(unit, self.brand.currency if self.brand else "", self.language)

    def named(self, period: Period) -> str:
        """A period as people call it: a campaign by its id, with its days; a day with its weekday."""
        if period.period_type == "day":
            return f"{period.first} {self.text(f'weekday_{period.first.isoweekday()}')}"
        days = span(period.first, period.last)
        return f"{period.campaign_id} ({days})" if period.campaign_id else days

    def ask(self, sql: str, **parameters: object) -> pd.DataFrame:
        """The answer of this release to a query, which may name what is looked at besides.

        That is `$brand`, `$preset` and `$day`; of the period `$period` (its id), `$first` and `$last`; of its
        base `$base_brand`, `$base`, `$base_first` and `$base_last`; and `$compare`, the kind of comparison.
        The answer is remembered, since a release never changes.
        """
        return _remembered(self._folder(), sql, self._named(sql, parameters))

    def later(self, sql: str, **parameters: object) -> Callable[[], pd.DataFrame]:
        """The same question, for an answer that is too large to be remembered."""
        return partial(releases.ask, connection_of(self._folder()), sql, **self._named(sql, parameters))

    def _folder(self) -> str:
        if self.release is None:
            raise LookupError("no release is open")
        return str(self.release.folder)

    def _named(self, sql: str, parameters: Mapping[str, object]) -> dict[str, Any]:
        brand = self.brand and self.brand.brand_id
        known = {"brand": brand, "preset": self.preset, "day": self.day, **self._days(), **parameters}
        return {name: known[name] for name in _parameters(sql)}

    def _days(self) -> dict[str, object]:
        base = self.base and self.base.period
        named: dict[str, object] = {
            "compare": self.base and self.base.comparison,
            "base_brand": self.base and self.base.brand.brand_id,
        }
        for prefix, period in (("", self.period), ("base_", base)):
            named[f"{prefix}first"] = period and period.first
            named[f"{prefix}last"] = period and period.last
        return {**named, "period": self.period and self.period.period_id, "base": base and base.period_id}

    def stage_names(self) -> dict[str, str]:
        """Every stage from rank 0 on as people call it: letter and name."""
        own = self._stages()
        names = own[f"name_{self.language}"]
        return {stage: f"{stage} {name}" for stage, name in zip(own["stage"], names, strict=True)}

    def stage_colours(self) -> dict[str, str]:
        """A colour for each stage above rank 0, the lowest first."""
        own = self._stages()
        return stage_colours(list(own.loc[own["stage_rank"] > 0, "stage"]))

    def _stages(self) -> pd.DataFrame:
        known = self.ask(releases.STAGES)
        return known[known["preset"] == self.preset]


@cache
def _parameters(sql: str) -> list[str]:
    """Names of the parameters of a query."""
    return sorted({name for one in duckdb.extract_statements(sql) for name in one.named_parameters})


@st.cache_resource(max_entries=4, show_spinner=False)
def connection_of(folder: str) -> duckdb.DuckDBPyConnection:
    """The open marts of a release folder, shared by all sessions. Raises DamagedRelease."""
    return releases.connect(Path(folder))


# Not copied for each run, as data would be: pages make frames of their own, and change none.
@st.cache_resource(max_entries=400, show_spinner=False)
def _remembered(folder: str, sql: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
    return releases.ask(connection_of(folder), sql, **parameters)
