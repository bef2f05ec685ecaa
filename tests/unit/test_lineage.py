"""The dbt project beside the marts: its layers, its first page, and metrics of columns that marts have."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_nothing_reads_from_a_layer_above() -> None:
    """Nor does a macro read a mart: every model that calls it would."""
    layers = {layer: models(layer) for layer in LAYERS}
    assert min(len(files) for files in layers.values()) > 20
    macros = {file.stem: file for file in (PROJECT / "macros").rglob("*.sql")}
    for files, above in (
        (layers["staging"], ("intermediate", "marts")),
        (layers["intermediate"], ("marts",)),
        (macros, ("marts",)),
    ):
        forbidden = {model for layer in above for model in layers[layer]}
        assert {name for name, file in files.items() if named(file.read_text(), forbidden)} == set()
    # The one mart that reads another, by which one sees that readers are found.
    readers = {name for name, file in layers["marts"].items() if named(file.read_text(), {"dim_brand"})}
    assert readers == {"fct_aipl_stage_history_to_horizon"}


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
