"""The ratios of the scorecard, read from the macro that holds their formulas."""

from __future__ import annotations

from pathlib import Path

import jinja2

MACRO = Path("dbt_project/macros/scorecard/measures.sql")
HEADS = {"en": ["column", "name", "formula", "source"], "zh": ["列", "名称", "公式", "口径来源"]}
CONFIDENCE = {
    "en": {"stated": "stated", "conflict": "sources differ", "ours": "ours"},
    "zh": {"stated": "公开口径", "conflict": "口径不一", "ours": "自定"},
}


def measures(root: Path) -> list[dict[str, str]]:
    """Each with its measure, numerator, denominator, unit, confidence, name_en and name_zh."""
    found: list[list[dict[str, str]]] = []
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    environment.globals["return"] = found.append
    environment.from_string((root / MACRO).read_text()).module.measures()  # type: ignore[attr-defined]
    return found[0]


def formula(measure: dict[str, str]) -> str:
    """As it is written in documents."""
    numerator = " - ".join(f"`{part}`" for part in measure["numerator"].split(" - "))
    numerator = f"({numerator})" if " - " in numerator else numerator
    return f"{numerator} / `{measure['denominator']}`"


def measure_table(root: Path, language: str) -> str:
    """All of them for people, in one of the languages of the documents."""
    lines = [
        f"| `{one['measure']}` | {one[f'name_{language}']} | {formula(one)} |"
        f" {CONFIDENCE[language][one['confidence']]} |"
        for one in measures(root)
    ]
    return "\n".join([f"| {' | '.join(HEADS[language])} |", "|---|---|---|---|", *lines, ""])
