"""The load manifest: what is latest, what is in effect, what is held back."""

import itertools
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from orchestration.arrival.file_versions import Deliveries, FileVersion, Hint, State
from orchestration.arrival.manifest import LoadManifest


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


def play(manifest: LoadManifest, history: str) -> Deliveries:
    """`a:2`: the next version of file a, of day 2 (`a:2!`: unreadable); `+a`, `-a`: decide on the latest."""
    come: Counter[str] = Counter()
    for word in history.split():
        if word[0] in "+-":
            latest = manifest.deliveries("shop").latest[word[1:]]
            state = State.ACCEPTED if word[0] == "+" else State.REFUSED
            manifest.decide([latest.version_id], state, None if word[0] == "+" else "wrong")
            continue
        file, day = word[0], int(word[2:].rstrip("!"))
        come[file] += 1
        unread = {"row_count": None, "state": State.REFUSED, "reason": "a: no gzip"}
        manifest.add(version(file, day, str(come[file]), **(unread if word.endswith("!") else {})))
    return manifest.deliveries("shop")


def test_what_goes_in_comes_out(manifest: LoadManifest):
    manifest.add(version("a", 2, unreadable_count=3), Hint(5, "x"))
    with pytest.raises(ValueError, match="interrupted"), manifest.transaction():
        manifest.remember("shop", "a", Hint(1, "y"))
        raise ValueError("interrupted")
    stored = manifest.deliveries("shop")
    assert stored.versions == (version("a", 2, unreadable_count=3, version_id=1),)
    assert stored.hints == {"a": Hint(5, "x")}
    assert manifest.all_deliveries() == {"shop": stored}
    assert manifest.deliveries("other") == Deliveries()


STALE_2, STALE_3 = ("load 2024-09-02 refused: wrong", "load 2024-09-03 refused: wrong")


@pytest.mark.parametrize(
    ("history", "effective", "stale"),
    [
        ("a:2 b:2", "", None),
        ("a:2 b:2 +a", "a1", None),
        # A refused correction leaves the old version, and holds back nothing.
        ("a:2 +a a:2 -a b:3 +b", "a1 b1", STALE_2),
        ("a:2 +a a:2 -a b:3 +b a:2 +a", "a3 b1", None),
        # Loads after a refused one wait until it is repaired.
        ("a:2 b:3 c:4 +a -b +c", "a1", STALE_3),
        ("a:2 b:3 c:4 +a -b +c b:3", "a1", None),
        ("a:2 b:3 c:4 +a -b +c b:3 +b", "a1 b2 c1", None),
        # What was in effect stays when an earlier load is refused later, and may be corrected.
        ("b:3 a:2 c:4 +b -a +c", "b1", STALE_2),
        ("b:3 a:2 c:4 +b -a +c b:3 +b", "b2", STALE_2),
        # To refuse again lets nothing slip in.
        ("a:2 b:3 -a +b -a", "", STALE_2),
        # Files of its own day and before do not wait for it.
        ("a:2 b:2 c:1 -a +b +c", "b1 c1", STALE_2),
        # What cannot be read is decided on arrival.
        ("a:2! b:3 +b", "", "load 2024-09-02 refused: a: no gzip"),
    ],
)
def test_what_is_in_effect(manifest: LoadManifest, history: str, effective: str, stale: str | None):
    deliveries = play(manifest, history)
    assert " ".join(sorted(f + v.version for f, v in deliveries.effective.items())) == effective
    assert deliveries.stale_reason == stale
    held = {load.load_date for load in deliveries.loads if load.is_held_back}
    accepted = {v.load_date for v in deliveries.latest.values() if v.state is State.ACCEPTED}
    assert held == accepted - {v.load_date for v in deliveries.effective.values()}


def test_once_everything_is_accepted_the_order_of_decisions_does_not_matter(tmp_path: Path):
    for number, order in enumerate(itertools.permutations("abc")):
        words = [f"{file}:{ord(file) - 90} -{file}" for file in order] + [f"+{file}" for file in order]
        with LoadManifest(tmp_path / f"{number}.sqlite") as manifest:
            assert set(play(manifest, " ".join(words)).effective) == {"a", "b", "c"}


def test_loads_sum_the_latest_versions(manifest: LoadManifest):
    play(manifest, "a:2")
    manifest.add(version("a", 2, "2", row_count=7, unreadable_count=1))
    first, second, third = play(manifest, "b:2 c:3 d:4! -b +c").loads
    assert (first.files, first.row_count, first.unreadable_count) == (2, 17, 1)
    assert (first.state, first.reason, first.is_unreadable) == (State.REFUSED, "wrong", False)
    assert (second.state, second.is_held_back) == (State.ACCEPTED, True)
    assert (third.row_count, third.is_unreadable) == (0, True)
