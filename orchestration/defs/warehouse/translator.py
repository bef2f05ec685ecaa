"""How dbt's nodes appear in Dagster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dagster import AssetKey
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings

LAYERS = ("staging", "intermediate", "marts")


class WarehouseTranslator(DagsterDbtTranslator):
    """Tables of a configured source are its raw asset; models are named and grouped by their layer."""

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
        """The layer, `seeds` for seeds."""
        schema = dbt_resource_props["schema"]
        return schema if schema in LAYERS else "seeds"


def mart_keys(manifest: Mapping[str, Any]) -> list[AssetKey]:
    """Keys of all marts of a dbt manifest, in alphabetical order."""
    names = sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["schema"] == "marts"
    )
    return [AssetKey(["marts", name]) for name in names]
