"""What is known of arrival: the sources that the settings declare, and what they have delivered."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

from orchestration.arrival.dumps import DumpsUnreachable, open_dumps
from orchestration.arrival.file_versions import Deliveries, Load
from orchestration.arrival.manifest import LoadManifest, is_there, require_manifest
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.sources.calendar import kept_from
from orchestration.sources.schedule import Schedule, load_schedule
from orchestration.sources.source import Source, dbt_context, load_sources

NOTHING = Deliveries()


@dataclass(frozen=True)
class Arrival:
    """Declared sources and one state of the load manifest.

    It is read once and passed on; code that changes the manifest reads it again.
    """

    sources: Mapping[str, Source]
    deliveries: Mapping[str, Deliveries]

    def of(self, source_id: str) -> Deliveries:
        """What a source has delivered."""
        return self.deliveries.get(source_id, NOTHING)

    @property
    def loads(self) -> list[Load]:
        """All loads of all sources."""
        return [load for deliveries in self.deliveries.values() for load in deliveries.loads]

    def fed(self) -> Arrival:
        """The same, of the sources that have a place for their dumps."""
        return replace(self, sources={name: source for name, source in self.sources.items() if source.dumps})


def read_arrival(settings: Settings, sources: Mapping[str, Source] | None = None) -> Arrival:
    """Read the manifest and, unless they are given, the declared sources. Makes no manifest.

    Raises EnvironmentStop when landing holds dumps and the manifest is gone, or when it is damaged.
    """
    require_manifest(settings)
    deliveries, retired = {}, {}
    if is_there(settings):
        with LoadManifest(settings.manifest) as manifest:
            deliveries, retired = manifest.all_deliveries(), manifest.retired_before()
    return Arrival(_declared(settings, retired) if sources is None else sources, deliveries)


def configured_sources(settings: Settings) -> dict[str, Source]:
    """The sources file with `${VAR}` from the environment; `AIPL_HOME` is always known.

    A source whose past is retired begins where that ends; an optional one that has delivered nothing and has
    no file is left out.
    """
    if not is_there(settings):
        return _declared(settings, {})
    with LoadManifest(settings.manifest) as manifest:
        return _declared(settings, manifest.retired_before())


def declared_sources(settings: Settings) -> dict[str, Source]:
    """The sources file as it is, with the optional sources that are not there."""
    return load_sources(settings.sources_file, {**os.environ, "AIPL_HOME": str(settings.home)})


def sources_of_release(
    settings: Settings, loaded: Collection[str], retired: Mapping[str, date]
) -> dict[str, Source]:
    """The declared sources with a place for dumps, for a reader that may not see that place.

    `loaded` are the sources of a release: an optional one that is not among them counts as absent. `retired`
    is the first day that retirements have left, by source.
    """
    declared = declared_sources(settings)
    present = {n: s for n, s in declared.items() if s.dumps and (not s.optional or n in loaded)}
    return _begun(settings, present, retired)


def _is_absent(settings: Settings, source: Source) -> bool:
    if not source.optional or source.dumps is None or (settings.landing / source.source_id).exists():
        return False
    try:
        # Any file counts: one that no table takes is told by the pull.
        return not any(open_dumps(source.dumps).files())
    except DumpsUnreachable:
        return True


def _declared(settings: Settings, retired: Mapping[str, date]) -> dict[str, Source]:
    declared = declared_sources(settings)
    return _begun(settings, {n: s for n, s in declared.items() if not _is_absent(settings, s)}, retired)


def _begun(
    settings: Settings, sources: Mapping[str, Source], retired: Mapping[str, date]
) -> dict[str, Source]:
    """Sources whose past is retired begin where that ends."""
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
