"""A PostgreSQL server of the tests' own, in a temporary folder, and what a mirror in it must be equal to."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    import psycopg

Rows = dict[str, Counter[tuple[Any, ...]]]
PASSWORD = "s3cret-of-the-warehouse"
_number = count()


@dataclass(frozen=True)
class Server:
    """A running server: roles `warehouse`, with a password, and `analyst`, which needs none on the socket."""

    folder: Path
    port: int

    def new_database(self) -> str:
        """The address of an empty database of `warehouse`'s."""
        name = f"test_{next(_number)}"
        with self.session("postgres", "/postgres") as connection:
            connection.execute(f"create database {name} owner warehouse")
        return f"postgresql://warehouse:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def session(self, user: str, address: str) -> psycopg.Connection[Any]:
        """A session of another role, or of the superuser `postgres`, in the database of an address."""
        import psycopg

        database = address.rpartition("/")[2]
        return psycopg.connect(
            host=str(self.folder), port=self.port, user=user, dbname=database, autocommit=True
        )


def server_programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, of the newest version that is installed."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None


@contextmanager
def running_server(programs: Path) -> Iterator[Server]:
    """Start a server, and stop it when the block ends."""
    # Where tests are root, the server's account sees nothing below pytest's folder.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder, socket.socket() as free:
        account: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []}
            shutil.chown(folder, account["user"])

        def call(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", f"{folder}/data", *arguments]
            subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, **account)

        free.bind(("127.0.0.1", 0))
        server = Server(Path(folder), free.getsockname()[1])
        free.close()
        users = ("-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256")
        call("initdb", *users, "-E", "UTF8", "-N")
        options = f"-c port={server.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        call("pg_ctl", "-w", "-l", f"{folder}/log", "-o", f"{options} -c fsync=off", "start")
        try:
            with server.session("postgres", "/postgres") as connection:
                connection.execute(f"create role warehouse login password '{PASSWORD}'")
                connection.execute("create role analyst login")
            yield server
        finally:
            call("pg_ctl", "-m", "immediate", "stop")


def of_release(folder: Path) -> Rows:
    """All rows of a release, as DuckDB's driver gives them; of its views, those that have a file."""
    views = ", ".join(f"'{file.stem}'" for file in folder.glob("*.parquet"))
    tables = (
        "select table_name from information_schema.tables"
        f" where table_type = 'BASE TABLE' or table_name in ({views})"
    )
    with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
        return _rows(connection, tables, "main")


def of_postgres(address: str) -> Rows:
    """The same of a mirror, as PostgreSQL's driver gives it."""
    import psycopg

    with psycopg.connect(address) as connection:
        return _rows(connection, "select tablename from pg_tables where schemaname = 'aipl'", "aipl")


def _rows(connection: Any, tables: str, schema: str) -> Rows:
    names = [name for (name,) in connection.execute(tables).fetchall()]
    rows = {name: connection.execute(f'select * from {schema}."{name}"').fetchall() for name in names}
    return {name: Counter(map(_plain, found)) for name, found in rows.items()}


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Lists as text, since a counter holds none."""
    return tuple(json.dumps(value) if isinstance(value, list | dict) else value for value in row)
