"""The load manifest: what is latest, what is in effect, what is held back."""

import itertools
from datetime import date
from pathlib import Path

import pytest

from orchestration.arrival.manifest import (
    FileVersion,
    Hint,
    LoadManifest,
    State,
    effective_versions,
    latest_versions,
    stale_reason,
)

ACCEPTED, REFUSED = State.ACCEPTED, State.REFUSED


def version(file: str, day: int, content: str = "1", **entry) -> FileVersion:
    return FileVersion(
        source_id="shop",
        table_name="events",
        file=file,
        load_date=date(2024, 9, day),
        version=content,
        sha256=content,
        declaration="{}",
        **{"row_count": 10, **entry},
    )


@pytest.fixture
def manifest(tmp_path: Path):
    with LoadManifest(tmp_path / "loads.sqlite") as opened:
        yield opened


def decide(manifest: LoadManifest, file: str, content: str, state: State, reason: str | None = None):
    ids = [v.version_id for v in manifest.versions("shop") if (v.file, v.version) == (file, content)]
    manifest.decide(ids[-1:], state, reason)


def effective(manifest: LoadManifest) -> dict[str, str]:
    return {file: v.version for file, v in effective_versions(manifest.versions("shop")).items()}


def test_what_goes_in_comes_out(manifest: LoadManifest):
    manifest.add(version("a", 2, unreadable_count=3), Hint(5, "x"), remember_date=True)
    (stored,) = manifest.versions("shop")
    assert stored == version("a", 2, unreadable_count=3, version_id=1)
    assert manifest.hints("shop") == {"a": Hint(5, "x")}
    assert manifest.first_pull("shop", "1") == date(2024, 9, 2)
    assert manifest.first_pull("shop", "2") is None
    assert manifest.first_pull("other", "1") is None
    assert manifest.source_ids() == ["shop"]
    assert manifest.versions("other") == []


def test_the_first_pull_of_a_content_is_remembered_for_good(manifest: LoadManifest):
    manifest.add(version("a", 2), remember_date=True)
    manifest.add(version("b", 5), remember_date=True)
    assert manifest.first_pull("shop", "1") == date(2024, 9, 2)


def test_a_change_that_fails_leaves_nothing(manifest: LoadManifest):
    with pytest.raises(ValueError, match="interrupted"), manifest.transaction():
        manifest._write_hint("shop", "a", Hint(1, "x"))
        raise ValueError("interrupted")
    assert manifest.hints("shop") == {}


def test_only_accepted_versions_are_in_effect(manifest: LoadManifest):
    manifest.add(version("a", 2))
    manifest.add(version("b", 2))
    assert effective(manifest) == {}
    decide(manifest, "a", "1", ACCEPTED)
    assert effective(manifest) == {"a": "1"}


def test_a_refused_correction_leaves_the_old_version_and_makes_the_source_stale(manifest: LoadManifest):
    manifest.add(version("a", 2))
    decide(manifest, "a", "1", ACCEPTED)
    manifest.add(version("a", 2, "2"))
    decide(manifest, "a", "2", REFUSED, "too few rows")
    manifest.add(version("b", 3))
    decide(manifest, "b", "1", ACCEPTED)
    assert effective(manifest) == {"a": "1", "b": "1"}
    assert stale_reason(manifest.versions("shop")) == "load 2024-09-02 refused: too few rows"
    manifest.add(version("a", 2, "3"))
    decide(manifest, "a", "3", ACCEPTED)
    assert effective(manifest) == {"a": "3", "b": "1"}
    assert stale_reason(manifest.versions("shop")) is None


def test_loads_after_a_refused_one_are_held_back_until_it_is_repaired(manifest: LoadManifest):
    for file, day in (("a", 2), ("b", 3), ("c", 4)):
        manifest.add(version(file, day))
    decide(manifest, "a", "1", ACCEPTED)
    decide(manifest, "b", "1", REFUSED, "wrong")
    decide(manifest, "c", "1", ACCEPTED)
    assert effective(manifest) == {"a": "1"}
    assert [load.is_held_back for load in manifest.loads("shop")] == [False, False, True]
    manifest.add(version("b", 3, "2"))
    assert effective(manifest) == {"a": "1"}
    decide(manifest, "b", "2", ACCEPTED)
    assert effective(manifest) == {"a": "1", "b": "2", "c": "1"}


def test_what_was_in_effect_stays_when_an_earlier_load_is_refused_later(manifest: LoadManifest):
    for file, day in (("b", 3), ("a", 2), ("c", 4)):
        manifest.add(version(file, day))
    decide(manifest, "b", "1", ACCEPTED)
    decide(manifest, "a", "1", REFUSED, "late and wrong")
    decide(manifest, "c", "1", ACCEPTED)
    assert effective(manifest) == {"b": "1"}
    manifest.add(version("b", 3, "2"))
    decide(manifest, "b", "2", ACCEPTED)
    assert effective(manifest) == {"b": "2"}


def test_refusing_again_does_not_let_later_loads_slip_in(manifest: LoadManifest):
    manifest.add(version("a", 2))
    manifest.add(version("b", 3))
    decide(manifest, "a", "1", REFUSED, "wrong")
    decide(manifest, "b", "1", ACCEPTED)
    decide(manifest, "a", "1", REFUSED, "still wrong")
    assert effective(manifest) == {}
    assert stale_reason(manifest.versions("shop")) == "load 2024-09-02 refused: still wrong"


def test_a_refused_file_holds_back_no_file_of_its_own_day_or_before(manifest: LoadManifest):
    for file, day in (("a", 2), ("b", 2), ("c", 1)):
        manifest.add(version(file, day))
    decide(manifest, "a", "1", REFUSED, "wrong")
    decide(manifest, "b", "1", ACCEPTED)
    decide(manifest, "c", "1", ACCEPTED)
    assert effective(manifest) == {"b": "1", "c": "1"}


def test_once_everything_is_accepted_the_order_of_decisions_does_not_matter(tmp_path: Path):
    for number, order in enumerate(itertools.permutations("abc")):
        with LoadManifest(tmp_path / f"{number}.sqlite") as manifest:
            for file in order:
                manifest.add(version(file, ord(file) - 90))
                decide(manifest, file, "1", REFUSED, "wrong")
            for file in order:
                decide(manifest, file, "1", ACCEPTED)
            assert effective(manifest) == {"a": "1", "b": "1", "c": "1"}


def test_old_content_that_comes_back_is_the_latest(manifest: LoadManifest):
    for content in ("1", "2", "1"):
        manifest.add(version("a", 2, content))
    assert latest_versions(manifest.versions("shop"))["a"].version_id == 3


def test_an_unreadable_file_is_decided_on_arrival(manifest: LoadManifest):
    manifest.add(version("a", 2, row_count=None, state=REFUSED, reason="a: no gzip"))
    manifest.add(version("b", 3))
    decide(manifest, "b", "1", ACCEPTED)
    assert effective(manifest) == {}
    assert not latest_versions(manifest.versions("shop"))["a"].is_readable


def test_loads_sum_the_latest_versions(manifest: LoadManifest):
    manifest.add(version("a", 2))
    manifest.add(version("a", 2, "2", row_count=7, unreadable_count=1))
    manifest.add(version("b", 2))
    manifest.add(version("c", 3))
    decide(manifest, "b", "1", REFUSED, "wrong")
    decide(manifest, "c", "1", ACCEPTED)
    first, second = manifest.loads("shop")
    assert (first.files, first.row_count, first.unreadable_count) == (2, 17, 1)
    assert (first.state, first.reason) == (REFUSED, "wrong")
    assert (second.state, second.is_held_back) == (ACCEPTED, True)


def test_the_versions_of_a_load_are_the_latest_of_its_files(manifest: LoadManifest):
    manifest.add(version("a", 2))
    manifest.add(version("a", 2, "2"))
    manifest.add(version("b", 3))
    manifest.add(version("moved", 2))
    manifest.add(version("moved", 3, "2"))
    found = manifest.versions_of_load("shop", date(2024, 9, 2))
    assert [(v.file, v.version) for v in found] == [("a", "2")]
