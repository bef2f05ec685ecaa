"""Release notes: what a release changed, and why published numbers were restated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from orchestration.core.printable import counted
from orchestration.publish.ledger import Comparison, Identity
from orchestration.publish.marts import mart_names
from orchestration.publish.query import records
from orchestration.publish.rule_changes import rule_changes

REASONS = ("late", "refund", "identity", "rules", "correction")
ENTRIES = """
    select
        preset, brand_id, reason,
        count(*) as entries,
        count(distinct person_id) as persons,
        cast(min(valid_from) as varchar) as first_day,
        cast(max(valid_to) - 1 as varchar) as last_day
    from new_entries
    group by preset, brand_id, reason
    order by preset, brand_id, reason
"""
# The stock of the last day that both releases tell; a stage that only one of them knows is 0 in the other.
STOCK = """
    with days as (
        select before.brand_id, least(before.horizon, after.horizon) as day
        from previous.main.dim_brand as before
        inner join release.main.dim_brand as after using (brand_id)
        where before.horizon is not null and after.horizon is not null
    ),

    presets as (
        select preset from previous.main.dim_aipl_stage
        intersect
        select preset from release.main.dim_aipl_stage
    ),

    stocks as (
        select
            preset, brand_id, stage, days.day,
            greatest(before.stage_rank, after.stage_rank) as stage_rank,
            coalesce(before.persons, 0) as published,
            coalesce(after.persons, 0) as known_now
        from previous.main.fct_aipl_daily as before
        full join release.main.fct_aipl_daily as after using (preset, brand_id, stage, as_of_date)
        inner join days using (brand_id)
        semi join presets using (preset)
        where as_of_date = days.day
    ),

    changes as (
        select *, unnest([stage_after, stage_before]) as stage, unnest([1, -1]) as step from new_entries
    )

    select
        stocks.preset,
        stocks.brand_id,
        cast(stocks.day as varchar) as day,
        stocks.stage,
        cast(stocks.published as bigint) as published,
        cast(stocks.known_now as bigint) as known_now,
        {reasons}
    from stocks
    left join changes
        on
            stocks.preset = changes.preset
            and stocks.brand_id = changes.brand_id
            and stocks.stage = changes.stage
            and changes.valid_from <= stocks.day
            and stocks.day < changes.valid_to
    group by all
    order by stocks.preset, stocks.brand_id, max(stocks.stage_rank)
""".format(
    reasons=", ".join(
        f"cast(coalesce(sum(changes.step) filter (changes.reason = '{reason}'), 0) as bigint) as {reason}"
        for reason in REASONS
    )
)

Row = dict[str, Any]


@dataclass(frozen=True)
class Notes:
    """What a release changed; plain values, ready for JSON.

    `horizon`: brands by the last day before and after. `rules`: None where the previous release tells none.
    `missing`: marts for want of which nothing was compared, by side; without `same_person_key` nothing was
    either. `restated`: ledger entries of this release by reason, None where nothing was compared. `stock`: of
    each brand with a difference on the last day that both releases tell, its stages as published and known
    now; the reasons add up to the difference.
    """

    release_id: str
    previous_release_id: str | None
    horizon: list[Row]
    new_marts: list[str]
    gone_marts: list[str]
    rules: list[str] | None
    missing: dict[str, list[str]]
    same_person_key: bool
    restated: dict[str, int] | None
    entries: list[Row]
    stock: list[Row]
    unchanged_brands: int


def release_notes(
    connection: duckdb.DuckDBPyConnection,
    identity: Identity,
    comparison: Comparison,
    before: dict[str, Any] | None,
    after: dict[str, Any],
) -> Notes:
    """Notes on the attached `release`, from it, `previous`, and what the manifests say of both."""
    marts = mart_names(connection, "release")
    old_marts = mart_names(connection, "previous") if before else marts
    entries = records(connection, ENTRIES) if comparison.was_made else []
    stock = records(connection, STOCK) if comparison.was_made else []
    changed = {_brand(row) for row in stock if any(row[reason] for reason in REASONS)}
    rules = None
    if "dim_aipl_rule" in marts & old_marts and before:
        told = [records(connection, f"from {side}.main.dim_aipl_rule") for side in ("previous", "release")]
        rules = rule_changes(*told)
    counts = {reason: sum(row["entries"] for row in entries if row["reason"] == reason) for reason in REASONS}
    return Notes(
        release_id=identity.release_id,
        previous_release_id=identity.previous_release_id,
        horizon=_horizons(before["horizon"] if before else {}, after["horizon"]),
        new_marts=sorted(marts - old_marts),
        gone_marts=sorted(old_marts - marts),
        rules=rules,
        missing=comparison.missing,
        same_person_key=identity.same_person_key,
        restated=counts if comparison.was_made else None,
        entries=entries,
        stock=[row for row in stock if _brand(row) in changed],
        unchanged_brands=len({_brand(row) for row in stock} - changed),
    )


def to_markdown(notes: Notes) -> str:
    """The notes as a page."""
    follows = "The first release: there is nothing to compare it with."
    if notes.previous_release_id:
        follows = f"It follows release {notes.previous_release_id}."
    brands = [
        [row["before"] or "-", row["after"] or "-", str(len(row["brands"])), _some(row["brands"])]
        for row in notes.horizon
    ]
    parts = [f"# Release {notes.release_id}", follows]
    parts += ["## Last complete day", _table(["before", "after", "brands", ""], brands)]
    if notes.previous_release_id:
        marts = [f"new: `{mart}`" for mart in notes.new_marts]
        marts += [f"removed: `{mart}`" for mart in notes.gone_marts]
        rules = "Unknown: one of the two releases does not record its rules."
        if notes.rules is not None:
            rules = _listed(notes.rules)
        parts += ["## Marts", _listed(marts), "## Rules", rules, "## Restated", *_restatements(notes)]
    return "\n\n".join(parts) + "\n"


def restated_line(restated: dict[str, int]) -> str:
    """The counts in words, most first."""
    told = sorted(((count, reason) for reason, count in restated.items() if count), reverse=True)
    return ", ".join(f"{reason} {count:,}" for count, reason in told)


def _listed(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or "Unchanged."


def _restatements(notes: Notes) -> list[str]:
    if notes.restated is None:
        sides = {"previous": "the previous release", "this": "this release"}
        lacks = "; ".join(f"{sides[side]} lacks {', '.join(marts)}" for side, marts in notes.missing.items())
        renamed = "" if notes.same_person_key else "people are hashed with a different key"
        why = "; ".join(filter(None, (renamed, lacks)))
        return [f"Nothing could be compared, and the ledger begins anew with this release: {why}."]
    if not notes.entries:
        return ["No published day was restated."]
    total = sum(notes.restated.values())
    columns = ["preset", "brand_id", "reason", "entries", "persons", "first_day", "last_day"]
    parts = [
        f"{total:,} entries of `fct_aipl_ledger`: {restated_line(notes.restated)}. An entry is a person in "
        "another stage than published, over a stretch of days.",
        _table(columns, [[str(row[column]) for column in columns] for row in notes.entries]),
        "Reasons: `rules`, the preset was changed; else `identity`, a key was found to be another person's; "
        "else `refund`, a purchase was refunded, or no longer is; else `correction`, evidence is gone or "
        "changed; else `late`, evidence came after the days were published.",
    ]
    if notes.stock:
        columns = ["preset", "brand_id", "day", "stage", "published", "known_now"]
        rows = [
            [*(str(row[column]) for column in columns), *(_signed(row[reason]) for reason in REASONS)]
            for row in notes.stock
        ]
        parts += [
            "### Stock on the last day that both releases cover",
            "People as published then, as known now, and what each reason added or removed.",
            _table([*columns, *REASONS], rows),
        ]
    unchanged = f"Unchanged for {counted(notes.unchanged_brands, 'pair')} of preset and brand.\n\n"
    other = "Any other day: `aipl query \"from aipl_restated('2024-10-15')\"`."
    return [*parts, (unchanged if notes.unchanged_brands else "") + other]


def _horizons(before: dict[str, str | None], after: dict[str, str | None]) -> list[Row]:
    moves: dict[tuple[str, str], Row] = {}
    for brand in sorted(before.keys() | after.keys()):
        old, new = before.get(brand), after.get(brand)
        move = moves.setdefault((old or "", new or ""), {"before": old, "after": new, "brands": []})
        move["brands"].append(brand)
    return [moves[key] for key in sorted(moves)]


def _brand(row: Row) -> tuple[str, str]:
    return row["preset"], row["brand_id"]


def _some(names: list[str], shown: int = 10) -> str:
    more = f" and {len(names) - shown:,} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "-"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
