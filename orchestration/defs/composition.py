"""All stages put together: settings and sources in, Dagster definitions out."""

from __future__ import annotations

import json
import warnings

from dagster import BetaWarning, Definitions, in_process_executor

from orchestration.arrival.configured import configured_schedule, configured_sources, dbt_sources
from orchestration.build.prepared import prepare_manifest
from orchestration.core.settings import Settings
from orchestration.defs.automation.nightly import automation, release_policy
from orchestration.defs.publish.assets import mirror_asset, release_asset
from orchestration.defs.quality.checks import mart_gate
from orchestration.defs.raw.assets import arrival_asset, load_dates, raw_asset
from orchestration.defs.resources import WriterLock
from orchestration.defs.warehouse.assets import warehouse_assets
from orchestration.defs.warehouse.translator import mart_keys


def build_definitions(settings: Settings) -> Definitions:
    """All assets, checks, jobs, schedules and sensors of one home."""
    with warnings.catch_warnings():
        # Backfills of a range in one run; the lock file holds the version that they were tried with.
        warnings.simplefilter("ignore", BetaWarning)
        return _definitions(settings)


def _definitions(settings: Settings) -> Definitions:
    sources = configured_sources(settings)
    told = dbt_sources(settings, sources)
    manifest = json.loads(prepare_manifest(settings, told).read_text())
    days = load_dates(settings, sources)
    marts = mart_keys(manifest)
    raw = [raw_asset(settings, source, told, days) for source in sources.values()]
    rest = [
        arrival_asset(settings, sources),
        warehouse_assets(settings, sources, told, manifest),
        release_asset(settings, marts, release_policy(configured_schedule(settings), sources)),
        *([mirror_asset(settings)] if settings.mirror_url else []),
    ]
    assets = Definitions(
        assets=[*raw, *rest],
        asset_checks=[mart_gate(settings, sources, told, marts)],
        resources={"lock": WriterLock(home=str(settings.home))},
        # One process for whatever the UI starts, too: DuckDB has one writer.
        executor=in_process_executor,
    )
    keys = [key for part in rest for key in part.keys]
    return Definitions.merge(assets, automation(settings, sources, keys))
