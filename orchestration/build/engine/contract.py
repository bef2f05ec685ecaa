"""What a build asks of an engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orchestration.core.settings import Settings


@dataclass(frozen=True)
class Order:
    """A build: `models` by name (None: all) of the `configured` sources, which `dbt_sources` (JSON) declares.

    `variables` are dbt's environment; its artifacts go to `target`.
    """

    dbt_sources: str
    configured: Collection[str]
    models: Collection[str] | None
    in_full: bool
    target: Path
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Ran:
    """Whether every model was built and every law held; else `exception`, unless dbt's results say why."""

    success: bool
    exception: BaseException | None = None


class Engine(Protocol):
    """Builds tables, and lets DuckDB read them: the warehouse file holds them, or views on their files."""

    @property
    def name(self) -> str:
        """As `AIPL_ENGINE` has it, and builds and releases keep it."""

    def versions(self) -> Sequence[str]:
        """What decides rows besides the packages of this environment. Raises InputError without them."""

    def why_in_full(self, settings: Settings, build_id: str) -> str:
        """Why its tables are not those of the finished build `build_id`; empty when they are.

        Raises EnvironmentStop when it cannot be reached.
        """

    def build(self, settings: Settings, order: Order, on_node: Callable[[str], None]) -> Ran:
        """Build, and make the warehouse file show what was built; `on_node` hears of each model and seed."""

    def finish(self, settings: Settings, build_id: str) -> None:
        """Note that its tables are those of this build. Raises EnvironmentStop when it cannot be reached."""

    def rows(self, settings: Settings, query: str, limit: int) -> tuple[list[str], list[Sequence[Any]]]:
        """Names of the columns of a query, as dbt compiled it for this engine, and its first rows."""
