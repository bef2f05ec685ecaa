"""How dbt's nodes appear in Dagster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dagster import AssetKey
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

LAYERS = ("staging", "intermediate", "marts")
# The group of models without one.
KEEPERS = "data-platform"


class WarehouseTranslator(DagsterDbtTranslator):
    """Tables of a configured source are its raw asset; models are named by layer, grouped by area."""

    def __init__(self, sources: Iterable[str]) -> None:
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_duplicate_source_asset_keys=True,
                # Not a check a test, but one a law.
                enable_asset_checks=False,
            )
        )
        self._sources = frozenset(sources)

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """`raw/<source>` for its tables, `arrival` for what dbt is told, `<schema>/<name>` for models."""
        if dbt_resource_props["resource_type"] == "source":
            source = dbt_resource_props["source_name"]
            return AssetKey(["raw", source] if source in self._sources else [source])
        return AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """The layer with the area within it, such as `marts_scorecard`; `seeds` for seeds."""
        layer = dbt_resource_props["schema"]
        if layer not in LAYERS:
            return "seeds"
        _project, _layer, *area, _name = dbt_resource_props["fqn"]
        return "_".join([layer, *area])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """The group of a mart; of what is beneath the marts, those who keep the warehouse."""
        group = (dbt_resource_props.get("group") or {}).get("name") or KEEPERS
        return [f"team:{group.replace('-', '_')}"]


def mart_keys(manifest: Mapping[str, Any]) -> list[AssetKey]:
    """Keys of all marts of a dbt manifest, in alphabetical order."""
    names = sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    )
    return [AssetKey(["marts", name]) for name in names]
