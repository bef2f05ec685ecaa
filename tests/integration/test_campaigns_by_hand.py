"""Campaigns kept by hand: what contradicts itself is rejected by name, an unknown word is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from warehouse import Warehouse

HEADER = (
    "campaign_id,brand_id,campaign_name,campaign_kind,starts_on,ends_on,warm_up_from,baseline_from,baseline_to,"
    "goal_metric,goal_value,budget,planned_reach\n"
)
ROWS = {
    "good": "lumen,Spring,Sale,2024-03-01,2024-03-10,2024-02-25,,,paid_amount,1000,50.5,300",
    "unknown": "lumen,,flash mob,2024-03-01,2024-03-01,,2024-02-01,2024-02-01,,,,",
    "ends": "lumen,,sale,2024-03-10,2024-03-01,,,,,,,",
    "warm": "lumen,,sale,2024-03-01,2024-03-10,2024-03-02,,,,,,",
    "base": "lumen,,sale,2024-03-01,2024-03-10,,2024-02-10,2024-02-01,,,,",
    "half": "lumen,,sale,2024-03-01,2024-03-10,,,2024-02-01,,,,",
    "never": "lumen,,sale,,2024-03-10,,,,,,,",
    "nobody": " ,,sale,2024-03-01,2024-03-10,,,,,,,",
}


def test_campaigns_that_contradict_themselves_are_rejected_and_others_stay(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "home")
    by_hand = warehouse.home / "manual"
    by_hand.mkdir(parents=True)
    rows = (f"{campaign},{row}\n" for campaign, row in ROWS.items())
    (by_hand / "campaigns.csv").write_text(HEADER + "".join(rows))
    warehouse.load("manual", by_hand)
    warehouse.build(only=["int_rejects", "int_campaigns"])
    kept = """
        select
            campaign_id, campaign_kind, starts_on, warm_up_from, baseline_from, budget::double,
            planned_reach, cleaned
        from intermediate.int_campaigns where is_current order by campaign_id
    """
    assert warehouse.query(kept) == [
        ("good", "sale", date(2024, 3, 1), date(2024, 2, 25), None, 50.5, 300, None),
        (
            *("unknown", "other", date(2024, 3, 1), None, date(2024, 2, 1), None, None),
            "campaign_kind unknown: flash mob",
        ),
    ]
    rejected = "select _row, column_name, reason from intermediate.int_rejects order by _row"
    assert warehouse.query(rejected) == [
        (3, "ends_on", "end before the beginning"),
        (4, "warm_up_from", "warm-up after the beginning"),
        (5, "baseline_to", "end before the beginning"),
        (6, "baseline_from", "baseline without its beginning or its end"),
        (7, "starts_on", "starts_on that is missing or does not parse"),
        (8, "brand_id", "no brand"),
    ]
