"""The code location that Dagster loads."""

from orchestration.defs.composition import build_definitions
from orchestration.settings import Settings

defs = build_definitions(Settings.from_environment())
