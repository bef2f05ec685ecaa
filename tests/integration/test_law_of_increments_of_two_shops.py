"""The law of increments where two shops of one identity space tell of the same brands, products and persons.

Each row of a random world is delivered by one of the two shops, and may be listed, placed or known by both.
Increments equal a full build, row for row in the marts of traffic and trade. Environment: that of
`test_law_of_increments`.
"""

from __future__ import annotations

import os
import random
from collections import ChainMap
from itertools import zip_longest
from pathlib import Path

import pytest
from two_shops import SHOP, shops
from worlds.delivery import Files, batches, by_file, key_of, write
from worlds.proof import VARIABLES, between
from worlds.tables import LOADS, Row, closed_days
from worlds.world import rows_of_world

WORLDS = int(os.environ.get("AIPL_PROVE_WORLDS", "80"))
SEED = int(os.environ.get("AIPL_PROVE_SEED", "0"))
ONLY = [int(number) for number in os.environ.get("AIPL_PROVE_ONLY", "").split()]
DELIVERY = int(os.environ.get("AIPL_PROVE_DELIVERY", "0"))
# Entities of which both shops may tell.
SHARED = ("products", "categories", "campaigns", "memberships", "identity_links")
NAMES = ("sample_shop", "late")
# What counts products and visits, which two shops tell of in different ways.
BUILT = ("fct_scorecard", "fct_visits", "fct_path_flow", "fct_conversion", "fct_grow", "int_rejects")

pytestmark = pytest.mark.timeout(1800)


def shop_of(one: Row) -> str:
    """Who delivers a row: the shop of its order or event; of what both know, one version here, one there."""
    told = one if one.table in SHARED else dict(one.fields).get("order_id") or one[key_of(one)]
    return random.Random(f"shop {told}").choice(NAMES)


def files_of(rows: list[Row], shop: str) -> Files:
    """The dumps of one shop, one of events for each load date."""
    files = by_file(one for one in rows if shop_of(one) == shop)
    return {**{f"events-{load}.csv.gz": [] for load in LOADS}, **files}


def at_most_three(nights: list[Files]) -> list[Files]:
    """The deliveries, the last ones in one night: each takes ten seconds."""
    return [*nights[:2], *([dict(ChainMap(*reversed(nights[2:])))] if nights[2:] else [])]


def test_increments_equal_a_full_build(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    worlds = ONLY or dice.sample(range(2**31), WORLDS)
    delivery = DELIVERY if ONLY else dice.randrange(2**31)
    rows = [one for world in worlds for one in rows_of_world(world)]
    entry = {**SHOP, "identity_space": "shops", "closed": {"dates": closed_days()}}
    final = {shop: files_of(rows, shop) for shop in NAMES}

    full = shops(tmp_path / "full", dict.fromkeys(NAMES, entry))
    for shop, files in final.items():
        write(files, tmp_path / shop)
        full.load(shop, tmp_path / shop)
    full.build(VARIABLES, only=BUILT)

    increments = shops(tmp_path / "increments", dict.fromkeys(NAMES, entry))
    nights = [at_most_three(batches(files, delivery + n)) for n, files in enumerate(final.values())]
    for step, night in enumerate(zip_longest(*nights, fillvalue={})):
        for shop, batch in zip(NAMES, night, strict=True):
            write(batch, tmp_path / "arriving" / shop)
            increments.load(shop, tmp_path / "arriving" / shop)
        assert increments.build(VARIABLES, only=BUILT) == (step == 0), "only the first build is full"

    assert full.query("select count(*) > 1 from marts.fct_scorecard where slice = 'product'") == [(True,)]
    differences = between(full, increments)
    again = f'AIPL_PROVE_ONLY="{" ".join(map(str, worlds))}" AIPL_PROVE_DELIVERY={delivery}'
    assert not differences, "\n".join([*map(str, differences[:12]), again])
