"""The current release in a real PostgreSQL server: equal, whole at any moment, quiet about its password."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dashboard_world import World, copied, published
from forks import PROCESSES
from nights import AtCall
from postgres_server import PASSWORD, Server, of_postgres, of_release
from waiting import wait_for

from orchestration.core.errors import EnvironmentStop, InputError
from orchestration.core.lock import writer_lock
from orchestration.core.settings import PROJECT_ROOT, Settings
from orchestration.publish import mirror as mirror_module
from orchestration.publish.mirror import MARK, Mirrored, mirror
from orchestration.publish.releases import point_to

psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")

IN_ONE_STATEMENT = (
    "select (select max(release_id) from aipl.dim_release), (select sum(persons) from aipl.fct_aipl_daily),"
    " (select sum(persons) from aipl.fct_aipl_flow),"
    " obj_description(to_regnamespace('aipl')::oid, 'pg_namespace')"
)


@dataclass(frozen=True)
class Two:
    """A home with two releases; the one after is current."""

    settings: Settings
    before: Path
    after: Path

    def point_to(self, folder: Path) -> None:
        with writer_lock(self.settings.home):
            point_to(self.settings, folder)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Two:
    home = tmp_path_factory.mktemp("mirrored")
    settings, before = published(home, World(seed=1))
    _, after = published(home, World(seed=2))
    return Two(settings, before.folder, after.folder)


@pytest.fixture
def two(worlds: Two) -> Two:
    worlds.point_to(worlds.after)
    return worlds


@pytest.fixture
def address(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of the test's own, which the mirror is told of."""
    address = postgres.new_database()
    monkeypatch.setenv("AIPL_MIRROR_URL", address)
    return address


def changed(two: Two, home: Path, *statements: str) -> Settings:
    """A copy of the home whose current release is another one, in which some statements were run."""
    settings, release = copied(two.settings, home)
    folder = release.folder.rename(release.folder.with_name(f"{release.folder.name[:-1]}z"))
    manifest = folder / "manifest.json"
    told = json.loads(manifest.read_text()) | {"release_id": folder.name}
    for file in (manifest, folder / "marts.duckdb"):
        file.chmod(0o644)
    manifest.write_text(json.dumps(told))
    with duckdb.connect(str(folder / "marts.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)
    with writer_lock(home):
        point_to(settings, folder)
    return settings


def test_every_table_is_equal_after_a_publish_and_a_rollback(two: Two, address: str, tmp_path: Path) -> None:
    def writers() -> set[str]:
        with psycopg.connect(address) as connection:
            return {x for (x,) in connection.execute("select xmin::text from aipl.fct_aipl_daily")}

    expected = of_release(two.after)
    assert {"fct_aipl_stage_history", "fct_fast", "dim_release", "fct_aipl_ledger"} <= expected.keys()
    rows = sum(table.total() for table in expected.values())
    assert mirror(two.settings) == Mirrored(two.after.name, rows)
    assert of_postgres(address) == expected
    before = writers()
    assert len(before) == 1
    assert mirror(two.settings) == Mirrored(two.after.name, None), "the same release is not copied again"
    assert writers() == before
    two.point_to(two.before)
    assert mirror(two.settings).release_id == two.before.name
    shown = of_postgres(address)
    assert shown == of_release(two.before) != expected
    settings = changed(two, tmp_path, "create table odd (how_long interval)")
    with pytest.raises(InputError, match=r"Column how_long has the DuckDB type INTERVAL"):
        mirror(settings)
    assert of_postgres(address) == shown, "a type that is not known changes nothing"


def test_types_and_descriptions_are_kept(two: Two, address: str, tmp_path: Path) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, 123456, UTC)
    row = {
        "a_decimal": ("decimal(18, 4)", Decimal("-12345678901234.5678"), "numeric(18,4)"),
        "a_day": ("date", date(9999, 12, 31), "date"),
        "a_moment": ("timestamptz", moment, "timestamp with time zone"),
        "a_local_time": ("timestamp", moment.replace(tzinfo=None), "timestamp without time zone"),
        "a_flag": ("boolean", False, "boolean"),
        "a_bigint": ("bigint", -(2**63), "bigint"),
        "an_int": ("integer", 2**31 - 1, "integer"),
        "a_sum": ("hugeint", 10**37, "numeric(38,0)"),
        "an_unsigned": ("ubigint", 2**64 - 1, "numeric(20,0)"),
        "a_double": ("double", 0.1 + 0.2, "double precision"),
        "no_number": ("double", float("inf"), "double precision"),
        "a_text": ("varchar", 'a "quoted", \\N line\nand 中文', "text"),
        "an_empty": ("varchar", "", "text"),
        "nothing": ("varchar", None, "text"),
        "a_list": ("varchar[]", ["a,b", '"', None, ""], "jsonb"),
        "a_struct": ("struct(x integer, y varchar[])", {"x": 1, "y": ["é"]}, "jsonb"),
        'Odd " name': ("integer", 1, "integer"),
    }
    columns = ", ".join('"' + name.replace('"', '""') + f'" {kind}' for name, (kind, _, _) in row.items())
    settings = changed(
        two,
        tmp_path,
        f"create table odd ({columns})",
        "create table nobody (x integer)",
        "comment on table odd is 'one a ''week'''",
        "comment on column odd.a_day is 'the day; of it'",
    )
    with duckdb.connect(str((settings.published / "current").resolve() / "marts.duckdb")) as connection:
        values = [value for _, value, _ in row.values()]
        connection.execute(f"insert into odd values ({', '.join('?' for _ in row)})", values)
    mirror(settings)
    with psycopg.connect(address) as connection:
        assert connection.execute("select * from aipl.nobody").fetchall() == []
        found = connection.execute(
            "select attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)"
            " from pg_attribute where attrelid = 'aipl.odd'::regclass and attnum > 0 order by attnum"
        ).fetchall()
        comments = {"a_day": "the day; of it"}
        assert found == [(name, kind, comments.get(name)) for name, (_, _, kind) in row.items()]
        assert connection.execute("select * from aipl.odd").fetchall() == [tuple(values)]
        said = connection.execute(
            "select obj_description('aipl.odd'::regclass),"
            " obj_description(to_regnamespace('aipl')::oid, 'pg_namespace')"
        ).fetchall()
        assert said == [("one a 'week'", f"{MARK}{(settings.published / 'current').resolve().name}")]


def test_readers_see_one_release_or_the_other(two: Two, address: str) -> None:
    """Those of one statement, and those of a transaction; nobody waits, fails, or sees nothing."""
    mirror(two.settings)
    known = set()
    for folder in (two.before, two.after):
        with duckdb.connect(str(folder / "marts.duckdb"), read_only=True) as connection:
            totals = [
                connection.execute(f"select sum(persons)::bigint from {mart}").fetchall()[0][0]
                for mart in ("fct_aipl_daily", "fct_aipl_flow")
            ]
        known.add((folder.name, *totals, MARK + folder.name))
    assert len({daily for _, daily, _, _ in known}) == 2
    seen, failed, done = Counter[tuple[Any, ...]](), list[BaseException](), threading.Event()

    def one_statement(connection: Any) -> tuple[Any, ...]:
        return connection.execute(IN_ONE_STATEMENT).fetchone() or ()

    def one_transaction(connection: Any) -> tuple[Any, ...]:
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read")
            first = connection.execute("select max(release_id) from aipl.dim_release").fetchone() or ()
            done.wait(0.02)
            return first + (connection.execute(IN_ONE_STATEMENT).fetchone() or ())[1:]

    def read(look: Any) -> None:
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                while not done.is_set():
                    seen[look(connection)] += 1
        except BaseException as error:
            failed.append(error)

    readers = [threading.Thread(target=read, args=[look]) for look in (one_statement, one_transaction)]
    for reader in readers:
        reader.start()
    try:
        for number in range(8):
            two.point_to((two.before, two.after)[number % 2])
            mirror(two.settings)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert failed == []
    assert seen.keys() == known


def test_a_transaction_that_began_before_the_swap_reads_on(two: Two, address: str) -> None:
    """Tables that it has not read yet too: this fails where tables are replaced, not rows."""
    two.point_to(two.before)
    mirror(two.settings)
    with closing(psycopg.connect(address)) as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from aipl.dim_release")
        two.point_to(two.after)
        mirror(two.settings)
        rows = Counter(reader.execute("select * from aipl.fct_aipl_daily").fetchall())
    assert rows == of_release(two.before)["fct_aipl_daily"]
    assert of_postgres(address) == of_release(two.after)


def test_a_slower_mirror_brings_no_older_release_back(
    two: Two, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that began with the release before holds up the next, which then shows what is current."""
    began, go_on, done = threading.Event(), threading.Event(), list[str]()
    shape = mirror_module._shape

    def slow(*arguments: Any) -> None:
        shape(*arguments)
        began.set()
        assert go_on.wait(300)

    def run() -> None:
        done.append(mirror(two.settings).release_id)

    two.point_to(two.before)
    first, second = threading.Thread(target=run), threading.Thread(target=run)
    with monkeypatch.context() as patched:
        patched.setattr(mirror_module, "_shape", slow)
        first.start()
        assert began.wait(300)
        two.point_to(two.after)
        second.start()
        with psycopg.connect(address, autocommit=True) as connection:
            waiting = "select from pg_locks where locktype = 'advisory' and not granted"
            wait_for(lambda: connection.execute(waiting).fetchone() is not None)
        assert done == []
        go_on.set()
        first.join()
        second.join()
    assert done == [two.before.name, two.after.name]
    assert of_postgres(address) == of_release(two.after)


def killed_mirror(settings: Settings, address: str, fault: AtCall) -> None:
    os.environ["AIPL_MIRROR_URL"] = address
    fault.arm(settings.home)
    mirror(settings)


@pytest.mark.parametrize("where", [("_shape", 1), ("_replace_rows", 9), ("_comments", 1)], ids=str)
def test_a_kill_in_the_middle_leaves_the_old_release(two: Two, address: str, where: tuple[str, int]) -> None:
    two.point_to(two.before)
    mirror(two.settings)
    two.point_to(two.after)
    fault = AtCall(f"orchestration.publish.mirror:{where[0]}", where[1])
    process = PROCESSES.Process(target=killed_mirror, args=(two.settings, address, fault))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert of_postgres(address) == of_release(two.before)
    assert mirror(two.settings).release_id == two.after.name
    assert of_postgres(address) == of_release(two.after)


def test_what_others_made_stays(two: Two, address: str, postgres: Server, tmp_path: Path) -> None:
    """Grants, views and indexes; a table that is new is readable too, by what the page says to set once."""
    two.point_to(two.before)
    page = (PROJECT_ROOT / "docs" / "connect.md").read_text()
    prepared = next(sql for sql in re.findall(r"```sql\n(.*?)```", page, re.DOTALL) if "create schema" in sql)
    with postgres.session("postgres", address) as admin:
        admin.execute(prepared)
    mirror(two.settings)
    with psycopg.connect(address) as connection:
        connection.execute("create index by_day on aipl.fct_aipl_daily (as_of_date)")
        connection.execute("create view public.stock as select sum(persons) as n from aipl.fct_aipl_daily")
        connection.execute("grant select on public.stock to analyst")
    two.point_to(two.after)
    mirror(two.settings)
    with closing(postgres.session("analyst", address)) as reader:
        assert (
            Counter(reader.execute("select * from aipl.fct_aipl_daily").fetchall())
            == (of_release(two.after)["fct_aipl_daily"])
        )
        (stock,) = reader.execute("select n from public.stock").fetchall()
        assert stock == reader.execute("select sum(persons) from aipl.fct_aipl_daily").fetchone()
        assert reader.execute("select count(*) from pg_indexes where indexname = 'by_day'").fetchone() == (1,)
        mirror(changed(two, tmp_path, "create table fct_new as select 7 as n", "drop table fct_fast_tiers"))
        assert reader.execute("select n from aipl.fct_new").fetchall() == [(7,)]
        assert reader.execute("select to_regclass('aipl.fct_fast_tiers')").fetchone() == (None,)


def test_a_column_that_changes_is_changed_unless_a_view_needs_it(
    two: Two, address: str, tmp_path: Path
) -> None:
    mirror(two.settings)
    settings = changed(
        two,
        tmp_path,
        "alter table fct_fast_tiers drop column tier",
        "alter table fct_fast_tiers add column rank_of_tier bigint default 3",
        "alter table fct_aipl_daily alter persons type decimal(20, 1)",
    )
    with psycopg.connect(address) as connection:
        connection.execute("create view public.tiers as select tier from aipl.fct_fast_tiers")
    with pytest.raises(
        EnvironmentStop, match=r"view tiers depends on column tier of table aipl\.fct_fast_tiers"
    ):
        mirror(settings)
    assert of_postgres(address) == of_release(two.after)
    with psycopg.connect(address) as connection:
        connection.execute("drop view public.tiers")
    mirror(settings)
    current = (settings.published / "current").resolve()
    names = "brand_id, period_start, rank_of_tier"
    with psycopg.connect(address) as connection, duckdb.connect(str(current / "marts.duckdb")) as release:
        for query in (
            f"select {names} from {{}}fct_fast_tiers",
            "select persons, stage from {}fct_aipl_daily",
        ):
            mirrored = connection.execute(query.format("aipl.")).fetchall()
            assert Counter(mirrored) == Counter(release.execute(query.format("")).fetchall())
            assert mirrored


def test_a_column_that_changes_does_not_wait_for_a_reader_for_long(
    two: Two, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(two.settings)
    monkeypatch.setattr(mirror_module, "TABLE_TIMEOUT", "100ms")
    settings = changed(two, tmp_path, "alter table fct_fast add column extra integer")
    with closing(psycopg.connect(address)) as reader:
        reader.execute("select count(*) from aipl.fct_fast")
        with pytest.raises(EnvironmentStop, match="canceling statement due to lock timeout"):
            mirror(settings)
        assert reader.execute("select count(*) from aipl.fct_fast").fetchone() != (0,)
        # The server notices later that a connection is closed.
        reader.rollback()
    assert mirror(settings).rows


def test_what_is_not_its_own_is_left_alone_until_it_is_taken_over(two: Two, address: str) -> None:
    """A schema of somebody else, and the mirror of another home, as of one that is tried out."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create schema aipl")
        connection.execute("create table aipl.fct_fast (mine integer)")
        with pytest.raises(InputError, match="The schema aipl of the database in AIPL_MIRROR_URL holds some"):
            mirror(two.settings)
        assert of_postgres(address) == {"fct_fast": Counter()}
        connection.execute("drop schema aipl cascade")
        mirror(two.settings)
        connection.execute(f"comment on schema aipl is '{MARK}20200101T000000Z-elsewher'")
        connection.execute("delete from aipl.fct_fast")
    with pytest.raises(InputError, match=r"shows release 20200101T000000Z-elsewher, which .* never had"):
        mirror(two.settings)
    assert of_postgres(address)["fct_fast"] == Counter()
    mirror(two.settings, take_over=True)
    assert of_postgres(address) == of_release(two.after)


SERVER = f"postgresql://warehouse:{PASSWORD}@127.0.0.1"
# A password with characters that should have been escaped ends up as host, port or database.
SHAPES = ("{}@x", "{}/x", "x@{}/y", "a/{}", "%zz{}", "x@{}?y")
MISREAD = [SERVER.replace(PASSWORD, shape.format(PASSWORD)) for shape in SHAPES]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("{address_with_another_password}", r'failed for user "warehouse"'),
        ("{address}_not", "does not exist"),
        (f"{SERVER}:1/nowhere", "Connection refused"),
        ("", "^AIPL_MIRROR_URL is not set"),
        *((f"{address}/aipl", "^AIPL_MIRROR_URL cannot be read") for address in MISREAD),
    ],
)
def test_an_address_that_leads_nowhere_is_told_in_a_line_without_its_password(
    two: Two, address: str, monkeypatch: pytest.MonkeyPatch, wrong: str, told: str
) -> None:
    another = address.replace(PASSWORD, f"{PASSWORD}-not")
    monkeypatch.setenv(
        "AIPL_MIRROR_URL", wrong.format(address=address, address_with_another_password=another)
    )
    if not wrong:
        monkeypatch.delenv("AIPL_MIRROR_URL")
    with pytest.raises((EnvironmentStop, InputError), match=told) as stopped:
        mirror(two.settings)
    assert "\n" not in str(stopped.value) and PASSWORD not in str(stopped.value)


def test_without_the_driver_it_says_what_to_install(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIPL_MIRROR_URL", f"{SERVER}/aipl")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InputError, match=r"is not installed. Run `make setup`\.$"):
        mirror(two.settings)
