"""The rules of the stages as rows of seeds: checked before they are built, and told apart by a hash.

A problem is told with its file, line and column, since whoever adds a preset edits these files by hand.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import yaml

from orchestration.core.errors import InputError

COLUMNS = {
    "aipl_presets": ("preset", "refund_policy", "description", "source"),
    "aipl_stages": ("preset", "stage", "rank", "name_en", "name_zh"),
    "aipl_rules": (
        "preset",
        "rule_id",
        "stage",
        "kind",
        "touch_kind",
        "window_days",
        "min_count",
        "count_unit",
        "min_rating",
        "source",
        "confidence",
    ),
}
REFUND_POLICIES = frozenset({"as_known", "gross", "net_hindsight"})
STATES = frozenset({"member", "follower", "subscriber"})
SOURCES = frozenset({"stated", "conflict", "ours"})
CONFIDENCES = frozenset({"high", "medium", "low"})
# The engine adds 2 ** rank for each stage that is on, and reads the highest digit of the sum from a double.
TOP_RANK = 30


@dataclass(frozen=True)
class Row:
    """One row of a seed, and where it stands."""

    seed: str
    line: int
    fields: Mapping[str, str]

    def problem(self, column: str, what: str) -> str:
        """What is wrong with a field, in words that name the place."""
        return f"{self.seed}.csv, line {self.line}, {column} {self.fields[column]!r}: {what}"

    def not_in(self, column: str, known: Set[str], noun: str) -> Iterator[str]:
        """A problem if the field is none of the known values."""
        if self.fields[column] not in known:
            yield self.problem(column, f"not a {noun}. Known are {', '.join(sorted(known)) or 'none'}.")


def check_rules(project: Path) -> None:
    """Raise InputError with all problems of the seeds of a dbt project, if there are any."""
    seeds = project / "seeds"
    tables = {name: _read(seeds / f"{name}.csv") for name in (*COLUMNS, "touch_kinds")}
    problems = []
    for name, columns in COLUMNS.items():
        if missing := [column for column in columns if column not in tables[name][0]]:
            problems.append(f"{name}.csv lacks the column{'s' if missing[1:] else ''} {', '.join(missing)}")
    if not problems:
        presets, stages, rules, touch_kinds = (rows for _, rows in tables.values())
        kinds = {row.fields["touch_kind"] for row in touch_kinds}
        problems = [
            *_problems_of_presets(presets, {row.fields["preset"] for row in rules}, _active_presets(project)),
            *_problems_of_stages(presets, stages),
            *_problems_of_rules(stages, rules, kinds),
        ]
    if problems:
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise InputError(
            f"The rules in {seeds} cannot be built:\n{listed}\nCorrect these rows and run again."
        )


def rules_hash(project: Path) -> str:
    """SHA-256 of the three seeds that hold the rules: equal for two builds or releases by the same rules."""
    content = hashlib.sha256()
    for name in COLUMNS:
        content.update((project / "seeds" / f"{name}.csv").read_bytes())
    return content.hexdigest()


def _read(seed: Path) -> tuple[Sequence[str], list[Row]]:
    """Columns and rows of a seed; of a missing one none."""
    if not seed.exists():
        return (), []
    with seed.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.DictReader(text, restval="")
        rows = [
            Row(seed.stem, reader.line_num, {column: value for column, value in fields.items() if column})
            for fields in reader
        ]
        return reader.fieldnames or (), rows


def _active_presets(project: Path) -> list[str]:
    declared = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    return list((declared.get("vars") or {}).get("aipl_presets") or [])


def _problems_of_presets(presets: list[Row], with_rules: set[str], active: list[str]) -> Iterator[str]:
    names = Counter(row.fields["preset"] for row in presets)
    for row in presets:
        name = row.fields["preset"]
        if names[name] > 1:
            yield row.problem("preset", "there are two presets of this name.")
        if name not in with_rules:
            yield row.problem("preset", "it has no rules. Add rows to aipl_rules.csv.")
        yield from row.not_in("refund_policy", REFUND_POLICIES, "refund policy")
        yield from row.not_in("source", SOURCES, "source")
    for name in active:
        if name not in names:
            yield (
                f"dbt_project.yml, aipl_presets: there is no preset {name!r} in aipl_presets.csv."
                f" It has {', '.join(names) or 'none'}."
            )


def _problems_of_stages(presets: list[Row], stages: list[Row]) -> Iterator[str]:
    known = {row.fields["preset"] for row in presets}
    # The first row of each stage and of each rank of a preset.
    first: dict[tuple[str, str | int], Row] = {}
    for row in stages:
        preset, stage, rank = row.fields["preset"], row.fields["stage"], _whole(row.fields["rank"])
        yield from row.not_in("preset", known, "preset of aipl_presets.csv")
        if (same := first.setdefault((preset, stage), row)) is not row:
            yield row.problem("stage", f"preset {preset} has it already, on line {same.line}.")
        if rank is None or not 0 <= rank <= TOP_RANK:
            yield row.problem("rank", f"a rank is a whole number from 0 (no relation) to {TOP_RANK}.")
        elif (same := first.setdefault((preset, rank), row)) is not row:
            yield row.problem("rank", f"stage {same.fields['stage']} of preset {preset} has this rank too.")
    for row in presets:
        if (row.fields["preset"], 0) not in first:
            yield row.problem(
                "preset", "it has no stage of rank 0, the one of nobody. Add it to aipl_stages.csv."
            )


def _problems_of_rules(stages: list[Row], rules: list[Row], touch_kinds: set[str]) -> Iterator[str]:
    stages_of: dict[str, set[str]] = defaultdict(set)
    for row in stages:
        stages_of[row.fields["preset"]].add(row.fields["stage"])
    ids = Counter((row.fields["preset"], row.fields["rule_id"]) for row in rules)
    for row in rules:
        preset = row.fields["preset"]
        if preset not in stages_of:
            yield row.problem("preset", "it has no stages. Add them to aipl_stages.csv.")
        else:
            yield from row.not_in("stage", stages_of[preset], f"stage of preset {preset} in aipl_stages.csv")
        if ids[preset, row.fields["rule_id"]] > 1:
            yield row.problem("rule_id", f"preset {preset} has two rules of this name.")
        yield from _problems_of_evidence(row, touch_kinds)
        yield from row.not_in("source", SOURCES, "source")
        yield from row.not_in("confidence", CONFIDENCES, "confidence")


def _problems_of_evidence(row: Row, touch_kinds: set[str]) -> Iterator[str]:
    window, rating = row.fields["window_days"], row.fields["min_rating"]
    yield from row.not_in("kind", frozenset({"state", "touch"}), "kind of rule")
    match row.fields["kind"]:
        case "touch":
            yield from row.not_in("touch_kind", touch_kinds, "touch kind of touch_kinds.csv")
            if (_whole(window) or 0) < 1:
                yield row.problem("window_days", "a touch counts for a whole number of days, 1 or more.")
        case "state":
            yield from row.not_in("touch_kind", STATES, "state")
            if window:
                yield row.problem(
                    "window_days", "a state lasts until it ends and has no window: leave it empty."
                )
            if _whole(row.fields["min_count"]) != 1:
                yield row.problem("min_count", "a state is there or not: write 1.")
    if (_whole(row.fields["min_count"]) or 0) < 1:
        yield row.problem("min_count", "a rule needs a whole number of days, 1 or more.")
    yield from row.not_in("count_unit", frozenset({"days"}), "unit to count")
    if rating and row.fields["touch_kind"] != "review":
        yield row.problem("min_rating", "only a review has a rating: leave it empty.")
    elif rating and not 1 <= (_whole(rating) or 0) <= 5:
        yield row.problem("min_rating", "a rating is a whole number from 1 to 5.")


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None
