"""What `aipl dbt` lets a person do, and what it leaves the warehouse as."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click
import pytest
from unit.publish_home import make_home

from orchestration.arrival.dbt_inputs import mark_applied
from orchestration.build import by_hand
from orchestration.build.around_dbt import present_build, write_dbt_inputs
from orchestration.build.by_hand import DbtCommand, parse, run_by_hand
from orchestration.build.state import Build, is_untouched, read_build, warehouse_mark, write_build
from orchestration.core.errors import InputError
from orchestration.core.settings import Settings
from orchestration.sources.source import Source, load_sources

# As typed, the command, its options, and what it may do: nothing, or what is said of it.
COMMANDS = """
build                                     | build            |                      |
--log-level debug build                   | build            | log_level            |
build -m test parse                       | build            | select               |
build --select a+ --exclude b --state old | build            | exclude select state |
build --full-refresh                      | build            | full_refresh         |
-q run --select a b+ --threads 2          | run              | quiet select threads |
run -f -sfct_fast                         | run              | full_refresh select  | --full-refresh
run -f --exclude a                        | run              | exclude full_refresh | --full-refresh
build --vars {}                           | build            | vars                 | --vars
build --empty --target release            | build            | empty target         | --empty, --target
build --no-populate-cache                 | build            | populate_cache       | --populate-cache
test --store-failures                     | test             | store_failures       | --store-failures
snapshot                                  | snapshot         |                      | `dbt snapshot`
run-operation drop_all --args {}          | run-operation    | args macro           | `dbt run-op
show --inline build                       | show             | inline               | reads
ls build                                  | ls               |                      | reads
docs generate --static                    | docs generate    | static               | reads
source freshness                          | source freshness |                      | reads
--version                                 |                  |                      | reads
build --help                              |                  |                      | reads
docs                                      |                  |                      | reads
                                          |                  |                      | reads
bild                                      |                  |                      | unknown
build --selct a                           |                  |                      | unknown
docs write                                |                  |                      | unknown
"""


@pytest.mark.parametrize("row", COMMANDS.splitlines()[1:])
def test_a_command_line_is_read_as_dbt_reads_it_and_known_to_be_harmless_or_not(row: str) -> None:
    typed, name, options, may = (cell.strip() for cell in row.split("|"))
    if may == "unknown":
        with pytest.raises(click.UsageError, match="No such"):
            parse(typed.split())
        return
    command = parse(typed.split())
    assert command == DbtCommand(name, frozenset(options.split()))
    assert command.only_reads == (may == "reads")
    if not command.only_reads:
        assert command.risk.startswith(may) and bool(command.risk) == bool(may)


def test_variables_of_the_environment_set_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_FULL_REFRESH", "1")
    monkeypatch.setenv("DBT_PROFILES_DIR", "/elsewhere")
    assert parse(["build"], {"DBT_PROFILES_DIR": "/ours"}).options == {"full_refresh"}


def test_only_what_was_judged_is_known_to_be_harmless() -> None:
    from dbt.cli.main import cli

    known: dict[str, click.Command] = {}
    for name, command in cli.commands.items():
        below = command.commands if isinstance(command, click.Group) else {}
        known |= {f"{name} {inner}": one for inner, one in below.items()} or {name: command}
    assert by_hand.READS - {""} <= known.keys() and known.keys() >= by_hand.REBUILDS
    options = {option.name for name in by_hand.REBUILDS for option in known[name].params}
    assert options >= by_hand.SELECTION | by_hand.HARMLESS
    assert not DbtCommand("new-command").only_reads and DbtCommand("new-command").risk
    assert DbtCommand("build", frozenset({"new_option"})).risk
    writing = [command for command in map(DbtCommand, known) if not command.only_reads]
    assert [command.name for command in writing if not command.risk] == ["build", "run", "seed"]


SOURCES = """
sources:
  shop:
    feed: static
    currency: CNY
    brands: {lumen: {name: Lumen}}
    tables: {orders: {files: orders.csv, format: csv, columns: {required: [order_id]}}}
"""


class Hand:
    """Somebody at a home with a finished build that nothing is pending for."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings = make_home(home)
        self.declare(SOURCES)
        write_dbt_inputs(self.settings, self.sources)
        mark_applied(self.settings)
        monkeypatch.setattr(by_hand, "check_rules", lambda project: None)
        monkeypatch.setattr("orchestration.build.around_dbt.check_rules", lambda project: None)
        monkeypatch.setattr("orchestration.build.around_dbt.keep_rejects", lambda *_: None)
        self.finished = replace(
            present_build(self.settings, "{}"),
            warehouse=warehouse_mark(self.settings),
            proved_on="2024-01-01",
            laws="of last week",
        )
        write_build(self.settings, self.finished)

    def declare(self, text: str) -> None:
        self.settings.sources_file.write_text(text)
        self.sources: Mapping[str, Source] = load_sources(self.settings.sources_file, {})

    def types(self, typed: str, *, code: int = 0, writes: bool = True, force: bool = False) -> str:
        """Type a command that ends with a code; returns the state of the build that it saw, or nothing."""
        seen = []

        def run() -> int:
            build = read_build(self.settings)
            seen.append(build.state if build else "none")
            if writes:
                status = self.settings.warehouse.stat()
                os.utime(self.settings.warehouse, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
            return code

        command = parse(typed.split())
        answer = run_by_hand(self.settings, self.sources, "{}", command, run, force=force)
        assert answer == code
        return " ".join(seen)

    def is_whole(self) -> bool:
        """Whether the next run is an increment, on the build that there was."""
        build = read_build(self.settings)
        same = build is not None and replace(build, warehouse="") == replace(self.finished, warehouse="")
        return same and is_untouched(self.settings, build)


@pytest.fixture
def hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hand:
    return Hand(tmp_path, monkeypatch)


def test_a_part_leaves_the_build_as_it_was_unless_it_fails_after_it_wrote_anything(hand: Hand) -> None:
    assert hand.types("build --select fct_fast+") == "building", "a kill is a build that did not finish"
    assert hand.is_whole()
    assert hand.finished.laws != present_build(hand.settings, "{}").laws, "the next run still judges all"
    # Changed words cost nothing, nor does `--force`.
    change(hand, "models/pages.yml", "exposures: [{name: page}]")
    for force in (False, True):
        hand.types("build --select fct_fast", force=force)
        assert hand.is_whole()
    hand.types("build --select nothing", code=2, writes=False)
    assert hand.is_whole()
    hand.types("build --select fct_fast", code=1)
    assert not hand.is_whole() and read_state(hand.settings) == "building"


def change(hand: Hand, file: str, content: str) -> None:
    (hand.settings.dbt_project / file).write_text(content)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("models/fct_a.sql", "select 1", "SQL, seeds"),
        ("seeds/aipl_rules.csv", "preset\nstrict\n", "stage rules"),
        (None, SOURCES.replace("Lumen", "Lumen & Co"), "loads, declared"),
    ],
)
def test_a_part_that_would_not_fit_the_rest_is_refused(
    hand: Hand, file: str | None, content: str, reason: str
) -> None:
    for risky in ("run -f -s fct_fast", "run-operation x", "build --vars {}"):
        with pytest.raises(InputError, match="--force"):
            hand.types(risky)
    if file:
        change(hand, file, content)
    else:
        hand.declare(content)
    with pytest.raises(InputError, match=rf"{reason}.*aipl run.*--force"):
        hand.types("build --select fct_fast")
    assert hand.is_whole(), "nothing was touched"
    for typed in ("build --select fct_fast", "build --vars {}"):
        write_build(hand.settings, replace(hand.finished, warehouse=warehouse_mark(hand.settings)))
        assert hand.types(typed, force=True) == "building"
        assert read_state(hand.settings) == "building", "the next run builds in full"
    assert hand.types("build --select fct_fast") == "building", "there is nothing left to lose"


def test_another_engine_is_not_built_on_by_hand(hand: Hand) -> None:
    hand.settings = replace(hand.settings, engine="spark", spark_remote="sc://localhost")
    for force in (False, True):
        with pytest.raises(InputError, match="DuckDB alone, and AIPL_ENGINE is spark"):
            hand.types("build --select fct_fast", force=force)
    assert hand.is_whole()


def test_a_warehouse_without_a_build_that_it_is_of_is_not_made_whole(hand: Hand) -> None:
    os.utime(hand.settings.warehouse, ns=(1, 1))
    assert hand.types("build") == "building"
    assert read_state(hand.settings) == "building"
    hand.settings.build_state.unlink()
    assert hand.types("build") == "none"
    assert read_build(hand.settings) is None


def read_state(settings: Settings) -> str:
    build: Build | None = read_build(settings)
    assert build is not None
    return build.state
