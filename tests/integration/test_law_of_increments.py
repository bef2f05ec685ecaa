"""The law of increments as a property, over many random small worlds in one set of dumps.

For the same final content the increments equal a full build, row for row in every mart, whatever the order,
batches, duplicates, delays and corrections of arrival; and both equal brute force, for every preset.

A failure names the worlds that differ and how to run just these. `make prove` draws many more.
The environment:

    AIPL_PROVE_WORLDS    how many worlds to draw (100); more than 500 come in batches
    AIPL_PROVE_SEED      what to draw them from (0)
    AIPL_PROVE_ONLY      the worlds to run instead of drawing, by number, with
    AIPL_PROVE_DELIVERY  the number of the delivery
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from oracle.rules import PRESETS
from warehouse import Warehouse
from worlds import trade_proof
from worlds.delivery import batches, final_files, write, write_sources
from worlds.proof import MARTS, VARIABLES, Difference, Rows, against, between, expected, found

from orchestration.core.settings import PROJECT_ROOT

BATCH = 500
WORLDS = int(os.environ.get("AIPL_PROVE_WORLDS", "100"))
SEED = int(os.environ.get("AIPL_PROVE_SEED", "0"))
ONLY = [int(number) for number in os.environ.get("AIPL_PROVE_ONLY", "").split()]
DELIVERY = int(os.environ.get("AIPL_PROVE_DELIVERY", "0"))

pytestmark = pytest.mark.timeout(1800)


@dataclass(frozen=True)
class Pack:
    """Worlds that share one set of dumps, and the number of the way in which these arrive."""

    worlds: tuple[int, ...]
    delivery: int

    def __str__(self) -> str:
        """What runs just this pack again."""
        worlds, file = " ".join(map(str, self.worlds)), Path(__file__).relative_to(PROJECT_ROOT)
        return f'AIPL_PROVE_ONLY="{worlds}" AIPL_PROVE_DELIVERY={self.delivery} pytest {file}'


def draw(count: int, seed: int) -> Pack:
    """Worlds and a delivery: always the same ones from the same seed."""
    dice = random.Random(seed)
    return Pack(tuple(dice.sample(range(2**31), count)), dice.randrange(2**31))


@dataclass(frozen=True)
class Proof:
    """A pack as a full build has it, as increments have it, and as brute force has it."""

    pack: Pack
    full: Warehouse
    incremental: Warehouse
    brute_force: Rows

    def check(self, differences: list[Difference]) -> None:
        """Fail with the first differences and the way to run only the worlds that differ."""
        if differences:
            wrong = Pack(tuple(sorted({w for one in differences for w in one.worlds})), self.pack.delivery)
            told = "\n".join(map(str, differences[:12]))
            pytest.fail(f"{len(wrong.worlds)} worlds differ:\n{told}\nRun just these: {wrong}", pytrace=False)


@pytest.fixture(
    scope="module", params=range(1 if ONLY else -(-WORLDS // BATCH)), ids=lambda number: f"batch{number}"
)
def proof(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """Build a pack at once and in increments; beside it, brute force."""
    number: int = request.param
    count = min(BATCH, WORLDS - number * BATCH)
    pack = Pack(tuple(ONLY), DELIVERY) if ONLY else draw(count, SEED + number)
    if not ONLY:
        assert len(pack.worlds) == count
        print(f"{count} worlds from AIPL_PROVE_SEED={SEED + number}, delivery {pack.delivery}")
    folder = tmp_path_factory.mktemp("worlds")
    sources = write_sources(PROJECT_ROOT / "sources.yml", folder / "sources.yml")
    final = final_files(pack.worlds)
    write(final, folder / "final")

    def at_once() -> Warehouse:
        warehouse = Warehouse(folder / "full", sources)
        warehouse.load("sample_shop", folder / "final")
        assert warehouse.build(VARIABLES)
        return warehouse

    def in_increments() -> Warehouse:
        warehouse = Warehouse(folder / "incremental", sources)
        for step, batch in enumerate(batches(final, pack.delivery)):
            write(batch, folder / "arriving")
            warehouse.load("sample_shop", folder / "arriving")
            assert warehouse.build(VARIABLES) == (step == 0), "only the first build is full"
        return warehouse

    with ThreadPoolExecutor() as pool:
        full, incremental = pool.submit(at_once), pool.submit(in_increments)
        brute_force = expected(folder / "final")
        result = Proof(pack, full.result(), incremental.result(), brute_force)
    yield result
    # Twenty batches would fill a disk.
    shutil.rmtree(folder)


def test_increments_equal_a_full_build(proof: Proof) -> None:
    proof.check(between(proof.full, proof.incremental))


def test_marts_equal_brute_force(proof: Proof) -> None:
    proof.check(against(proof.brute_force, found(proof.full)))


@pytest.mark.skipif(bool(ONLY), reason="a few worlds need not show everything")
def test_there_is_something_to_compare(proof: Proof) -> None:
    rows = {
        what: sum((c for (w, _), c in proof.brute_force.items() if w == what), Counter())
        for what in (*MARTS, *trade_proof.MARTS)
    }
    assert all(rows[what].total() > len(proof.pack.worlds) for what in rows)
    histories = [frozenset(row[1:] for row in rows["history"] if row[0] == preset) for preset in PRESETS]
    assert len(set(histories)) == len(PRESETS)
