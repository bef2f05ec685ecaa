"""Twelve questions that analysts ask of a release, each in its own words."""

LAST_DAY = "(select min(horizon) from dim_brand)"
QUERIES = {
    "stock today": f"select stage, sum(persons) from fct_aipl_daily where as_of_date = {LAST_DAY} group by 1",
    "stock over time": "select as_of_date, stage, persons from fct_aipl_daily where brand_id = 'lumen'",
    "flow of the last week": """
        select from_stage, to_stage, persons from fct_aipl_flow
        where period_type = 'week' and period_start = (select max(period_start) from fct_aipl_flow
            where period_type = 'week')
    """,
    "flow between two days": f"from aipl_flow_between({LAST_DAY} - 30, {LAST_DAY})",
    "FAST of all weeks": "select * from fct_fast where period_type = 'week'",
    "FAST against last week": "select * from fct_fast_changes where brand_id = 'aurora'",
    "explain a person": f"from aipl_explain((select min(person_id) from dim_person), {LAST_DAY})",
    "channels of people who moved up": """
        select channel, sum(persons) from fct_aipl_deepening where period_type = 'month'
        group by all order by 2 desc
    """,
    "best products": """
        select product_id, sum(amount) from fct_order_lines group by all order by 2 desc limit 20
    """,
    "best buyers": """
        select person_id, count(*) from fct_person_days where touch_kind = 'paid_order' group by all
        order by 2 desc limit 20
    """,
    "whose interest ends this week": f"""
        select count(*) from fct_aipl_stage_history
        where stage = 'I' and valid_to between {LAST_DAY} + 1 and {LAST_DAY} + 7
    """,
    "money of the last month": f"select * from fct_money_daily where money_date > {LAST_DAY} - 30",
}
