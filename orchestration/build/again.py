"""The increment that takes held loads out of a finished build."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from orchestration.build.around_dbt import finish_build, prepare_build, write_dbt_inputs
from orchestration.build.dbt import dbt_environment
from orchestration.build.engine.chosen import engine_of
from orchestration.build.engine.contract import Order
from orchestration.build.failures import explain_failure
from orchestration.build.prepared import prepare_manifest
from orchestration.build.reach import models_to_run
from orchestration.core.settings import Settings
from orchestration.sources.source import Source


def build_again(settings: Settings, sources: Mapping[str, Source], dbt_sources: str, target: Path) -> None:
    """Build from the loads that are in effect now; dbt's files go to `target`.

    Raises AiplError when dbt fails, QualityStop when a law is broken.
    """
    write_dbt_inputs(settings, sources)
    preparation = prepare_build(settings, dbt_sources)
    variables = dbt_environment(settings, dbt_sources, target) | preparation.variables
    manifest = json.loads(prepare_manifest(settings, dbt_sources).read_text())
    models = models_to_run(settings, manifest, preparation.changed)
    order = Order(dbt_sources, sources, models, preparation.is_full, target, variables)
    ran = engine_of(settings).build(settings, order, lambda _: None)
    if not ran.success:
        raise explain_failure(settings, target, ran.exception)
    finish_build(settings, preparation.build)
