"""A warehouse whose tables a cluster builds."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from warehouse import OwnWarehouse

from orchestration.arrival.configured import configured_sources, dbt_sources
from orchestration.build.around_dbt import finish_build, prepare_build, write_dbt_inputs
from orchestration.build.dbt import dbt_environment
from orchestration.build.engine.chosen import engine_of
from orchestration.build.engine.contract import Order
from orchestration.build.prepared import prepare_manifest
from orchestration.core.settings import Settings


@dataclass(frozen=True)
class ClusterWarehouse(OwnWarehouse):
    """Pulls and accepts as others do, and builds on the cluster at the address `remote`."""

    remote: str = ""

    @property
    def settings(self) -> Settings:
        """Settings of this home, with Spark as the engine."""
        return replace(super().settings, engine="spark", spark_remote=self.remote)

    def build(self, variables: Mapping[str, Any] | None = None, *, only: Collection[str] = ()) -> bool:
        """Build these models, and all that they are made from; returns whether it was in full."""
        assert not variables, "the engine takes none"
        settings, sources = self.settings, configured_sources(self.settings)
        told, target = dbt_sources(settings, sources), settings.dbt_target / "runs" / "cluster"
        write_dbt_inputs(settings, sources)
        preparation = replace(prepare_build(settings, told), changed=None)
        manifest = json.loads(prepare_manifest(settings, told).read_text())
        # A test that also reads a model that is not built would fail for want of it.
        selection = {"DBT_INDIRECT_SELECTION": "cautious"}
        variables = dbt_environment(settings, told, target) | preparation.variables | selection
        order = Order(told, sources, _made_from(manifest, only), preparation.is_full, target, variables)
        ran = engine_of(settings).build(settings, order, lambda _: None)
        assert ran.success, ran.exception or (target / "dbt.log").read_text()[-6000:]
        finish_build(settings, preparation.build)
        return preparation.is_full


def _made_from(manifest: Mapping[str, Any], models: Collection[str]) -> set[str]:
    """Names of models and seeds of a dbt manifest: these models, and all that they read."""
    found: set[str] = set()
    new = {f"model.aipl.{name}" for name in models}
    while new:
        found |= new
        parents = {parent for key in new for parent in manifest["parent_map"][key]}
        new = {key for key in parents if key in manifest["nodes"]} - found
    return {manifest["nodes"][key]["name"] for key in found}
