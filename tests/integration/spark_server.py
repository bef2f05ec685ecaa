"""A Spark Connect server on this machine, where its packages and Java are."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import wait_for

ENVIRONMENT = Path(sys.prefix) / "spark"
SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
needs_spark = pytest.mark.skipif(
    not (ENVIRONMENT / "bin" / "spark-submit").exists() or shutil.which("java") is None,
    reason="Spark is not installed: `make spark`, and Java 17",
)


@contextmanager
def spark_server(folder: Path) -> Iterator[str]:
    """Address of a server that keeps its own files in `folder`; it is stopped at the end."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    settings = {
        "spark.connect.grpc.binding.port": str(port),
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder / "catalog"),
        "spark.ui.enabled": "false",
    }
    command = [str(ENVIRONMENT / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", "2g"]
    for name, value in settings.items():
        command += ["--conf", f"{name}={value}"]
    environment = os.environ | {"PATH": f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--class", SERVER, "spark-internal"],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
        )
        try:
            wait_for(lambda: _answers(port) or server.poll() is not None)
            assert server.poll() is None, (folder / "server.log").read_text()
            yield f"sc://localhost:{port}"
        finally:
            server.kill()
            server.wait()


def _answers(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("localhost", port)) == 0
