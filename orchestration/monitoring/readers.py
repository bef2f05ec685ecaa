"""What readers have while something is wrong: the current release, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.core.errors import AiplError
from orchestration.core.settings import Settings
from orchestration.publish.releases import read_current

SHOWN = 3


def readers_have(settings: Settings) -> str:
    """The current release and how far it is complete. Says so if it cannot be read: never raises for that."""
    try:
        current = read_current(settings)
    except AiplError as error:
        return f"Readers may have nothing: {error}"
    if current is None:
        return "Readers have nothing yet: no release was published."
    return f"Readers have release {current.release_id}, {_complete(current.manifest.get('horizon', {}))}."


def _complete(horizon: Mapping[str, str | None]) -> str:
    days = set(horizon.values())
    if len(days) == 1:
        return f"complete through {days.pop() or 'no day'}"
    told = [f"{brand} {day or 'no day'}" for brand, day in sorted(horizon.items())]
    more = f" and {len(told) - SHOWN} more brands" if len(told) > SHOWN else ""
    return f"complete through {', '.join(told[:SHOWN])}{more}" if told else "without a brand"
