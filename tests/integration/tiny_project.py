"""A home with two tiny shops and a dbt project of a few models: all stages, in seconds."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from unit.publish_home import HomeSettings

from orchestration.core.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    import dagster as dg

SOURCES = """
sources:
  east:
    dumps: ${AIPL_HOME}/dumps/east
    feed: daily
    currency: CNY
    starts_on: 2024-01-01
    tables:
      orders: &orders
        files: orders-{load_date}.csv
        format: csv
        columns: {required: [order_id, amount]}
        not_null: [order_id]
  west:
    dumps: ${AIPL_HOME}/dumps/west
    feed: daily
    currency: EUR
    starts_on: 2024-01-01
    tables: {orders: *orders}
"""
PROJECT = """
name: tiny
profile: aipl
macro-paths: [macros]
models:
  tiny:
    staging: {+schema: staging, +materialized: view}
    intermediate: {+schema: intermediate, +materialized: table}
    marts: {+schema: marts, +materialized: table}
seeds: {tiny: {+schema: seeds}}
"""
STAGING = """
select order_id, try_cast(amount as integer) as amount, _load_date, _file, _row
from read_parquet('{{ env_var("AIPL_HOME") }}/raw/SHOP/orders/*/*.parquet', union_by_name = true)
"""
BRAND = """
select 'east' as brand_id, max(_load_date) as horizon, sum(amount) as money from {{ ref('stg_east__orders') }}
union all
select 'west', max(_load_date), sum(amount) from {{ ref('stg_west__orders') }}
"""
FAST = """
select
    'consumer_asset' as preset, 'east' as brand_id, 'week' as period_type,
    date '2024-01-01' as period_start,
    count(*) as fertility_union, 0.5 as advancing_rate, 0 as superiority_members,
    null::double as thriving_rate
from {{ ref('dim_brand') }}
"""
DAILY = """
select 'consumer_asset' as preset, 'east' as brand_id, date '2024-01-01' as as_of_date, 'I' as stage,
2 as stage_rank, 1 as persons from {{ ref('dim_brand') }} limit 1
"""
ARRIVAL = """
sources:
  - name: arrival
    config: {meta: {external_location: "{{ env_var('AIPL_HOME') }}/arrival/{identifier}.parquet"}}
    tables: [{name: files}]
"""
REJECTS = """
select
    'east' as source_id, 'orders' as entity, 'amount' as column_name, 'amount is no number' as reason,
    order_id as raw_row, _load_date, _file, _row
from {{ ref('stg_east__orders') }}
where amount is null and (select count(*) from {{ source('arrival', 'files') }}) > 0
"""
LAW = "select brand_id, money from {{ ref('dim_brand') }} where money < 0"

# One test of dbt itself, as a stranger's staging may have it, and laws of this project's kind.
LAWS = """
models:
  - name: stg_east__orders
    columns: [{name: order_id, data_tests: [not_null]}]
  - name: dim_brand
    data_tests:
      - laws:
          name: dim_brand_laws
          arguments:
            laws:
              - holds: {name: brand_is_named, condition: brand_id is not null}
              - holds: {name: money_is_owed_to_us, condition: "coalesce(money, 0) >= 0"}
"""


def make_tiny(home: Path) -> Settings:
    """Write project, sources file and alerts file, whose one route is to TEAM; no dumps yet."""
    settings = HomeSettings(home, home / "sources.yml", home / "alerts.yml")
    settings.alerts_file.write_text("routes: {team: {to: TEAM}}\n")
    settings.sources_file.write_text(SOURCES)
    project = settings.dbt_project
    files = {
        "dbt_project.yml": PROJECT,
        "models/staging/east/stg_east__orders.sql": STAGING.replace("SHOP", "east"),
        "models/staging/west/stg_west__orders.sql": STAGING.replace("SHOP", "west"),
        "models/staging/north/stg_north__orders.sql": "select * from no_such_source",
        "models/intermediate/int_rejects.sql": REJECTS,
        "models/intermediate/arrival.yml": ARRIVAL,
        "models/marts/dim_brand.sql": BRAND,
        "models/marts/fct_fast.sql": FAST,
        "models/marts/fct_aipl_daily.sql": DAILY,
        "models/laws.yml": LAWS,
        "tests/money_is_not_negative.sql": LAW,
    }
    for name, content in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content)
    shipped = ("profiles.yml", "macros/generate_schema_name.sql", "macros/engine/functions.sql")
    for name in (*shipped, "tests/generic/laws.sql", "tests/generic/holds.sql"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT_ROOT / "dbt_project" / name, project / name)
    (project / "seeds").mkdir(exist_ok=True)
    for name in ("aipl_presets", "aipl_stages", "aipl_rules", "touch_kinds"):
        shutil.copy(PROJECT_ROOT / "dbt_project" / "seeds" / f"{name}.csv", project / "seeds")
    return settings


def deliver(settings: Settings, shop: str, day: int, amounts: Sequence[object]) -> None:
    """Write, or write over, the dump of a shop for one day of January 2024."""
    folder = settings.home / "dumps" / shop
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{shop}{day}-{number},{amount}" for number, amount in enumerate(amounts)]
    (folder / f"orders-2024-01-{day:02}.csv").write_text("\n".join(["order_id,amount", *lines, ""]))


def deliver_two_days(settings: Settings) -> None:
    """Two orders of the one shop and one of the other, on the second and on the third."""
    for day in (2, 3):
        deliver(settings, "east", day, [10, 20])
        deliver(settings, "west", day, [5])


def money(settings: Settings) -> dict[str, int]:
    """Money of each brand in the current release."""
    with duckdb.connect(str(settings.published / "current" / "marts.duckdb"), read_only=True) as connection:
        return dict(connection.execute("select brand_id, money from dim_brand").fetchall())


def run(
    settings: Settings, first: int, last: int, sources: Sequence[str] = ("east", "west"), **more: Any
) -> dg.ExecuteInProcessResult:
    """Run the nightly job over load dates of January 2024, as the UI would."""
    # Nights of processes that are forked again and again import this module, and need no Dagster.
    import dagster as dg

    from orchestration.defs.composition import build_definitions
    from orchestration.defs.instance import prepare_dagster_home

    prepare_dagster_home(settings.dagster_home)
    job = build_definitions(settings).resolve_job_def("nightly")
    keys = job.asset_layer.selected_asset_keys
    idle = {dg.AssetKey(["raw", source]) for source in ("east", "west") if source not in sources}
    with dg.DagsterInstance.from_config(str(settings.dagster_home), "aipl.yaml") as instance:
        return job.execute_in_process(
            instance=instance,
            asset_selection=[key for key in keys if key not in idle],
            tags={
                "dagster/asset_partition_range_start": f"2024-01-{first:02}",
                "dagster/asset_partition_range_end": f"2024-01-{last:02}",
            },
            raise_on_error=False,
            **more,
        )
