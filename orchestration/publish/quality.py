"""What a home knows about the quality of its data, for readers of its releases; read-only.

Each part may be missing: a release can be copied to a place that has nothing else.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from expectations.results import GateResult
from orchestration.arrival.configured import read_arrival
from orchestration.arrival.file_versions import Load
from orchestration.build.state import read_gate
from orchestration.core.settings import Settings


@dataclass(frozen=True)
class StoppedBuild:
    """A build after a release that the mart gate stopped: when (ISO, UTC), and for how many rules."""

    finished_at: str
    findings: int


def known_loads(settings: Settings) -> list[Load] | None:
    """All loads by the load manifest; None without one."""
    if not settings.manifest.exists():
        return None
    return read_arrival(settings, {}).loads


def stopped_build(settings: Settings, build_id: str) -> StoppedBuild | None:
    """The last build, if it is another than `build_id` and the gate stopped it: the data are newer then."""
    gate = read_gate(settings)
    if gate is None or gate.passed or gate.build_id == build_id:
        return None
    result = GateResult.from_json(json.dumps(gate.results))
    return StoppedBuild(gate.finished_at, len(result.failures) + len(result.errors))
