"""What the writer of a home is doing, as others see it."""

from __future__ import annotations

from pathlib import Path

from unit.test_lock import held

from orchestration.core.lock import writer_lock
from orchestration.core.under_way import begin_run, begin_step, last_step, under_way


def test_run_and_step_are_known_while_the_lock_is_held(tmp_path: Path) -> None:
    assert under_way(tmp_path) is None
    begin_step("of nobody")
    with writer_lock(tmp_path):
        began = under_way(tmp_path)
        assert began is not None and (began.run, began.step, began.step_since) == ("", "", None)
        begin_run(tmp_path, "r1")
        begin_step("pull east")
        begin_step("warehouse")
        now = under_way(tmp_path)
        assert now is not None and (now.run, now.step) == ("r1", "warehouse")
        assert now.step_since is not None and now.since <= now.step_since
    assert under_way(tmp_path) is None and last_step(tmp_path, "r1") == ""


def test_what_a_dead_process_was_at_is_known_and_not_taken_for_the_next_one(tmp_path: Path) -> None:
    with held(tmp_path) as holder:
        seen = under_way(tmp_path)
        assert seen is not None and seen.pid == holder.pid
        (tmp_path / ".writer.step").write_text(f'{{"pid": {holder.pid}, "run": "r1", "step": "release"}}')
        holder.kill()
        holder.wait()
    assert under_way(tmp_path) is None
    with writer_lock(tmp_path):
        now = under_way(tmp_path)
        assert now is not None and (now.run, now.step) == ("", "")
        assert (last_step(tmp_path, "r1"), last_step(tmp_path, "r2")) == ("release", "")
