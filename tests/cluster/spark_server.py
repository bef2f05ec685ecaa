"""Apache Spark on this machine, where its packages and Java are: a server alone, or a cluster."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import wait_for

from orchestration.build.engine.on_spark import SCRIPT

ENVIRONMENT = Path(sys.prefix) / "spark"
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
MASTER = "org.apache.spark.deploy.master.Master"
WORKER = "org.apache.spark.deploy.worker.Worker"
OF_SHORT_LIVES = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# Compiling a query to Java, and Java to fast machine code, pays from a million rows on.
OF_SMALL_TABLES = {
    "spark.driver.memory": "2g",
    "spark.executor.memory": "1g",
    "spark.driver.extraJavaOptions": OF_SHORT_LIVES,
    "spark.executor.extraJavaOptions": OF_SHORT_LIVES,
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "2",
}
# A catalog of Hive's, as most clusters have, with which each table costs a little more.
OF_HIVE = {
    "spark.hadoop.javax.jdo.option.ConnectionURL": "jdbc:derby:memory:metastore;create=true",
    "spark.sql.catalogImplementation": "hive",
    # Tables without a named format are text, as is the default of Spark 3.
    "spark.sql.legacy.createHiveTableByDefault": "true",
}
# The defaults of Spark, with less memory than a worker would have.
OF_LARGE_TABLES = {
    "spark.driver.memory": "4g",
    "spark.executor.memory": "5g",
    "spark.sql.shuffle.partitions": "16",
}
needs_spark = pytest.mark.skipif(
    not (ENVIRONMENT / "bin" / "spark-submit").exists() or shutil.which("java") is None,
    reason="Spark is not installed: `make spark`, and Java 17",
)

SAIL = ENVIRONMENT / "sail" / "bin" / "sail"
needs_sail = pytest.mark.skipif(not SAIL.exists(), reason="Sail is not installed: `make spark`")


@dataclass(frozen=True)
class Cluster:
    """A master with workers of one core each, and a Spark Connect server at the address `remote`."""

    remote: str
    workers: Sequence[subprocess.Popen[bytes]]


@contextmanager
def spark_server(
    folder: Path, *, master: str = "local[2]", settings: Mapping[str, str] = OF_SMALL_TABLES
) -> Iterator[str]:
    """Address of a server that keeps its own files in `folder`; it is stopped at the end."""
    port = free_port()
    told = {
        **settings,
        "spark.connect.grpc.binding.port": str(port),
        "spark.log.level": "WARN",
        "spark.sql.warehouse.dir": str(folder / "catalog"),
        "spark.ui.enabled": "false",
    }
    command = ["spark-submit", "--master", master]
    for name, value in told.items():
        command += ["--conf", f"{name}={value}"]
    with started(folder, "server", *command, "--class", SERVER, "spark-internal", port=port):
        yield f"sc://localhost:{port}"


@contextmanager
def sail_server(folder: Path) -> Iterator[str]:
    """Address of a server of Sail, which speaks as Spark does; its log is in `folder`."""
    port = free_port()
    command = [str(SAIL), "spark", "server", "--ip", "127.0.0.1", "--port", f"{port}"]
    with started(folder, "sail", *command, port=port):
        yield f"sc://127.0.0.1:{port}"


@contextmanager
def spark_cluster(
    folder: Path, workers: int, *, settings: Mapping[str, str] = OF_SMALL_TABLES
) -> Iterator[Cluster]:
    """A cluster that keeps its own files in `folder`; it is stopped at the end."""
    port = free_port()
    master = f"spark://localhost:{port}"
    with ExitStack() as stack:
        command = ["spark-class", MASTER, "--host", "localhost", "--port", f"{port}", "--webui-port", "0"]
        stack.enter_context(started(folder, "master", *command, port=port))
        running = []
        for number in range(workers):
            command = ["spark-class", WORKER, "--cores", "1", "--memory", settings["spark.executor.memory"]]
            command += ["--webui-port", "0", "--work-dir", str(folder / f"work{number}"), master]
            running.append(stack.enter_context(started(folder, f"worker{number}", *command)))
        server = stack.enter_context(spark_server(folder, master=master, settings=settings))
        yield Cluster(server, running)


@contextmanager
def killed_while_building(home: Path, cluster: Cluster) -> Iterator[None]:
    """A worker dies, with its executor, once some tables of a layer have been written."""
    is_over = threading.Event()

    def wait_and_kill() -> None:
        while not is_over.wait(timeout=0.2):
            if len(list(home.glob("warehouse/spark/intermediate/*/*.parquet"))) >= 10:
                cluster.workers[0].kill()
                break

    killer = threading.Thread(target=wait_and_kill)
    killer.start()
    try:
        yield
    finally:
        is_over.set()
        killer.join()
    # Raises TimeoutExpired if the build ended before the worker was killed.
    cluster.workers[0].wait(timeout=10)


@contextmanager
def started(
    folder: Path, name: str, program: str, *arguments: str, port: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of Spark, until the end of the block; once it answers at the port, if it has one."""
    path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "SPARK_DAEMON_JAVA_OPTS": OF_SHORT_LIVES}
    log = folder / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(ENVIRONMENT / "bin" / program), *arguments],
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
        )
        try:
            if port is not None:
                wait_for(lambda: _answers(port) or process.poll() is not None)
                assert process.poll() is None, log.read_text()
            yield process
        finally:
            process.kill()
            process.wait()


def run_dbt(log: Path, environment: Mapping[str, str], *arguments: str) -> None:
    """Run dbt as a build on Spark does, with these variables besides; what it says is in `log`."""
    command = [str(ENVIRONMENT / "bin" / "python"), str(SCRIPT), "dbt", *arguments, "--target", "spark"]
    known = {**os.environ, **environment}
    known.pop("DBT_PARTIAL_PARSE_FILE_PATH", None)
    # It ends with its input.
    with (
        log.open("w") as said,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said, env=known) as process,
    ):
        code = process.wait()
    assert code == 0, log.read_text()[-3000:]


def free_port() -> int:
    """A port of this machine that nothing listens on.

    Below those that Linux hands out by itself: Spark is given some of them before it takes its own.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as free, suppress(OSError):
            free.bind(("localhost", port))
            return port
    raise OSError("no port is free")


def _answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("localhost", port)) == 0
