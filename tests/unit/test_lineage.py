"""The dbt project beside the marts: its layers, its first page, and metrics of columns that marts have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from expectations.contracts import read_contracts
from orchestration.core.settings import PROJECT_ROOT
from orchestration.publish.marts import MACROS

PROJECT = PROJECT_ROOT / "dbt_project"
MODELS = PROJECT / "models"
LAYERS = ("staging", "intermediate", "marts")
QUOTED = re.compile(r"""['"](\w+)['"]""")


def models(layer: str) -> dict[str, Path]:
    """Files by model."""
    files = (MODELS / layer).rglob("*")
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


def test_the_first_page_names_every_macro() -> None:
    overview = (MODELS / "overview.md").read_text()
    names = {file.stem for file in MACROS.glob("*.sql")}
    assert names and {name for name in names if not re.search(rf"`{name}\b", overview)} == set()


def test_semantic_models_read_columns_that_their_marts_have() -> None:
    columns = {
        name: {column.name for column in contract.columns}
        for name, contract in read_contracts(PROJECT).items()
    }
    models = [
        model
        for file in MODELS.glob("semantic/*.yml")
        for model in yaml.safe_load(file.read_text()).get("semantic_models", [])
    ]
    assert models
    for model in models:
        (mart,) = re.findall(r"ref\('(\w+)'\)", model["model"])
        parts = [*model["entities"], *model["dimensions"], *model.get("measures", [])]
        assert {part.get("expr", part["name"]) for part in parts} <= columns[mart], model["name"]
        # Presets side by side would be added up unseen.
        assert "preset" not in columns[mart] or "preset" in {part["name"] for part in model["dimensions"]}
