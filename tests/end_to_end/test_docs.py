"""The documents show what the program answers, and the warehouse holds the sample shop's known truth."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import subprocess
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from commands import said
from examples import DOCUMENTS, METRICS, answer, examples
from oracle.scorecard_views import abnormal, compared, goods, ranked
from postgres_server import Server, of_postgres, of_release
from warehouse import Warehouse

from dashboard.data import scorecard as queries
from orchestration.core.settings import PROJECT_ROOT, Settings

AIPL = Path(sysconfig.get_path("scripts")) / "aipl"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def told(home: Path) -> str:
    """What `make run` prints: the sample shop at its default size, and the run."""
    return said(home, "sample-shop") + said(home, "run")


@pytest.fixture(scope="module")
def truth(home: Path, told: str) -> dict[str, Any]:
    return json.loads((home / "dumps" / "sample_shop" / "_truth.json").read_text())


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (PROJECT_ROOT / "README.md").read_text(), re.DOTALL)


def same_but_for_the_moment(text: str) -> str:
    """Without what differs from run to run or from mart to mart: seconds, release ids, models, the home."""
    moving = r"\(\d+\.\d s\)|\d{8}T\d{6}Z-[0-9a-f]{8}|\d+ models| in \S+dumps/sample_shop"
    return re.sub(moving, "", text)


def test_make_run_prints_what_the_readme_shows(told: str) -> None:
    shown = [line for line in blocks("text")[0].splitlines() if line != "..."]
    printed = same_but_for_the_moment(told).splitlines()
    missing = [line for line in shown if same_but_for_the_moment(line) not in printed]
    assert len(shown) >= 10
    assert missing == []


def test_the_query_of_the_readme_answers_as_shown(home: Path, told: str) -> None:
    (command,) = [block for block in blocks("console") if "aipl query" in block]
    sql = re.search(r'aipl query "(.*?)"', command, re.DOTALL)
    assert sql is not None
    assert said(home, "query", sql[1]).split() == blocks("text")[1].split()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_queries_of_the_documents_answer_as_shown(home: Path, told: str, document: Path) -> None:
    shown = examples(document)
    settings = Settings(home, PROJECT_ROOT / "sources.yml")
    assert len(shown) >= (5 if document in METRICS else 1)
    for sql, output in shown:
        assert answer(settings, sql) == output, sql


def test_every_entity_is_as_the_truth_has_it(home: Path, truth: dict[str, Any]) -> None:
    warehouse = Warehouse(home)
    for entity, known in truth["tables"].items():
        counts = f"select count(*), count(*) filter (is_current) from intermediate.int_{entity}"
        assert warehouse.query(counts) == [(known["accepted"], known["distinct"])], entity
    rejects = warehouse.query("select entity, reason, count(*) from intermediate.int_rejects group by all")
    assert by_two_keys(rejects) == {entity: told for entity, told in truth["rejected"].items() if told}
    unreadable = f"select sum(unreadable_count) from read_parquet('{home}/arrival/files.parquet')"
    assert warehouse.query(unreadable) == [(sum(file["unreadable"] for file in truth["files"].values()),)]


def by_two_keys(rows: list[tuple[Any, ...]]) -> dict[Any, dict[Any, Any]]:
    found: dict[Any, dict[Any, Any]] = {}
    for first, second, number in rows:
        found.setdefault(first, {})[second] = number
    return found


# Figures of one table, by the names that the truth of the sample shop has for them.
COUNTED = {
    "orders": """
        select
            count(*) filter (paid_at is not null) as paid,
            count(*) filter (status = 'cancelled') as cancelled,
            count(*) filter (person_id is null) as without_person,
            count(*) filter (is_purchase and fully_refunded_on is not null) as fully_refunded,
            count(*) filter (fully_refunded_on = paid_date) as fully_refunded_on_paid_day,
            sum(amount) filter (paid_at is not null) as paid_amount
        from marts.fct_orders""",
    "events": """
        select sum(unattributed_events) as without_person, sum(ancient_events) as before_start
        from marts.dim_brand""",
    "identity": """
        select
            count(*) filter (other_member_id is null and not is_withdrawn) as sign_ins,
            count(*) filter (other_member_id is not null and not is_withdrawn) as member_links,
            count(*) filter (other_member_id is null and is_withdrawn) as sign_ins_withdrawn,
            count(*) filter (other_member_id is not null and is_withdrawn) as member_links_withdrawn
        from intermediate.int_identity_links where is_current""",
}


def test_orders_members_links_bots_and_targets_are_as_the_truth_has_them(
    home: Path, truth: dict[str, Any]
) -> None:
    warehouse = Warehouse(home)
    for subject, sql in COUNTED.items():
        with duckdb.connect(str(warehouse.settings.warehouse), read_only=True) as connection:
            (told,) = connection.execute(sql).to_arrow_table().to_pylist()
        assert told == {name: Decimal(truth[subject][name]) for name in told}, subject
    members = warehouse.query(
        "select state_kind, brand_id, count(distinct source_key) from intermediate.int_person_states "
        "join marts.dim_brand using (brand_id) "
        "where valid_from <= horizon and horizon < valid_to group by all"
    )
    assert by_two_keys(members) == truth["memberships"]
    seen = "select count(distinct source_key) from marts.dim_person_key"
    assert warehouse.query(seen) == [(truth["source_keys"]["seen"] - truth["source_keys"]["of_bots_only"],)]
    bots = warehouse.query("select brand_id, bot_events from marts.dim_brand where bot_events > 0")
    assert dict(bots) == truth["bots"]["events_by_brand"]
    targets = warehouse.query(
        "select period_start, sum(target_gmv) from marts.fct_consumer_gap where method = 'series' group by 1"
    )
    assert {str(start): gmv for start, gmv in targets} == {
        month: Decimal(gmv) for month, gmv in truth["targets"]["gmv_by_month"].items()
    }


TRAFFIC = """
    with views as (
        select views.*
        from intermediate.int_visit_events as views inner join marts.dim_brand as brands using (brand_id)
        where is_view and event_date >= first_day and not is_unbranded
    ),
    viewers as (
        select
            brand_id, event_date, count(*) as visitors,
            count(*) filter (views = 1) as one_view_visitor_days
        from (
            select brand_id, event_date, source_key, count(*) as views
            from views where source_key is not null group by all
        )
        group by all
    )
    select
        brand_id, event_date::varchar, coalesce(sum(dwell_seconds), 0)::bigint, count(dwell_seconds),
        any_value(one_view_visitor_days), count(*) filter (is_entry and visit_views = 1), count(*),
        any_value(visitors), count(*) filter (is_entry)
    from views left join viewers using (brand_id, event_date) group by all"""
PROVINCES = """
    with acts as (
        select brand_id, event_date as day, region, source_key as viewer, null as payer
        from intermediate.int_visit_events where is_view and event_date >= '2024-09-01'
        union all
        select brand_id, paid_date, region, null, source_key from intermediate.int_sales where paid_amount > 0
    )
    select
        brand_id, date_trunc('month', day)::date::varchar, coalesce(region, '(none)'),
        count(distinct viewer), count(distinct payer)
    from acts where brand_id not like '%unbranded' group by all"""
PATH_FLOW = """
    select brand_id, from_class || ' > ' || to_class, moves
    from marts.fct_path_flow where period_id = 'week:2024-09-02' and moves > 0"""
COUPONS = """
    select count(distinct order_id) filter (has_benefit), sum(coupon_amount)::decimal(18, 2)::varchar
    from intermediate.int_sales"""


def test_visits_paths_provinces_and_coupons_are_as_the_truth_has_them(
    home: Path, truth: dict[str, Any]
) -> None:
    warehouse = Warehouse(home)
    assert set(warehouse.query(TRAFFIC)) == {
        (brand, day, *(known for _, known in sorted(counts.items())))
        for brand, days in truth["traffic"].items()
        for day, counts in days.items()
    }
    assert set(warehouse.query(PROVINCES)) == {
        (brand, month, province, known["visitors"], known["buyers"])
        for brand, months in truth["provinces"].items()
        for month, provinces in months.items()
        for province, known in provinces.items()
    }
    assert by_two_keys(warehouse.query(PATH_FLOW)) == truth["path_flow"]
    assert warehouse.query(COUPONS) == [(truth["coupons"]["orders"], truth["coupons"]["coupon_amount"])]


def in_the_mart(home: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def raw_ids(home: Path) -> tuple[set[str], set[str]]:
    """Ids of visitors and members, and of orders and memberships, as the shop's dumps have them."""

    def values(table: str, *columns: str) -> set[str]:
        files = f"{home}/dumps/sample_shop/{table}-*"
        read = f"read_csv('{files}', ignore_errors = true, all_varchar = true)"
        if table == "orders":
            read = f"read_json('{files}', ignore_errors = true)"
        listed = ", ".join(f"{column}::varchar" for column in columns)
        found = duckdb.sql(f"select distinct unnest([{listed}]) from {read}").fetchall()
        return {value for (value,) in found if value}

    person = ("visitor_id", "member_id")
    people = values("identity_links", *person, "other_member_id")
    for table in ("events", "orders", "reviews", "memberships"):
        people |= values(table, *person)
    return people, values("orders", "order_id") | values("memberships", "membership_id")


def test_no_raw_id_is_anywhere_in_the_release(home: Path, told: str) -> None:
    people, others = raw_ids(home)
    assert len(people) > 5000
    assert len(others) > 1000
    release = home / "published" / "current"
    texts = {file.name: {file.read_text()} for file in release.iterdir() if file.suffix in (".json", ".md")}
    with duckdb.connect(str(release / "marts.duckdb"), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name from duckdb_columns() where not internal"
        ).fetchall()
        for mart, column in columns:
            if not (release / f"{mart}.parquet").exists():
                # A view alone: it has no texts but those of the marts that it reads.
                continue
            values = f'select distinct cast("{column}" as varchar) from'
            texts[f"{mart}.{column}"] = {
                value
                for source in (f'"{mart}"', f"read_parquet('{release}/{mart}.parquet')")
                for (value,) in connection.execute(f"{values} {source}").fetchall()
                if value
            }
    assert len(texts) > 200
    words = {
        name: {word for text in found for word in re.findall(r"\w+", text)} for name, found in texts.items()
    }
    assert {name for name in texts if people & words[name] or others & texts[name]} == set()
    # The search finds what is there: the warehouse has them.
    known = Warehouse(home).query("select distinct source_key from marts.dim_person_key")
    assert len({key.split(":")[2] for (key,) in known} & people) > 5000


BRAND = "brand_id = 'aurora'"
COMPARED_PERIODS = ("month:2024-11-01", "week:2024-11-11")
COMPARED_SLICES = ("all", "product", "region", "category_buyer_class")


def of_mart(home: Path, sql: str) -> list[dict[str, Any]]:
    """Rows of a query on the release, by column."""
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        return [dict(row) for row in connection.execute(sql).to_arrow_table().to_pylist()]


def rounded(rows: Iterable[Iterable[Any]]) -> Counter[tuple[Any, ...]]:
    """Rows whose sums may have been added in another order."""
    return Counter(
        tuple(float(f"{one:.9g}") if isinstance(one, float | Decimal) else one for one in row) for row in rows
    )


@pytest.fixture(scope="module")
def scorecard(home: Path, told: str) -> list[dict[str, Any]]:
    """That of one brand; it has a brute force of its own."""
    return of_mart(home, f"from fct_scorecard where {BRAND}")


def test_comparisons_and_effects_of_campaigns_are_those_of_the_scorecard(
    home: Path, scorecard: list[dict[str, Any]]
) -> None:
    numbers = "column_name <> 'buyer_history_days' and data_type not in ('VARCHAR', 'DATE')"
    asked = f"select column_name from duckdb_columns() where table_name = 'fct_scorecard' and {numbers}"
    sums = [row["column_name"] for row in of_mart(home, asked)]
    members: defaultdict[str, dict[tuple[str, ...], Any]] = defaultdict(dict)
    for row in scorecard:
        members[row["period_id"]][row["slice"], row["member"], row["submember"]] = row
    expected: dict[tuple[str, ...], tuple[Any, ...]] = {}
    for pair in of_mart(home, f"from dim_comparison where {BRAND}"):
        kind, period = pair["comparison_kind"], pair["period_id"]
        if period in COMPARED_PERIODS or kind in ("baseline", "after"):
            now, base = members[period], members[pair["base_period_id"]]
            for key in now.keys() | base.keys():
                if key[0] in COMPARED_SLICES and (kind != "after" or key[0] == "all"):
                    for measure, *figures in compared(now.get(key), base.get(key), sums):
                        expected[kind, period, *key, measure] = tuple(figures)

    found = of_mart(
        home,
        "select comparison_kind, period_id, slice, member, submember, measure, value, base_value, change,"
        f" change_rate from fct_comparison where {BRAND} and slice in {COMPARED_SLICES}"
        f" and (period_id in {COMPARED_PERIODS} or comparison_kind in ('baseline', 'after'))",
    )
    assert len(expected) > 5000
    assert rounded(row.values() for row in found) == rounded((*k, *v) for k, v in expected.items())

    effects = of_mart(home, f"from campaign_effect where {BRAND} and slice in ('all', 'product')")
    assert [row for row in effects if row["lift_net"] is not None], "no campaign has an aftermath"
    for row in effects:
        campaign = row["campaign_id"]
        key = (row["slice"], row["member"], "", row["measure"])
        value, base, change, rate = expected["baseline", f"campaign:{campaign}", *key]
        after, *_ = expected.get(("after", f"after:{campaign}", *key), (None,))
        known = row["measure"] in sums and None not in (value, base, after)
        assert (row["value"], row["base_value"], row["after_value"]) == pytest.approx((value, base, after))
        assert (row["lift"], row["lift_rate"]) == pytest.approx((change, rate))
        assert row["lift_net"] == pytest.approx(value + after - 2 * base if known else None), row


def test_products_are_ranked_and_judged_by_their_rows(home: Path, scorecard: list[dict[str, Any]]) -> None:
    products = goods(scorecard)
    periods = ("month:2024-11-01", "four_weeks:2024-10-28", "day:2024-11-11")
    ranking = of_mart(
        home,
        "select period_id, ranking, rank_no, product_id, value, share, cumulative_share, is_hit"
        f" from product_ranking where {BRAND} and period_id in {periods}",
    )
    assert rounded(row.values() for row in ranking) == rounded(
        (period, *row)
        for period in periods
        for row in ranked(one for one in products if one["period_id"] == period)
    )
    assert {row["is_hit"] for row in ranking} == {True, False, None}

    sale = {
        row["member"]: (row["listed_on"], row["delisted_on"])
        for row in of_mart(home, f"from dim_product where {BRAND}")
    }
    judged = []
    for kind in ("day", "week"):
        days = of_mart(home, f"from dim_period where {BRAND} and period_type = '{kind}'")
        starts = {row["period_start"]: row["period_end"] for row in days}
        judged += [(kind, *row) for row in abnormal(kind, starts, products, sale)]
    found = of_mart(
        home,
        "select period_type, period_start, product_id, measure, value, median, mad, base_periods, verdict"
        f" from abnormal_products where {BRAND}",
    )
    assert rounded(row.values() for row in found) == rounded(judged)
    assert {row["verdict"] for row in found} == {"fall", "rise", "usual"}


def test_pages_have_the_ratios_of_their_mart(home: Path, told: str) -> None:
    ratios = [SimpleNamespace(**row) for row in of_mart(home, queries.MEASURES)]
    asked = {
        "brand": "aurora",
        "period": "month:2024-11-01",
        "base_brand": "aurora",
        "base": "week:2024-11-11",
    }
    key = "period_id, slice, member, submember"
    columns = ", ".join([key, *(one.measure for one in ratios)])
    shown = Counter[tuple[Any, ...]]()
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as marts:
        for query in (queries.figures_of_members(ratios), queries.figures_of_products(ratios)):
            shown += Counter(marts.execute(f"select {columns} from ({query})", asked).fetchall())
        mart = marts.execute(
            f"select {columns} from fct_scorecard_rates where {BRAND} and slice <> 'category_buyer_class'"
            " and period_id in ($period, $base)",
            {name: asked[name] for name in ("period", "base")},
        ).fetchall()
    assert len(mart) > 100
    assert shown == Counter(mart)


def test_no_mart_of_the_release_has_a_person_beside_an_amount_and_all_is_described(
    home: Path, told: str
) -> None:
    columns = in_the_mart(
        home, "select table_name, column_name, data_type, comment from duckdb_columns() where not internal"
    )
    persons = {mart for mart, column, *_ in columns if column in ("person_id", "source_key")}
    amounts = {mart for mart, _, kind, _ in columns if kind.startswith(("DECIMAL", "DOUBLE"))}
    assert len(persons) >= 7
    assert {"fct_orders", "fct_order_lines", "fct_money_daily"} <= amounts
    assert persons & amounts == set()
    others = in_the_mart(
        home,
        "select table_name, table_comment from information_schema.tables union all"
        " select function_name, comment from duckdb_functions()"
        " where not internal and function_type = 'table_macro'",
    )
    assert len(columns) > 200
    assert [what for what in columns + others if not what[-1]] == [], "without a description"


def test_the_mirror_of_the_sample_shop_is_equal(
    home: Path, told: str, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.new_database()
    monkeypatch.setenv("AIPL_MIRROR_URL", address)
    assert said(home, "mirror").startswith("mirror: ")
    expected = of_release((home / "published" / "current").resolve())
    assert len(expected) > 20
    assert of_postgres(address) == expected


def test_the_code_of_the_page_on_tools_reads_the_release(
    home: Path, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (PROJECT_ROOT / "docs" / "connect.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.setenv("AIPL_HOME", str(home))
    names: dict[str, Any] = {}
    exec(code, names)
    expected = in_the_mart(
        home,
        "select stage, persons from fct_aipl_daily where brand_id = 'aurora' and as_of_date = '2024-11-30'",
    )
    assert len(expected) == 4
    assert comparable(list(names["stock"].itertuples(index=False, name=None))) == comparable(expected)


# The frames that the notebook shows, in their order, for the brand that it begins with. Figures only.
NOTEBOOK = {
    "stock": """
        select as_of_date, stage, persons from fct_aipl_daily where brand_id = 'aurora'""",
    "flow": """
        select from_stage, to_stage, movement, persons from fct_aipl_flow
        where brand_id = 'aurora' and period_type = 'month' and period_start = '2024-11-01'""",
    "fast": """
        select period_start, fertility_end, advancing_rate, superiority_members, thriving_rate from fct_fast
        where brand_id = 'aurora' and period_type = 'week' and period_start >= '2024-09-30'""",
    "ending": """
        select person_id, valid_from, valid_to, date '2024-11-30' from fct_aipl_stage_history
        where brand_id = 'aurora' and stage = 'L' and '2024-11-30' >= valid_from and '2024-11-30' < valid_to
        order by valid_to, person_id limit 5""",
}


def test_the_notebook_shows_what_the_marts_hold(
    home: Path, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("marimo", reason="the extra `bi` is not installed")
    import pandas as pd
    import plotly.graph_objects as go

    monkeypatch.setenv("AIPL_HOME", str(home))
    notebook = runpy.run_path(str(PROJECT_ROOT / "docs" / "notebooks" / "aipl.py"))
    outputs, _ = notebook["app"].run()
    shown = [output for output in outputs if isinstance(output, pd.DataFrame)]
    (figure,) = [output for output in outputs if isinstance(output, go.Figure)]
    expected = {name: in_the_mart(home, sql) for name, sql in NOTEBOOK.items()}
    for frame, (name, rows) in zip(shown, expected.items(), strict=False):
        assert rows, name
        assert comparable(list(frame.itertuples(index=False, name=None))) == comparable(rows), name
    assert sum(sum(trace.y) for trace in figure.data) == sum(persons for _, _, persons in expected["stock"])
    # Why the first of them is loyal: a rule of the stage, with evidence that ends when the stage does.
    why = shown[-1][shown[-1].decides]
    assert set(why.stage) == {"L"}
    assert max(why.expires_on).date() == expected["ending"][0][2]


# What is asked of `mf query`, and the same of the marts. A stock ends a week or month; a rate is one of sums.
METRICS_ASKED = {
    "--saved-query stock_by_stage": """
        select as_of_date, brand_id, stage, persons from fct_aipl_daily where preset = 'consumer_asset'""",
    "--metrics stock --group-by metric_time__month,stock__stage": """
        select date_trunc('month', as_of_date), stage, sum(persons) from fct_aipl_daily
        where (brand_id, as_of_date) in (
            select (brand_id, max(as_of_date)) from fct_aipl_daily
            group by brand_id, date_trunc('month', as_of_date)
        ) group by all""",
    "--metrics weekly_moves --group-by metric_time__day,brand,flow__movement": """
        select period_start, brand_id, movement, sum(persons) from fct_aipl_flow
        where period_type = 'week' group by all""",
    "--metrics weekly_stage_changes --group-by stage_change__to_stage": """
        select to_stage, sum(changes) from fct_aipl_stage_changes where period_type = 'week' group by all""",
    "--metrics monthly_deepened_by_touch --group-by metric_time__month,deepening__channel": """
        select period_start, channel, sum(persons) from fct_aipl_deepening
        where period_type = 'month' group by all""",
    "--saved-query fast_rates_by_week": """
        select period_start, brand_id, advancing_rate, advancing_rate_eligible, thriving_rate
        from fct_fast where preset = 'consumer_asset' and period_type = 'week'""",
    "--metrics advancing_rate,thriving_rate --group-by brand__brand_name": """
        select brand_name, sum(deepened) / sum(start_stock), sum(thriving_members) / nullif(sum(members), 0)
        from fct_fast join dim_brand using (brand_id) where period_type = 'week' group by all""",
    "--saved-query money_by_month": """
        select date_trunc('month', money_date), brand_id, currency, sum(gross_paid_amount),
            sum(refunded_amount), sum(net_by_refund_day), sum(net_as_known), sum(unknown_amount_orders),
            sum(unknown_amount_refunds)
        from fct_money_daily group by all""",
}


@pytest.fixture(scope="module")
def metrics_project(home: Path, told: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the dbt project, since `mf` reads the parsed one from its folder `target`."""
    pytest.importorskip("dbt_metricflow", reason="the extra `metrics` is not installed")
    project = tmp_path_factory.mktemp("metrics") / "dbt_project"
    shutil.copytree(PROJECT_ROOT / "dbt_project", project, ignore=shutil.ignore_patterns("target"))
    parse = ("parse", "--project-dir", str(project), "--profiles-dir", str(project / "release"))
    said(home, "dbt", "--", "--quiet", *parse, "--target-path", "target")
    return project


@pytest.mark.parametrize("asked", METRICS_ASKED)
def test_a_metric_of_the_release_is_what_its_mart_says(
    home: Path, metrics_project: Path, tmp_path: Path, asked: str
) -> None:
    subprocess.run(
        [str(AIPL.parent / "mf"), "query", *asked.split(), "--csv", str(tmp_path / "answer.csv")],
        cwd=metrics_project,
        env=os.environ | {"AIPL_HOME": str(home), "DBT_PROFILES_DIR": str(metrics_project / "release")},
        capture_output=True,
        check=True,
    )
    answered = duckdb.sql(f"from read_csv('{tmp_path}/answer.csv')").fetchall()
    expected = in_the_mart(home, METRICS_ASKED[asked])
    assert expected
    assert comparable(answered) == comparable(expected)


def comparable(rows: list[tuple[Any, ...]]) -> list[tuple[str, ...]]:
    """Rows in one order, days without hours and numbers to six digits, whatever their types."""

    def cell(value: Any) -> str:
        if isinstance(value, int | float | Decimal):
            return f"{float(value):.6g}"
        return str(value).removesuffix(" 00:00:00")

    return sorted(tuple(cell(value) for value in row) for row in rows)
