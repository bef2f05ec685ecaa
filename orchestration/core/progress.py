"""Progress of a run; it goes nowhere unless a reporter is set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Reporter:
    """Watches the stages of one run, which come one after the other; this one tells nobody.

    Under the scheduler, Dagster's own log tells the story.
    """

    def start(self, stage: str, total: int | None = None) -> None:
        """A stage begins; `total` is its number of steps where that is known."""

    def expect(self, total: int) -> None:
        """The number of steps of the stage, where that is known only after it began."""

    def step(self, text: str) -> None:
        """One step of the stage is behind us."""

    def done(self, text: str) -> None:
        """The stage ended well; `text` says with what."""


_reporter: ContextVar[Reporter] = ContextVar("reporter", default=Reporter())  # noqa: B039 (it has no state)


def reporter() -> Reporter:
    """The reporter of the present run."""
    return _reporter.get()


@contextmanager
def reporting_to(watcher: Reporter) -> Iterator[None]:
    """Let `watcher` see what runs within."""
    token = _reporter.set(watcher)
    try:
        yield
    finally:
        _reporter.reset(token)
