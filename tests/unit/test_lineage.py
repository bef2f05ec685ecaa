"""The layers of the dbt project: staging, intermediate, marts; no model reads from a layer above its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestration.core.settings import PROJECT_ROOT

PROJECT = PROJECT_ROOT / "dbt_project"
LAYERS = ("staging", "intermediate", "marts")
QUOTED = re.compile(r"""['"](\w+)['"]""")


def models(layer: str) -> dict[str, Path]:
    """Files by model."""
    files = (PROJECT / "models" / layer).rglob("*")
    return {file.stem: file for file in files if file.suffix in {".sql", ".py"}}


def named(text: str, among: set[str]) -> set[str]:
    """Models that a text names in quotes: to `ref`, or to a macro that refers to them."""
    return set(QUOTED.findall(text)) & among


@pytest.mark.parametrize(("layer", "above"), [("staging", LAYERS[1:]), ("intermediate", LAYERS[2:])])
def test_no_model_reads_from_a_layer_above(layer: str, above: tuple[str, ...]) -> None:
    forbidden = {model for upper in above for model in models(upper)}
    texts = {name: file.read_text() for name, file in models(layer).items()}
    assert len(forbidden) > 20 and len(texts) > 20
    assert {name: found for name, text in texts.items() if (found := named(text, forbidden))} == {}


def test_no_macro_reads_a_mart() -> None:
    """What a macro refers to, every model that calls it reads."""
    texts = {file.name: file.read_text() for file in (PROJECT / "macros").rglob("*.sql")}
    assert named(" ".join(texts.values()), set(models("intermediate"))), "macros read models"
    assert {name: found for name, text in texts.items() if (found := named(text, set(models("marts"))))} == {}


def test_a_reader_of_a_mart_is_found() -> None:
    (reader,) = [name for name, file in models("marts").items() if named(file.read_text(), {"dim_brand"})]
    assert reader == "fct_aipl_stage_history_to_horizon"
