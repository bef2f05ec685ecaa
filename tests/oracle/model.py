"""The whole oracle behind one name: evidence, rules, stages, flow and FAST."""

from oracle.evidence import Evidence, Membership, PaidOrder, SeenEvent, Touch
from oracle.periods import Fast, complete_periods, fast, fast_table, first_day
from oracle.rules import CONSUMER_ASSET, PRESETS, Preset, Rule, preset_from_rows
from oracle.stages import (
    FOREVER,
    Met,
    Walk,
    daily_stock,
    deepening,
    flow,
    movements,
    stage_changes,
    stage_history,
    stage_on,
    walk,
    walks_of_history,
)

__all__ = [
    "CONSUMER_ASSET",
    "FOREVER",
    "PRESETS",
    "Evidence",
    "Fast",
    "Membership",
    "Met",
    "PaidOrder",
    "Preset",
    "Rule",
    "SeenEvent",
    "Touch",
    "Walk",
    "complete_periods",
    "daily_stock",
    "deepening",
    "fast",
    "fast_table",
    "first_day",
    "flow",
    "movements",
    "preset_from_rows",
    "stage_changes",
    "stage_history",
    "stage_on",
    "walk",
    "walks_of_history",
]
