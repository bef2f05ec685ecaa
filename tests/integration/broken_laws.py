"""For each law a change of its table that breaks it, and what its test finds then."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from orchestration.build.laws import LAW_COLUMNS, Law, laws_by_test

# What an update sets, in a row of NULLs where the table has none, by the table and the law.
UPDATES = {
    "conversion_rules.rules_are_of_known_words": "unit = 'household'",
    "conversion_rules.windows_have_days": "window_days = 0",
    "dim_brand.every_brand_has_a_zone_and_a_currency": "timezone = null",
    "dim_period.a_period_has_its_days": "days = 0",
    "fct_aipl_daily.stock_equals_history": "persons = persons + 1",
    "fct_aipl_deepened_persons.people_move_up_within_the_period": "deepened_on = period_end + 1",
    "fct_aipl_deepening.deepening_adds_up_to_the_flow": "persons = persons + 1",
    "fct_aipl_flow.no_movement_is_empty": "persons = 0",
    "fct_aipl_flow.stock_after_equals_movements_in": "persons = persons + 1",
    "fct_aipl_flow.stock_before_equals_movements_out": "persons = persons + 1",
    "fct_aipl_stage_changes.changes_are_between_two_stages": "to_stage = from_stage",
    "fct_aipl_stage_changes.stage_changes_move_the_stock": "changes = changes + 1",
    "fct_aipl_stage_history.no_gap_or_overlap": "previous_rank = -1",
    "fct_aipl_stage_history_to_horizon.no_stretch_is_empty": "valid_to = valid_from",
    "fct_consumer_gap.gap_is_target_less_forecast": "gap = 1, target_gmv = null",
    "fct_consumer_gap.no_gap_needs_nobody": "gap = 0, extra_prospects = 1",
    "fct_consumer_gap.remaining_quantiles_are_ordered": "forecast_remaining_p10 = 9e9",
    "fct_conversion.a_longer_window_converts_no_less": "opened = opened + length(rule_id)",
    "fct_conversion.conversion_windows_are_closed_and_short": "opened_on = '1900-01-01'",
    "fct_conversion.only_what_opened_converts": "converted = opened + 1",
    "fct_conversion.people_convert_what_they_opened": "persons_converted = converted + 1",
    "fct_fast.fertility_union_holds_the_end": "fertility_union = -1",
    "fct_fast.members_hold_the_thriving_and_superior": "members = -1",
    "fct_fast.start_stock_holds_the_deepened": "start_stock = -1",
    "fct_fast_tiers.thriving_members_are_members": "thriving_members = -1",
    "fct_fast_tiers.tiers_add_up_to_members": "members = members + 1",
    "fct_gmv_backtest.backtests_give_an_error": "mape = -1",
    "fct_gmv_backtest.interval_coverage_is_a_share": "interval_coverage = 2",
    "fct_gmv_forecast.forecast_quantiles_are_ordered": "p10 = -1",
    "fct_gmv_forecast.forecasts_exist_where_the_status_says_so": "status = 'ok', p10 = null",
    "fct_gmv_forecast.forecasts_test_only_what_is_over": "is_backtest = false, actual_gmv = 1",
    "fct_gmv_forecast.ingredients_reproduce_the_forecast": "point_forecast = 1e12",
    "fct_grow.classes_of_buyers_grow_as_all_do": "buyer_class = 'all', gain = 1, retain = 0, boost = 0",
    "fct_grow.entered_and_left_leaves_are_all_gain": "is_left = true, retain = 1",
    "fct_grow.growth_is_the_change_of_the_scorecard": "other_change = other_change + 1",
    "fct_grow.letters_are_the_change_of_what_buyers_paid": "amount_1 = amount_1 + 1",
    "fct_member_history.no_overlap": "valid_to = valid_from",
    "fct_money_daily.amounts_are_unknown_where_nothing_is_told": "refunded_amount = null",
    "fct_money_daily.gmv_is_money_of_the_brands_currency": "gross_paid_amount = gross_paid_amount - 1",
    "fct_money_daily.money_of_days_is_the_money_of_orders": "gross_paid_amount = gross_paid_amount + 1",
    "fct_money_daily.refunds_are_the_same_money_by_either_day": "refunded_as_known = refunded_as_known + 1",
    "fct_money_daily.unknown_amounts_are_of_paid_orders": "unknown_amount_orders = -1",
    "fct_path_flow.a_visit_is_entered_and_left_once": "moves = moves + 1",
    "fct_path_flow.a_visit_moves_at_least_once": "visits = 0",
    "fct_path_flow.few_visitors_are_not_counted": "visitors = 4",
    "fct_path_flow.path_flow_is_the_traffic_of_page_classes": "moves = moves + 1",
    "fct_path_flow.who_comes_in_goes_out": "moves = moves + length(from_class)",
    "fct_person_states.states_have_a_brand_a_person_and_days": "person_id = null",
    "fct_scorecard.a_visitor_views_at_least_once_a_day": "visitors = views + 1",
    "fct_scorecard.days_add_up_to_the_week": "units = units + 1",
    "fct_scorecard.every_order_has_an_amount_or_a_reason_for_none": "priced_orders = orders + 1",
    "fct_scorecard.kinds_of_buyers_are_buyers": "new_buyers = buyers + 1",
    "fct_scorecard.members_add_up_to_the_brand": "units = units + length(slice)",
    "fct_scorecard.regions_of_few_people_are_hidden": "slice = 'region', member = 'x', buyers = 1",
    "fct_scorecard.scorecard_of_days_is_the_money_of_days": "paid_amount = paid_amount + 1",
    "fct_scorecard.visits_of_one_view_are_visits": "one_view_visits = visits + 1",
    "fct_visits.dwell_is_of_views": "dwell_seconds = -1",
    "fct_visits.visits_have_views": "views = 0",
    "fct_visits.visits_hold_the_views": "views = views + 1",
    "int_gmv_asset_points.no_past_horizon_ends_after_its_origin": "learned_through = as_of_date + 1",
    "int_gmv_windows.buyers_of_a_segment_were_in_it": "customer_persons = 0, customer_buyers = 1",
    "int_gmv_windows.segments_split_the_money": "gmv = 0, customer_spend = 1, prospect_spend = 0",
    "int_key_persons.keys_belong_to_others_for_some_days": "person_id = source_key",
    "int_orders.one_current_version_of_each_entity": "is_current = not is_current",
    "int_refund_lines.lines_add_up_to_refunds": "amount = amount + 1",
    "int_sales.lines_add_up_to_purchases": "paid_amount = paid_amount + 1",
    "int_visit_events.visits_are_their_views": "position = position + 1",
    "touch_kinds.every_kind_has_both_flags": "is_event = null",
}
# Laws that no update of their table breaks.
STATEMENTS = {
    "int_order_lines.a_document_counts_by_one_raw_row": (
        "insert into intermediate.int_order_lines"
        " select * replace ('d' as _document) from intermediate.int_order_lines limit 2"
    ),
    "dim_brand.a_brand_has_one_zone_and_currency": (
        "insert into intermediate.int_reviews"
        " select * replace ('cdnow' as source_id) from intermediate.int_reviews limit 1"
    ),
    "fct_money_daily.brands_of_an_order_share_its_amount": "delete from intermediate.int_order_brands",
    "int_visit_events.no_event_is_lost": "delete from intermediate.int_visit_events",
    "int_rejects.staged_rows_are_accounted_for": "delete from intermediate.int_rejects",
}


def planted(warehouse: Path, target: Path) -> Iterator[tuple[Law, set[str]]]:
    """Each law with each change that breaks it, and the laws that its test finds broken then.

    `target` is where dbt compiled the tests. Each change is taken back.
    """
    manifest = json.loads((target / "manifest.json").read_text())
    with duckdb.connect(str(warehouse)) as connection:
        for unique_id, laws in laws_by_test(manifest).items():
            test = manifest["nodes"][unique_id]
            sql = next(target.glob(f"compiled/**/{test['name']}.sql")).read_text()
            assert found(connection, sql, test["name"]) == set(), "it is broken before"
            for law in laws:
                table = next(node for node in manifest["nodes"].values() if node["name"] == law.table)
                is_filled = bool(connection.sql(f"from {table['schema']}.{table['name']} limit 1").fetchall())
                for statements in changes(law, test, table, is_filled=is_filled):
                    connection.execute("begin")
                    for statement in statements:
                        connection.execute(statement)
                    yield law, found(connection, sql, test["name"])
                    connection.execute("rollback")


def found(connection: duckdb.DuckDBPyConnection, sql: str, test: str) -> set[str]:
    """The laws that a test finds broken."""
    rows = connection.sql(sql)
    if rows.columns == LAW_COLUMNS:
        return {law for _, law, *_ in rows.fetchall()}
    return {test} if rows.fetchall() else set()


def changes(
    law: Law, test: Mapping[str, Any], table: Mapping[str, Any], *, is_filled: bool
) -> list[list[str]]:
    """Lists of statements, each of which breaks a law; `is_filled` is whether its table has rows."""
    name, relation = f"{law.table}.{law.name}", f"{table['schema']}.{table['name']}"
    if name in STATEMENTS:
        return [[STATEMENTS[name]]]
    kind, arguments = next(
        (
            (kind, arguments)
            for declared in test.get("test_metadata", {}).get("kwargs", {}).get("laws", [])
            for kind, arguments in declared.items()
            if arguments.get("name", kind) == law.name
        ),
        (law.name, {}),
    )
    column = f"insert into {relation} by name select null as {{}}"
    if kind == "unique_key":
        broken = [[column.format(key)] for key in arguments["key"]]
        broken += [[f"insert into {relation} from {relation} limit 1"]] if is_filled else []
    else:
        named = arguments.get("column_name")
        update = f"{named} = 'nonsense'" if named else UPDATES[name]
        fill = [] if is_filled else [column.format(update.partition(" ")[0])]
        broken = [[*fill, f"update {relation} set {update}"]]
    return [[*as_table(relation, table), *statements] for statements in broken]


def as_table(relation: str, node: Mapping[str, Any]) -> list[str]:
    """Statements that make a table of a view, which nothing can be written to."""
    if node["config"]["materialized"] != "view":
        return []
    return [
        f"create temp table rows_of_it as from {relation}",
        f"drop view {relation}",
        f"create table {relation} as from rows_of_it",
    ]
