"""Release notes and the chain of releases, through whole publishes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from oracle.ledger import Published
from oracle.rules import Preset, Rule
from oracle.stages import FOREVER
from unit.aipl_marts import START, add_marts, marts_of
from unit.publish_home import NOON, build, killed_at, let_through, make_home, query

from orchestration.core.settings import Settings
from orchestration.nightly.summary import restatement
from orchestration.publish import ledger as making
from orchestration.publish.release import Release, publish
from orchestration.publish.rule_changes import rule_changes

LAST = START + timedelta(days=5)
RANKS = {"O": 0, "A": 1, "I": 2}
PRESET = Preset(RANKS, (Rule("A", "touch", "page_view", 15), Rule("I", "touch", "paid_order", 15)))
WIDER = Preset(RANKS, (Rule("A", "touch", "page_view", 30), PRESET.rules[1]), "gross")
DAYS = {START + timedelta(days=offset): "A" for offset in range(10)}
PAID = ("lumen", "m2", "paid_order", START)
FIRST = Published(
    "r0",
    {"known": PRESET},
    {"lumen": LAST, "aurora": LAST},
    {
        ("known", "lumen", "m1"): DAYS,
        ("known", "lumen", "m2"): dict.fromkeys(DAYS, "I"),
        ("known", "aurora", "m1"): DAYS,
    },
    {PAID: (None, FOREVER)},
)
# Late evidence lifts m1 and adds m3; m2 was refunded on the fourth day.
SECOND = replace(
    FIRST,
    horizons={"lumen": LAST + timedelta(days=1), "aurora": LAST},
    stages={
        **FIRST.stages,
        ("known", "lumen", "m1"): DAYS | {LAST: "I"},
        ("known", "lumen", "m2"): {START + timedelta(days=offset): "I" for offset in range(3)},
        ("known", "lumen", "m3"): DAYS,
    },
    person_days={PAID: (None, START + timedelta(days=3))},
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_home(tmp_path)


def release_of(settings: Settings, name: str, known: Published | None, now: datetime = NOON) -> Release:
    """Publish a build called `name`; None is a build without the marts of AIPL."""
    build(settings, name * 64, persons=7)
    if known:
        add_marts(settings, marts_of(known, START))
    let_through(settings, name * 64)
    return publish(settings, now)


def test_notes_say_why_the_stock_is_another(settings: Settings) -> None:
    first = release_of(settings, "1", FIRST)
    assert first.manifest["previous_release_id"] is None
    assert first.manifest["restated"] is None
    assert "The first release" in first.notes.read_text()
    assert "Restated" not in first.notes.read_text()
    second = release_of(settings, "2", SECOND, NOON + timedelta(days=1))
    manifest = second.manifest
    assert manifest["previous_release_id"] == first.release_id
    assert manifest["restated"] == {"late": 2, "refund": 1, "identity": 0, "rules": 0, "correction": 0}
    assert manifest["notes"]["horizon"] == [
        {"before": "2024-01-06", "after": "2024-01-06", "brands": ["aurora"]},
        {"before": "2024-01-06", "after": "2024-01-07", "brands": ["lumen"]},
    ]
    # m1 rose to I and m3 came into A; m2 left I.
    assert manifest["notes"]["stock"] == [
        {
            "preset": "known", "brand_id": "lumen", "day": "2024-01-06", "stage": stage, "published": 1,
            "known_now": 1, "late": late, "refund": refund, "identity": 0, "rules": 0, "correction": 0,
        }
        for stage, late, refund in (("A", 0, 0), ("I", 1, -1))
    ]  # fmt: skip
    assert manifest["notes"]["unchanged_brands"] == 1
    assert restatement(first) == []
    assert restatement(second) == [
        f"Restated (people and periods of published days): late 2, refund 1; see {second.folder}/notes.md"
    ]
    notes = second.notes.read_text()
    assert "3 entries of `fct_aipl_ledger`: late 2, refund 1" in notes
    assert "| known | lumen | 2024-01-06 | I | 1 | 1 | +1 | -1 | - | - | - |" in notes
    assert "| 2024-01-06 | 2024-01-07 | 1 | lumen |" in notes


def test_equal_histories_are_not_even_read(settings: Settings) -> None:
    release_of(settings, "1", FIRST)
    with killed_at(making, "_find_new_entries"):
        second = release_of(settings, "2", replace(FIRST, horizons=SECOND.horizons))
        release_of(settings, "3", SECOND)
    assert second.manifest["restated"]["late"] == 0


def test_notes_tell_changed_rules_and_marts(settings: Settings) -> None:
    release_of(settings, "1", FIRST)
    release = release_of(settings, "2", replace(FIRST, presets={"known": WIDER, "new": PRESET}))
    assert release.manifest["notes"]["rules"] == [
        "preset known: refund policy as_known → gross",
        "preset known, rule 0: window_days 15 → 30",
        "preset new: added, with 2 rules",
    ]
    assert release.manifest["restated"] == dict.fromkeys(release.manifest["restated"], 0)
    assert "No published day was restated." in release.notes.read_text()


def test_rules_are_compared_by_what_both_releases_tell() -> None:
    old = [
        {"preset": "p", "rule_id": "a", "window_days": 15, "min_rating": None},
        {"preset": "q", "rule_id": "a"},
    ]
    new = [
        {"preset": "p", "rule_id": "b", "window_days": 3, "source": "ours"},
        {"preset": "p", "rule_id": "a", "window_days": None, "count_unit": "days"},
    ]
    assert rule_changes(old, new) == [
        "preset p, rule a: window_days 15 → none",
        "preset p, rule b: added (window_days 3)",
        "preset q: removed",
    ]
    assert rule_changes(old, old) == []


def test_a_ledger_begins_anew_where_a_release_lacks_a_mart(settings: Settings) -> None:
    release_of(settings, "1", None)
    release = release_of(settings, "2", FIRST)
    assert release.manifest["restated"] is None
    assert "fct_aipl_stage_history" in release.manifest["notes"]["missing"]["previous"]
    notes = release.notes.read_text()
    assert "the ledger begins anew with this release: the previous release lacks dim_aipl_rule" in notes
    assert "- new: `fct_aipl_stage_history`" in notes
    assert "does not record its rules" in notes
    # From here on there is something to compare with, until a release lacks it again.
    assert release_of(settings, "3", SECOND).manifest["restated"]["late"] == 2
    last = release_of(settings, "4", None)
    assert "fct_person_states" in last.manifest["notes"]["missing"]["this"]
    assert query(last.folder, "select release_id from dim_release") == [(last.release_id,)]


def test_a_build_that_comes_back_is_a_release_of_its_own(settings: Settings) -> None:
    """Otherwise the ledger of the release that is current would forget what the one between had published."""
    first = release_of(settings, "1", FIRST)
    second = release_of(settings, "2", SECOND)
    again = release_of(settings, "1", FIRST)
    assert again.is_new
    assert again.manifest["build_id"] == first.manifest["build_id"]
    assert again.manifest["previous_release_id"] == second.release_id
    entries = [len(query(release.folder, "from fct_aipl_ledger")) for release in (second, again)]
    assert entries == [3, 6]
