"""Apache Spark, over Spark Connect: tables are Parquet below the home, which the cluster sees as well.

Spark's packages lie in an environment of their own (`make spark`), whose Python runs dbt and all else that is
said to the cluster: Great Expectations imports PySpark wherever it finds it.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from orchestration.build.dbt import build_arguments
from orchestration.build.engine.contract import Order, Ran
from orchestration.build.engine.facade import EngineTables, show_tables
from orchestration.build.engine.on_duckdb import NODE_RESULTS
from orchestration.build.engine.python_model import write_python_model
from orchestration.build.prepared import prepare_manifest
from orchestration.core.database import sql_text
from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.settings import Settings

PACKAGES = {"dbt-core", "dbt-spark", "pyspark"}
SCRIPT = Path(__file__).with_name("in_spark_environment.py")
DEFAULT_PORT = 15002
SECONDS_TO_ANSWER = 10
# Schemas that a build makes; `engine` has its mark.
SCHEMAS = ("arrival", "changes", "engine", "intermediate", "marts", "seeds", "staging")

# The second step of a build takes the changes of the first for its own; what it runs is run in full.
CONTINUED = {"AIPL_DBT_CONTINUES": "true", "AIPL_DBT_CHANGED_INPUTS": "all"}
NOTHING: Mapping[str, str] = {}


class OnSpark:
    """A cluster, by its address (`sc://host:port`), and the format of its incremental tables."""

    name = "spark"

    def __init__(self, remote: str, table_format: str = "parquet") -> None:
        self._remote, self._format = remote, table_format
        self._environment = Path(sys.prefix) / "spark"

    def versions(self) -> Sequence[str]:
        """Those of the environment of Spark. Raises InputError without it."""
        folders = [str(path) for path in self._environment.glob("lib/python*/site-packages")]
        found = {one.name: one.version for one in distributions(path=folders) if one.name in PACKAGES}
        if found.keys() != PACKAGES:
            raise InputError(
                "The packages of Spark are not installed. In a checkout, `make spark` installs them;"
                " AIPL_ENGINE=duckdb builds without them."
            )
        return [*(f"{name} {found[name]}" for name in sorted(found)), f"tables {self._format}"]

    def why_in_full(self, settings: Settings, build_id: str) -> str:
        """Why its tables are not those of the finished build `build_id`; empty when they are.

        Raises EnvironmentStop when it cannot be reached.
        """
        self._require()
        answer = self._answer(settings, ["select build_id from engine.mark"], 2)
        if "error" in answer:
            if "NOT_FOUND" in answer["condition"]:
                return "Spark has no tables of the last build"
            raise EnvironmentStop(self._told(answer["error"]))
        return "" if answer["rows"] == [[build_id]] else "Spark has tables of another build"

    def build(self, settings: Settings, order: Order, on_node: Callable[[str], None]) -> Ran:
        """Build in two steps, with the models in Python between them, and show all tables to DuckDB.

        Raises EnvironmentStop when the cluster cannot be reached.
        """
        self._require()
        manifest = json.loads(prepare_manifest(settings, order.dbt_sources).read_text())
        settings.engine_tables.mkdir(parents=True, exist_ok=True)
        if order.in_full:
            self._clear(settings, order.configured)
        python, after = _python_models(manifest)
        wanted = None if order.models is None else set(order.models)
        if wanted is not None:
            python, after = python & wanted, after & wanted
            wanted -= python | after
        ran, results = self._step(settings, order, models=wanted, left_out=python | after, on_node=on_node)
        if ran.success:
            for model in sorted(python):
                node = manifest["nodes"][f"model.aipl.{model}"]
                write_python_model(settings, node, self.tables(settings))
                self.tell(settings, _register(settings, model))
                on_node(model)
            # Laws of a model in Python are judged when there is one.
            rest = after | {f"{model}+1,resource_type:test" for model in python}
            ran, more = self._step(
                settings, order, models=rest, left_out=set(), on_node=on_node, variables=CONTINUED
            )
            results += more
        (order.target / "run_results.json").write_text(json.dumps({"results": results}))
        show_tables(settings, order, manifest, self.tables(settings))
        return ran

    def finish(self, settings: Settings, build_id: str) -> None:
        """Keep the build's id beside its tables. Raises EnvironmentStop when the cluster cannot do it."""
        self.tell(settings, self._mark(settings, build_id))

    def rows(self, settings: Settings, query: str, limit: int) -> tuple[list[str], list[Sequence[Any]]]:
        """Names of the columns of a query, as dbt compiled it, and its first rows. Raises as `tell` does."""
        answer = self.tell(settings, [query], limit)
        return answer["columns"], answer["rows"]

    def tell(self, settings: Settings, statements: Sequence[str], limit: int = 1) -> dict[str, Any]:
        """Run statements; `columns` and first `rows` of the last one.

        Raises EnvironmentStop when one fails.
        """
        self._require()
        answer = self._answer(settings, statements, limit)
        if "error" in answer:
            raise EnvironmentStop(self._told(answer["error"]))
        return answer

    def tables(self, settings: Settings) -> EngineTables:
        """Files of all tables. Raises EnvironmentStop where DuckDB would read rows that are deleted."""
        folders = sorted(
            str(kept.parent)
            for kept in settings.engine_tables.glob("*/*/*")
            if kept.name in {"_delta_log", "metadata"}
        )
        return EngineTables(settings.engine_tables, self._ask(settings, "files", folders) if folders else {})

    def _require(self) -> None:
        """Raise EnvironmentStop when nobody answers: PySpark itself would try for minutes."""
        address = urlsplit(self._remote)
        try:
            place = (address.hostname or "", address.port or DEFAULT_PORT)
            with socket.create_connection(place, timeout=SECONDS_TO_ANSWER):
                pass
        except (OSError, ValueError) as error:
            raise EnvironmentStop(
                f"Spark does not answer at {self._remote}: {error}. The current release can be read as"
                " before. Start the cluster's Spark Connect server, or set SPARK_REMOTE, and run `aipl run`"
                " again."
            ) from error

    def _answer(self, settings: Settings, statements: Sequence[str], limit: int) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask(settings, "sql", [statements, limit])
        return answer

    def _ask(self, settings: Settings, subject: str, question: Any) -> Any:
        """What the script answers in the environment of Spark. Raises EnvironmentStop when it fails."""
        asked = subprocess.run(
            [self._python, str(SCRIPT), subject],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            env=os.environ | self._variables(settings),
            check=False,
        )
        if asked.returncode != 0:
            raise EnvironmentStop(self._told((asked.stderr.strip().splitlines() or ["no answer"])[-1]))
        return json.loads(asked.stdout.splitlines()[-1])

    def _step(
        self,
        settings: Settings,
        order: Order,
        *,
        models: Set[str] | None,
        left_out: Set[str],
        on_node: Callable[[str], None],
        variables: Mapping[str, str] = NOTHING,
    ) -> tuple[Ran, list[Any]]:
        """One dbt command, by default for all models but those that are left out; and dbt's results."""
        if models is not None and not models:
            return Ran(True), []
        arguments = build_arguments(
            settings,
            order.configured,
            in_full=order.in_full,
            models=None if models is None else sorted(models),
        )
        excluded = [f"--exclude={name}" for name in sorted(left_out)]
        # Always the same folder: dbt parses again only what changed.
        target = settings.dbt_target / "spark"
        told = target / "run_results.json"
        told.unlink(missing_ok=True)
        order.target.mkdir(parents=True, exist_ok=True)
        command = [
            self._python,
            str(SCRIPT),
            "dbt",
            "--log-format-file",
            "text",
            "--log-format",
            "json",
            *arguments,
            *excluded,
            "--target",
            "spark",
        ]
        environment = os.environ | order.variables | self._variables(settings) | dict(variables)
        environment["DBT_TARGET_PATH"] = str(target)
        environment.pop("DBT_PARTIAL_PARSE_FILE_PATH", None)
        errors: list[str] = []
        with (order.target / "spark.log").open("a") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
            try:
                assert process.stdout is not None  # noqa: S101
                for event in _events(process.stdout):
                    if event["info"]["name"] in NODE_RESULTS:
                        on_node(event["data"]["node_info"]["node_name"])
                    elif event["info"]["level"] == "error":
                        errors.append(event["info"]["msg"].partition("JVM stacktrace")[0].strip())
                code = process.wait()
            finally:
                # An interrupted run takes it along; the end of its input would, where this process is killed.
                process.kill()
                process.wait()
        if not told.exists():
            return Ran(False, RuntimeError("\n".join(errors) or _tail(order.target / "spark.log"))), []
        return Ran(code == 0), json.loads(told.read_text())["results"]

    def _clear(self, settings: Settings, configured: Sequence[str] | Any) -> None:
        """Drop all that an earlier build has left in the catalog, and its files."""
        drops = [f"drop schema if exists {name} cascade" for name in (*SCHEMAS, *configured)]
        # A cluster that does not know the format fails at this mark, before anything is dropped.
        self.tell(settings, [*self._mark(settings, ""), *drops])
        shutil.rmtree(settings.engine_tables, ignore_errors=True)
        settings.engine_tables.mkdir(parents=True)

    def _mark(self, settings: Settings, build_id: str) -> list[str]:
        place = settings.engine_tables / "engine"
        return [
            f"create schema if not exists engine location {sql_text(place)}",
            "drop table if exists engine.mark",
            f"create table engine.mark using {self._format} as select {sql_text(build_id)} as build_id",
        ]

    def _variables(self, settings: Settings) -> dict[str, str]:
        return {
            "SPARK_REMOTE": self._remote,
            "AIPL_SPARK_TABLES": str(settings.engine_tables),
            "AIPL_SPARK_FORMAT": self._format,
        }

    @property
    def _python(self) -> str:
        return str(self._environment / "bin" / "python")

    def _told(self, error: str) -> str:
        return f"Spark at {urlsplit(self._remote).hostname} cannot do it: {error}"


def _python_models(manifest: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Names of the models in Python, and of all models that are built from them."""
    nodes = manifest["nodes"]
    python = {
        key
        for key, node in nodes.items()
        if node["resource_type"] == "model" and node["language"] == "python"
    }
    after: set[str] = set()
    found = set(python)
    while found:
        children = {child for key in found for child in manifest["child_map"].get(key, ())}
        found = {key for key in children if key.startswith("model.")} - after
        after |= found
    return {key.split(".")[2] for key in python}, {key.split(".")[2] for key in after}


def _register(settings: Settings, model: str) -> list[str]:
    place = settings.engine_tables / "intermediate" / model
    return [
        f"drop table if exists intermediate.{model}",
        f"create table intermediate.{model} using parquet location {sql_text(place)}",
    ]


def _events(output: IO[str]) -> Iterator[dict[str, Any]]:
    """Events of dbt's log, one JSON a line."""
    for line in output:
        # Other lines are of libraries.
        with suppress(ValueError):
            yield json.loads(line)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
