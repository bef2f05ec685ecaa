"""Differences between the rules of two releases, row by row, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
POLICY = "refund_policy"


def rule_changes(before: Sequence[Row], after: Sequence[Row]) -> list[str]:
    """One line per preset, refund policy or rule that was added, removed or changed.

    Rows are keyed by preset and rule; only columns that both releases tell are compared.
    """
    columns = set().union(*before) & set().union(*after)
    old, new = _presets(before), _presets(after)
    lines = []
    for preset in sorted(old.keys() | new.keys()):
        if preset not in old:
            lines.append(f"preset {preset}: added, with {len(new[preset])} rules")
        elif preset not in new:
            lines.append(f"preset {preset}: removed")
        else:
            lines += _preset_changes(preset, old[preset], new[preset], columns)
    return lines


def _preset_changes(preset: str, old: dict[str, Row], new: dict[str, Row], columns: set[str]) -> list[str]:
    lines = []
    policies = [
        " and ".join(sorted({str(row[POLICY]) for row in rows.values()}))
        for rows in (old, new)
        if POLICY in columns
    ]
    if len(set(policies)) > 1:
        lines.append(f"preset {preset}: refund policy {policies[0]} → {policies[1]}")
    for rule in sorted(old.keys() | new.keys()):
        name = f"preset {preset}, rule {rule}"
        if rule not in old:
            lines.append(f"{name}: added ({_told(new[rule])})")
        elif rule not in new:
            lines.append(f"{name}: removed ({_told(old[rule])})")
        else:
            changed = [
                f"{column} {_word(old[rule][column])} → {_word(new[rule][column])}"
                for column in new[rule]
                if column in columns - {POLICY} and old[rule][column] != new[rule][column]
            ]
            lines += [f"{name}: {', '.join(changed)}"] if changed else []
    return lines


def _presets(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    presets: dict[str, dict[str, Row]] = {}
    for row in rows:
        presets.setdefault(row["preset"], {})[row["rule_id"]] = row
    return presets


def _told(row: Row) -> str:
    hidden = {"preset", "rule_id", POLICY, "source", "confidence"}
    return ", ".join(
        f"{column} {value}"
        for column, value in row.items()
        if column not in hidden and value not in (None, "")
    )


def _word(value: object) -> str:
    return "none" if value in (None, "") else str(value)
