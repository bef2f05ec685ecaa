"""Releases that are kept: retired, verified, rolled back to, compared; and what a kill leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from oracle.ledger import Published
from unit.aipl_marts import add_marts, marts_of
from unit.alert_service import Webhook
from unit.publish_home import (
    NOON,
    build,
    killed_at,
    let_through,
    make_home,
    publish_build,
    query,
    stock,
)
from unit.test_cli import aipl
from unit.test_ledger import AFTER, BEFORE, START

from orchestration import cli
from orchestration.core.errors import EnvironmentStop, InputError, QualityStop
from orchestration.core.lock import writer_lock
from orchestration.core.settings import Settings
from orchestration.monitoring.runs import tell_of_rollback
from orchestration.nightly.status import status_text
from orchestration.nightly.summary_tables import release_tables
from orchestration.publish import release as publishing
from orchestration.publish import releases as kept
from orchestration.publish import retention
from orchestration.publish import rollback as rolling
from orchestration.publish.difference import difference, difference_text
from orchestration.publish.listing import listed_releases
from orchestration.publish.query import run_query
from orchestration.publish.release import mend_pointer, publish
from orchestration.publish.releases import damages, verify
from orchestration.publish.retention import retire
from orchestration.publish.rollback import rollback, rollback_in_force, rollback_lines

# Chains of releases, and commands in processes of their own.
pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_home(tmp_path)


def kept_ids(settings: Settings) -> set[str]:
    return {folder.name for folder in (settings.published / "releases").iterdir()}


def read(settings: Settings) -> object:
    """What a reader of the current release reads."""
    return stock(settings.published / "current")


def test_the_newest_are_kept_and_what_was_current_within_a_day(settings: Settings) -> None:
    settings = replace(settings, kept_releases=3)
    hours = [0, 30, 60, 70, 80, 81, 82]
    made = [publish_build(settings, n, at).release_id for n, at in enumerate(hours, 1)]
    # 82 h less a day is 58 h: the one of 30 h was current until 60 h, the first only until 30 h.
    assert kept_ids(settings) == set(made[1:])
    later = publish_build(settings, 9, 200).release_id
    # Current until now: the one before. The others are the three newest.
    assert kept_ids(settings) == {*made[-2:], later}
    # Current again until 400 h, while the newest was withdrawn at 300 h.
    rollback(settings, made[-1], now=NOON + timedelta(hours=300))
    for number, at in enumerate((400, 401, 402), 10):
        publish_build(settings, number, at)
    assert made[-1] in kept_ids(settings) and later not in kept_ids(settings)


def test_the_current_release_and_what_it_was_rolled_back_from_are_never_retired(settings: Settings) -> None:
    ids = [publish_build(settings, n, 100 * n).release_id for n in range(1, 7)]
    rollback(settings, ids[1], now=NOON + timedelta(hours=700))
    assert retire(replace(settings, kept_releases=2), NOON + timedelta(days=365)) == []
    publish_build(settings, 7, 2000)
    gone = retire(replace(settings, kept_releases=2), NOON + timedelta(days=365))
    # The new one follows the second; the sixth is among the two newest.
    assert set(gone) == {ids[0], ids[2], ids[3], ids[4]}


@pytest.mark.parametrize("step", ["rmtree", "flush_to_disk"])
def test_a_kill_while_releases_are_retired_leaves_no_half_release(settings: Settings, step: str) -> None:
    settings = replace(settings, kept_releases=2)
    for number in (1, 2):
        publish_build(settings, number, 100 * number)
    with killed_at(retention, step):
        publish_build(settings, 3, 300)
    assert read(settings) == 3
    verify(kept.release_folders(settings))
    publish_build(settings, 4, 400)
    assert len(kept_ids(settings)) == 2
    assert not [name for name in kept_ids(settings) if name.startswith(".")]


def test_a_rollback_stays_until_something_new_is_built(settings: Settings) -> None:
    first, second = publish_build(settings, 1, 0), publish_build(settings, 2, 1)
    with duckdb.connect(str(settings.published / "current" / "marts.duckdb"), read_only=True) as reader:
        done = rollback(settings)
        assert reader.execute("select max(persons) from fct_fast").fetchall() == [(2,)]
    assert (done.from_release, done.to_release) == (second.release_id, first.release_id)
    assert read(settings) == 1
    told = status_text(settings)
    assert f"withdrawn: {second.release_id}" in told
    assert f"`aipl rollback {second.release_id}`" in told

    again = publish(settings, NOON + timedelta(hours=2))
    assert (again.release_id, again.is_new, read(settings)) == (first.release_id, False, 1)

    third = publish_build(settings, 3, 3)
    assert third.is_new and read(settings) == 3
    assert third.manifest["previous_release_id"] == first.release_id, "people read the first before it"
    assert rollback_lines(settings) == []
    assert "withdrawn" not in status_text(settings)


def test_a_rollback_outlasts_news_of_stale_sources(settings: Settings) -> None:
    first, second = (publish_build(settings, n, n, sources="-fresh") for n in (1, 2))
    rollback(settings)
    assert not publish_build(settings, 2, 3, sources="-stale").is_new
    assert kept.current_id(settings) == first.release_id and rollback_in_force(settings) is not None
    rollback(settings, second.release_id)
    assert publish_build(settings, 2, 4, sources="-stale").is_new, "once it is undone, the news are told"


def test_by_default_one_goes_back_to_what_people_read_before_and_back_again_by_name(
    settings: Settings,
) -> None:
    with pytest.raises(InputError, match="There is no release in"):
        rollback(settings)
    first, second = publish_build(settings, 1, 0), publish_build(settings, 2, 1)
    with writer_lock(settings.home):
        answer = aipl(settings.home, "rollback")
    assert answer.returncode == 2 and "is being written by process" in answer.stderr
    assert read(settings) == 2
    rollback(settings)
    rollback(settings, second.release_id)
    assert read(settings) == 2 and rollback_lines(settings) == []
    assert not publish(settings).is_new
    assert rollback(settings).to_release == first.release_id
    publish_build(settings, 3, 2)
    assert rollback(settings).to_release == first.release_id, "not to the one that was withdrawn"
    for wanted, told in (
        (None, "no release before .* to go back to"),
        (first.release_id, "already current"),
        ("2024", f"no release 2024(.|\n)*{first.release_id}"),
    ):
        with pytest.raises(InputError, match=told):
            rollback(settings, wanted)


def test_a_new_release_is_the_newest_even_where_the_clock_was_set_back(settings: Settings) -> None:
    publish_build(settings, 1, 0)
    second = publish_build(settings, 2, 1000)
    rollback(settings, now=NOON)
    third = publish_build(settings, 3, 1)
    assert third.release_id > second.release_id
    assert third.manifest["created_at"] == "2024-03-14T04:00:01Z"
    assert publish(settings).release_id == third.release_id


@pytest.mark.parametrize(
    ("module", "step", "is_done"),
    [
        (rolling, "verify", False),
        (rolling, "remember", False),
        (rolling, "point_to", False),
        (kept, "flush_to_disk", True),
    ],
)
def test_a_kill_during_a_rollback_leaves_it_done_or_not(
    settings: Settings, module: object, step: str, is_done: bool
) -> None:
    publish_build(settings, 1, 0)
    publish_build(settings, 2, 1)
    with killed_at(module, step):
        rollback(settings)
    read_now = 1 if is_done else 2
    assert read(settings) == read_now and (rollback_in_force(settings) is not None) is is_done
    assert not publish(settings).is_new and read(settings) == read_now
    if not is_done:
        rollback(settings)
    assert read(settings) == 1 and not publish(settings).is_new


def test_a_lost_pointer_is_mended_to_what_was_read(settings: Settings) -> None:
    for number in (1, 2, 3):
        publish_build(settings, number, number)
    pointer = settings.published / "current"
    pointer.unlink()
    mend_pointer(settings)
    assert read(settings) == 3
    rollback(settings)
    pointer.unlink()
    mend_pointer(settings)
    assert read(settings) == 2, "what was taken back stays so"
    publish_build(settings, 4, 4)
    damaged = pointer.resolve() / "marts.duckdb"
    pointer.unlink()
    damaged.unlink()
    mend_pointer(settings)
    assert read(settings) == 2, "the newest whole one that was not taken back"


READING = ["status", "person-key x", "releases", "releases diff", "query select", "verify"]


@pytest.mark.parametrize("is_dangling", [False, True])
def test_without_the_pointer_each_reader_names_the_releases_and_the_cure(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, is_dangling: bool
) -> None:
    ids = [publish_build(settings, number, number).release_id for number in (1, 2)]
    pointer = settings.published / "current"
    pointer.unlink()
    if is_dangling:
        pointer.symlink_to("releases/2020")
    before = {path: path.lstat().st_mtime_ns for path in settings.published.rglob("*")}
    monkeypatch.setenv("AIPL_HOME", str(settings.home))
    for command in READING:
        answer = CliRunner().invoke(cli.aipl, command.split())
        told = answer.output + str(answer.exception or "")
        assert f"No release is current: {pointer}" in told and ", ".join(reversed(ids)) in told, command
        assert ("releases/2020, which is gone" in told) is is_dangling
        assert "`aipl run` mends it" in told and "no release in" not in told
        assert isinstance(answer.exception, InputError) is (command not in ("status", "releases")), command
    assert {path: path.lstat().st_mtime_ns for path in settings.published.rglob("*")} == before


def change(path: Path, content: bytes) -> None:
    """Replace a file that is read-only."""
    path.chmod(0o644)
    path.write_bytes(content)


def cut(path: Path, size: int = 1) -> None:
    change(path, path.read_bytes()[:-size])


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    change(path, content)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: change(path, b"no database" * 5000),
        lambda path: change(path, path.read_bytes()[:20_000]),
        Path.unlink,
    ],
)
def test_a_damaged_database_is_told_with_the_way_out(
    settings: Settings, damage: Callable[[Path], object]
) -> None:
    publish_build(settings, 1, 0)
    release = publish_build(settings, 2, 1)
    database = release.folder / "marts.duckdb"
    damage(database)
    for read_it in (lambda: run_query(settings, "from fct_fast"), lambda: release_tables(release.folder)):
        with pytest.raises(EnvironmentStop) as error:
            read_it()
        for part in (str(database), "`aipl verify`", "`aipl rollback`", "docs/runbooks/restore.md"):
            assert part in str(error.value)
    with pytest.raises(QualityStop, match=r"marts\.duckdb"):
        verify([release.folder])
    rollback(settings)
    assert run_query(settings, "select max(persons) from fct_fast").rows == [(1,)]


def test_a_block_that_cannot_be_read_is_no_fault_of_the_sql(settings: Settings) -> None:
    release = publish_build(settings, 1, 0)
    database = release.folder / "marts.duckdb"
    database.chmod(0o644)
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table big as select range as x, hash(range) as h from range(300_000)")
        ((block,),) = connection.execute(
            "select max(block_id) from pragma_storage_info('big')"
            " where column_name = 'h' and segment_type = 'UBIGINT'"
        ).fetchall()
    content = bytearray(database.read_bytes())
    # Three headers of 4 KiB, then blocks of 256 KiB.
    place = 3 * 4096 + block * 262_144 + 1000
    content[place : place + 100] = bytes(byte ^ 255 for byte in content[place : place + 100])
    database.write_bytes(content)
    assert run_query(settings, "select count(*) from fct_fast").rows == [(2,)]
    with pytest.raises(EnvironmentStop, match=r"checksum(.|\n)*`aipl rollback`"):
        run_query(settings, "select sum(h % 7) from big")


def test_a_rollback_and_its_undoing_are_told_once_each(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, hook: Webhook
) -> None:
    first, second = (publish_build(settings, number, number).release_id for number in (1, 2))
    settings = replace(settings, alerts_file=settings.home / "alerts.yml")
    settings.alerts_file.write_text("routes: {team: {to: TEAM}}\n")
    monkeypatch.setenv("LOGNAME", "night-shift")

    def told() -> list[tuple[str, str]]:
        for _ in range(2):
            tell_of_rollback(settings)
        found = [(message["title"], message["message"]) for message in hook.received]
        hook.received.clear()
        return found

    assert told() == []
    rollback(settings)
    ((title, body),) = told()
    assert title == f"[aipl] NEW: warning: release {first} is read again, not {second}, by night-shift"
    assert f"by night-shift from {second} to {first}" in body and f"`aipl rollback {second}`" in body
    rollback(settings, second)
    ((title, _),) = told()
    assert title.startswith(f"[aipl] OVER: warning: release {first} is read again, not {second}")
    assert "(undone at 20" in title and title.endswith(", by night-shift)")
    rollback(settings)
    assert [title.split(":")[0] for title, _ in told()] == ["[aipl] NEW"], "another one"
    publish_build(settings, 3, 5)
    ((title, _),) = told()
    assert title.startswith("[aipl] OVER") and title.endswith("(something new was published)")


def claim_more_rows(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["rows"]["fct_fast"] += 1
    change(path, json.dumps(manifest).encode())


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (lambda folder: cut(folder / "fct_fast.parquet"), "fct_fast.parquet is not what was published"),
    (lambda folder: flip(folder / "marts.duckdb"), "marts.duckdb is not what was published"),
    (lambda folder: (folder / "notes.md").unlink(), "notes.md is missing"),
    (lambda folder: (folder / "marts.duckdb.wal").write_text(""), "marts.duckdb.wal was never part of it"),
    (lambda folder: (folder / "manifest.json").unlink(), "manifest.json cannot be read"),
    (lambda folder: cut(folder / "manifest.json", 2), "manifest.json cannot be read"),
    (claim_more_rows, "manifest.json is not what was published"),
]


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
def test_each_damage_is_named(settings: Settings, damage: Callable[[Path], object], told: str) -> None:
    folder = publish_build(settings, 1, 0).folder
    assert damages(folder) == []
    damage(folder)
    with pytest.raises(QualityStop) as error:
        verify([folder])
    assert f"{folder}/{told}" in str(error.value)
    assert len(damages(folder)) == 1


def test_verify_tells_every_damaged_release_and_nobody_goes_back_to_one(settings: Settings) -> None:
    first, second = publish_build(settings, 1, 0), publish_build(settings, 2, 1)
    assert aipl(settings.home, "verify").stdout == f"{second.release_id}: all files match their checksums.\n"
    cut(first.folder / "notes.md")
    (second.folder / "fct_fast.parquet").unlink()
    answer = aipl(settings.home, "verify", "--all")
    assert answer.returncode == 3
    assert f"{first.folder / 'notes.md'} is not" in answer.stderr
    assert f"{second.folder / 'fct_fast.parquet'} is missing" in answer.stderr
    assert aipl(settings.home, "verify", first.release_id).returncode == 3
    assert aipl(settings.home, "verify", "2024").returncode == 2
    with pytest.raises(QualityStop, match="is not what was published"):
        rollback(settings)
    assert read(settings) == 2 and rolling.rollbacks(settings) == []


@pytest.mark.parametrize("name", ["marts.duckdb", "manifest.json"])
def test_a_damaged_current_release_is_told_left_and_made_anew(settings: Settings, name: str) -> None:
    publish_build(settings, 1, 0)
    second = publish_build(settings, 2, 1)
    change(second.folder / name, b"noise")
    with pytest.raises(EnvironmentStop, match=r"is damaged: (.|\n)*aipl rollback"):
        publish_build(settings, 3, 2)
    row = next(row for row in listed_releases(settings).rows if row[0] == second.release_id)
    assert ("current, damaged" if name == "manifest.json" else "current") in row
    assert rollback(settings).withdrawn == {}
    assert read(settings) == 1
    again = publish_build(settings, 2, 3)
    assert again.is_new and again.release_id != second.release_id and read(settings) == 2


def test_what_the_disk_does_not_give_back_is_not_published(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_build(settings, 1, 0)
    write = publishing.write_release

    def write_on_a_bad_disk(settings: Settings, folder: Path, *rest: object, **keywords: object) -> None:
        write(settings, folder, *rest, **keywords)  # type: ignore[arg-type]
        flip(folder / "fct_fast.parquet")

    monkeypatch.setattr(publishing, "write_release", write_on_a_bad_disk)
    with pytest.raises(EnvironmentStop, match="files read back differ"):
        publish_build(settings, 2, 1)
    assert read(settings) == 1 and len(kept_ids(settings)) == 1


def test_a_finished_release_that_was_damaged_before_it_became_current_is_made_anew(
    settings: Settings,
) -> None:
    with killed_at(publishing, "point_to"):
        publish_build(settings, 1)
    (left,) = kept.release_folders(settings)
    flip(left / "marts.duckdb")
    made = publish(settings, NOON)
    assert made.release_id > left.name and read(settings) == 1
    assert damages(made.folder) == []


def test_the_list_says_which_is_current_and_which_is_withdrawn(settings: Settings) -> None:
    first, second = publish_build(settings, 1, 0), publish_build(settings, 2, 1)
    rollback(settings)
    found = listed_releases(settings, NOON + timedelta(days=2, hours=3))
    size = [round(sum(path.stat().st_size for path in r.folder.iterdir()) / 1e6, 1) for r in (second, first)]
    # Two rows of fct_fast, one of dim_brand, of dim_aipl_stage and of dim_release.
    assert found.rows == [
        (second.release_id, "2 d 2 h", "withdrawn", "20000000", "2024-01-31", 5, None, size[0]),
        (first.release_id, "2 d 3 h", "current", "10000000", "2024-01-31", 5, None, size[1]),
    ]
    answer = aipl(settings.home, "releases")
    assert answer.returncode == 0
    assert answer.stdout.index(second.release_id) < answer.stdout.index(first.release_id)
    assert "withdrawn" in answer.stdout


def test_the_ledger_follows_what_was_read_and_outlives_old_releases(settings: Settings) -> None:
    settings = replace(settings, kept_releases=2)
    wrong = replace(BEFORE, stages={}, person_days={})

    def publish_told(number: int, told: Published) -> str:
        build(settings, f"{number}" * 64, persons=number)
        add_marts(settings, marts_of(told, START))
        let_through(settings, f"{number}" * 64)
        return publish(settings, NOON + timedelta(days=10 * number)).release_id

    def ledger() -> list[tuple[object, ...]]:
        sql = "select release_id, stage_before, stage_after from fct_aipl_ledger"
        return query(settings.published / "current", sql)

    first, withdrawn = publish_told(1, BEFORE), publish_told(2, wrong)
    assert {entry[0] for entry in ledger()} == {withdrawn}
    rollback(settings, now=NOON + timedelta(days=21))
    third = publish_told(3, AFTER)
    assert ledger() == [(third, "A", "I")], "compared with what people read, not with what was withdrawn"
    later = [publish_told(number, AFTER) for number in (4, 5, 6)]
    assert not {first, third} & kept_ids(settings)
    assert ledger() == [(third, "A", "I")]
    chain = query(settings.published / "current", "select distinct release_id from dim_release order by 1")
    assert [name for (name,) in chain] == [first, third, *later]


@pytest.mark.parametrize(
    ("variable", "values", "said"),
    [
        ("AIPL_KEEP_RELEASES", ("1", "none", "-3", "2.5"), "at least 2"),
        ("AIPL_URL", ("warehouse", "ftp://a.example.com", "https://", "https://a b"), "such as https://"),
        ("AIPL_MEMORY", ("much", "0GB", "4GB'; drop", "-1MB", "4"), "such as 4GB"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    settings: Settings, variable: str, values: tuple[str, ...], said: str
) -> None:
    for value in values:
        answer = aipl(settings.home, "releases", **{variable: value})
        assert answer.returncode == 2 and said in answer.stderr, value


def figures(stock: str, fast: str) -> str:
    """SQL of two marts: values by brand, day of January, stage and rank, and columns of a week's FAST."""
    return f"""
        create or replace table marts.fct_aipl_daily as
        select 'p' as preset, brand_id, make_date(2024, 1, day) as as_of_date, stage, stage_rank, persons
        from (values {stock}) as told (brand_id, day, stage, stage_rank, persons);
        create or replace table marts.fct_fast as
        select 'p' as preset, 'lumen' as brand_id, 'week' as period_type, date '2024-01-07' as period_end,
            {fast};
    """


BEFORE_LATE = figures(
    "('lumen', 2, 'L', 4, 12), ('lumen', 3, 'L', 4, 13), ('lumen', 3, 'A', 1, 7)",
    "date '2024-01-01' as period_start, 5::bigint as members, 0.25::double as thriving_rate, 3 as deepened",
)
# Lumen is told up to the 5th now, and aurora too.
AFTER_LATE = figures(
    "('lumen', 2, 'L', 4, 22), ('lumen', 3, 'L', 4, 23), ('lumen', 5, 'L', 4, 25), ('lumen', 3, 'A', 1, 7),"
    " ('aurora', 5, 'A', 1, 9)",
    "unnest([date '2024-01-01', date '2024-01-08']) as period_start, 5 as members,"
    " 0.5::double as thriving_rate, null::integer as deepened",
)


def test_two_releases_are_compared_by_rows_stock_fast_and_columns(settings: Settings) -> None:
    a = publish_build(settings, 1, 0, BEFORE_LATE).folder
    b = publish_build(settings, 2, 24, f"{AFTER_LATE} create table marts.dim_new as select 1 as x").folder
    found, lacking = difference(a, b)
    assert lacking == []
    rows = {mart: tuple(figures) for mart, *figures in found["rows"].rows}
    assert rows["fct_aipl_daily"] == (3, 5, 2)
    assert rows["fct_fast"] == (1, 2, 1)
    assert rows["dim_new"] == (None, 1, None)
    assert rows["dim_brand"] == (1, 1, 0)
    third, fifth = date(2024, 1, 3), date(2024, 1, 5)
    assert found["stock"].rows == [
        ("p", "aurora", "A", None, None, None, None, None, None, fifth, 9),
        ("p", "lumen", "A", third, 7, 7, 0, third, 7, fifth, None),
        ("p", "lumen", "L", third, 13, 23, 10, third, 13, fifth, 25),
    ]
    first_week = ("p", "lumen", "week", date(2024, 1, 1))
    assert found["fast"].rows == [
        (*first_week, "deepened", 3.0, None, None),
        (*first_week, "members", 5.0, 5.0, 0.0),
        (*first_week, "thriving_rate", 0.25, 0.5, 0.25),
    ]
    assert [row for row in found["schema"].rows if row[2] != row[3]] == [
        ("dim_new", "x", None, "INTEGER"),
        ("fct_fast", "members", "BIGINT", "INTEGER"),
    ]
    told = aipl(settings.home, "releases", "diff")
    assert told.returncode == 0, told.stderr
    assert f"From release {a.name} (before) to {b.name} (after)" in told.stdout
    assert "thriving_rate" in told.stdout and "1 metrics are equal" in told.stdout
    assert aipl(settings.home, "releases", "diff", a.name).stdout == told.stdout
    same = aipl(settings.home, "releases", "diff", b.name, b.name).stdout
    assert "2 stages are equal" in same and "lumen" not in same
    as_json = json.loads(aipl(settings.home, "releases", "diff", "--format", "json").stdout)
    assert (as_json["before"], as_json["after"]) == (a.name, b.name)
    assert len(as_json["fast"]) == 3 and as_json["stock"][2]["change"] == 10
    assert aipl(settings.home, "releases", "diff", "2024").returncode == 2


def test_what_a_release_lacks_is_not_compared(settings: Settings) -> None:
    a = publish_build(settings, 1, 0)
    b = publish_build(settings, 2, 1, "alter table marts.fct_aipl_daily drop persons")
    told = difference_text(a.folder, b.folder)
    for mart in ("fct_aipl_daily", "fct_fast"):
        assert f"Not compared, because one of them lacks it: {mart}\n" in told
