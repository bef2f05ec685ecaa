"""The code location that Dagster loads."""

from orchestration.core.settings import Settings
from orchestration.defs.composition import build_definitions

defs = build_definitions(Settings.from_environment())
