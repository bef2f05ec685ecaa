"""Stages, rules and refund policy of a preset, written out from the definitions or read from seed rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

STATES = ("member", "follower", "subscriber")


@dataclass(frozen=True)
class Rule:
    """Evidence of one kind that makes a person reach a stage; a state has no window."""

    stage: str
    kind: str
    touch_kind: str
    window_days: int | None = None
    min_count: int = 1
    min_rating: int | None = None

    @property
    def is_state(self) -> bool:
        """Whether the rule reads memberships instead of dated touches."""
        return self.kind == "state"


@dataclass(frozen=True)
class Preset:
    """Ranks of the stages (0 is "none"), the rules, and what a full refund does to a purchase."""

    ranks: Mapping[str, int]
    rules: tuple[Rule, ...]
    refund_policy: str = "as_known"

    @property
    def none(self) -> str:
        """Name of the stage of rank 0."""
        return next((stage for stage, rank in self.ranks.items() if rank == 0), "O")

    @property
    def top(self) -> int:
        """Highest rank."""
        return max(self.ranks.values())

    def rank(self, stage: str) -> int:
        """Rank of a stage; 0 for "none"."""
        return self.ranks.get(stage, 0)


def _rules(
    stage: str, window: int | None, *touch_kinds: str, kind: str = "touch", days: int = 1
) -> list[Rule]:
    return [Rule(stage, kind, touch_kind, window, days) for touch_kind in touch_kinds]


_AIPL = {"O": 0, "A": 1, "I": 2, "P": 3, "L": 4}

CONSUMER_ASSET = Preset(
    _AIPL,
    (
        *_rules("A", 15, "ad_impression", "page_view", "category_search"),
        *_rules("I", 15, "ad_click", "home_view", "interaction", "product_view"),
        *_rules("I", 15, "brand_search", "favorite", "add_to_cart"),
        *_rules("I", None, *STATES, kind="state"),
        *_rules("P", 913, "paid_order"),
        *_rules("L", 365, "paid_order", days=2),
        *_rules("L", 365, "review", "share"),
    ),
)


def _databank_2021() -> Preset:
    kept = [rule for rule in CONSUMER_ASSET.rules if rule.touch_kind not in ("ad_click", "product_view")]
    views = [*_rules("A", 15, "ad_click", "product_view"), *_rules("I", 15, "product_view", days=2)]
    return Preset(_AIPL, (*kept, *views))


PRESETS: dict[str, Preset] = {
    "consumer_asset": CONSUMER_ASSET,
    "databank_2021": _databank_2021(),
    "p_540_365": replace(
        CONSUMER_ASSET,
        rules=tuple(replace(r, window_days=905) if r.stage == "P" else r for r in CONSUMER_ASSET.rules),
    ),
    "gross": replace(CONSUMER_ASSET, refund_policy="gross"),
    "strict_net": replace(
        CONSUMER_ASSET,
        refund_policy="net_hindsight",
        rules=tuple(
            replace(r, min_rating=4) if r.touch_kind == "review" else r for r in CONSUMER_ASSET.rules
        ),
    ),
}


def preset_from_rows(
    preset: str,
    presets: Iterable[Mapping[str, str]],
    stages: Iterable[Mapping[str, str]],
    rules: Iterable[Mapping[str, str]],
) -> Preset:
    """Build a preset from rows of the three seeds as `csv.DictReader` gives them."""
    policy = next(row["refund_policy"] for row in presets if row["preset"] == preset)
    ranks = {row["stage"]: int(row["rank"]) for row in stages if row["preset"] == preset}
    chosen = tuple(
        Rule(
            stage=row["stage"],
            kind=row["kind"],
            touch_kind=row["touch_kind"],
            window_days=int(row["window_days"]) if row["window_days"] else None,
            min_count=int(row["min_count"] or 1),
            min_rating=int(row["min_rating"]) if row["min_rating"] else None,
        )
        for row in rules
        if row["preset"] == preset
    )
    return Preset(ranks, chosen, policy)
