"""The sources that the settings declare, and their JSON for dbt."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date

from orchestration.arrival.manifest import retired_before
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.sources.calendar import kept_from
from orchestration.sources.schedule import Schedule, load_schedule
from orchestration.sources.source import Source, dbt_context, load_sources


def configured_sources(settings: Settings) -> dict[str, Source]:
    """The sources file with `${VAR}` from the environment; `AIPL_HOME` is always known.

    A source whose past is retired begins where that ends.
    """
    sources = load_sources(settings.sources_file, {**os.environ, "AIPL_HOME": str(settings.home)})
    retired = retired_before(settings)
    today = configured_schedule(settings).today()
    return {
        source_id: source.keeping(max(retired.get(source_id, date.min), kept_from(source, today) or date.min))
        for source_id, source in sources.items()
    }


def configured_schedule(settings: Settings) -> Schedule:
    """When the nightly run starts, how long it waits, and its time zone."""
    return load_schedule(settings.sources_file)


def named_source(settings: Settings, sources: Mapping[str, Source], source_id: str) -> Source:
    """One source by name. Raises InputError that lists the known ones."""
    if source_id not in sources:
        known = ", ".join(sources)
        raise InputError(f"There is no source {source_id} in {settings.sources_file}. It declares: {known}.")
    return sources[source_id]


def dbt_sources(settings: Settings, sources: Mapping[str, Source]) -> str:
    """`AIPL_DBT_SOURCES`: JSON, the same text for the same declarations."""
    return json.dumps(dbt_context(sources, settings.dbt_project), sort_keys=True)
