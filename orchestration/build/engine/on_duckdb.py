"""DuckDB, in this process: the warehouse file holds the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.build.dbt import build_arguments, run_dbt
from orchestration.build.engine.contract import Order, Ran
from orchestration.build.warehouse import open_warehouse
from orchestration.core.settings import Settings

if TYPE_CHECKING:
    from dbt_common.events.base_types import EventMsg

NODE_RESULTS = {"LogModelResult", "LogSeedResult"}


class OnDuckDB:
    """Everything happens in the warehouse file, whose stamp tells whether somebody else wrote to it."""

    name = "duckdb"

    def versions(self) -> Sequence[str]:
        """None: its packages are those of this environment."""
        return ()

    def why_in_full(self, settings: Settings, build_id: str) -> str:
        """Nothing that the state of the build would not know."""
        return ""

    def build(self, settings: Settings, order: Order, on_node: Callable[[str], None]) -> Ran:
        """Run dbt in this process."""

        # Called in the threads of dbt.
        def hear(event: EventMsg) -> None:
            if event.info.name in NODE_RESULTS:
                on_node(event.data.node_info.node_name)

        arguments = build_arguments(settings, order.configured, in_full=order.in_full, models=order.models)
        answer = run_dbt(arguments, order.variables, hear)
        return Ran(answer.success, answer.exception)

    def finish(self, settings: Settings, build_id: str) -> None:
        """Nothing: the stamp of the file is kept with the state of the build."""

    def rows(self, settings: Settings, query: str, limit: int) -> tuple[list[str], list[Sequence[Any]]]:
        """Raises what `open_warehouse` does."""
        with open_warehouse(settings) as connection:
            connection.execute("set TimeZone = 'UTC'")
            found = connection.sql(query)
            return found.columns, list(found.limit(limit).fetchall())
