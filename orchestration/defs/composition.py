"""All stages put together: settings and sources in, Dagster definitions out."""

from __future__ import annotations

import json

from dagster import Definitions

from orchestration.arrival.configured import configured_schedule, configured_sources, dbt_sources
from orchestration.build.dbt import prepare_manifest
from orchestration.core.settings import Settings
from orchestration.defs.automation.arrival_sensors import arrivals_sensor, watch_sensor
from orchestration.defs.automation.dead_runs import dead_runs_sensor
from orchestration.defs.automation.jobs import nightly_job
from orchestration.defs.automation.schedules import nightly_schedule
from orchestration.defs.automation.sensors import alert_sensors
from orchestration.defs.publish.assets import mirror_asset, release_asset
from orchestration.defs.quality.checks import mart_gate
from orchestration.defs.raw.assets import arrival_asset, load_dates, raw_asset
from orchestration.defs.resources import WriterLock
from orchestration.defs.warehouse.assets import warehouse_assets
from orchestration.defs.warehouse.translator import mart_keys


def build_definitions(settings: Settings) -> Definitions:
    """All assets, checks, jobs, schedules and sensors of one home."""
    sources = configured_sources(settings)
    told = dbt_sources(settings, sources)
    manifest = json.loads(prepare_manifest(settings, told).read_text())
    days = load_dates(configured_schedule(settings).timezone)
    marts = mart_keys(manifest)
    arrival = arrival_asset(settings, sources)
    warehouse = warehouse_assets(settings, sources, told, manifest)
    release = release_asset(settings, marts)
    published = [release, *([mirror_asset(settings)] if settings.mirror_url else [])]
    rest = [key for part in (arrival, warehouse, *published) for key in part.keys]
    job = nightly_job()
    return Definitions(
        assets=[
            *(raw_asset(settings, source, days) for source in sources.values()),
            arrival,
            warehouse,
            *published,
        ],
        asset_checks=[mart_gate(settings, marts)],
        jobs=[job],
        schedules=[nightly_schedule(settings, sources, job, rest)],
        sensors=[
            arrivals_sensor(settings, sources, job, rest),
            dead_runs_sensor(settings),
            watch_sensor(settings),
            *alert_sensors(settings, job),
        ],
        resources={"lock": WriterLock(home=str(settings.home))},
    )
