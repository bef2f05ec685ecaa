"""Progress of a run: a live bar on a terminal, plain lines in a log."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from orchestration.core.printable import printable_lines
from orchestration.core.progress import Reporter


class ConsoleReporter(Reporter):
    """Prints one line per finished stage; on a terminal, shows a bar while the stage runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._stage = ""
        self._started = 0.0
        self._progress: Progress | None = None

    def start(self, stage: str, total: int | None = None) -> None:
        """Begin a stage."""
        self.close()
        self._stage, self._started = stage, time.monotonic()
        self._begin(total)

    def expect(self, total: int) -> None:
        """Show the bar of a stage that began without one."""
        self.close()
        self._begin(total)

    def _begin(self, total: int | None) -> None:
        counted = [BarColumn(bar_width=24), MofNCompleteColumn()] if total else []
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(self._stage),
            *counted,
            TimeElapsedColumn(),
            TextColumn("[dim]{task.description}"),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not self._console.is_terminal,
        )
        self._progress.add_task("", total=total)
        self._progress.start()

    def step(self, text: str) -> None:
        """Advance the bar."""
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, advance=1, description=text)

    def done(self, text: str) -> None:
        """Finish the stage and print its line."""
        self.close()
        seconds = time.monotonic() - self._started
        self._console.print(
            f"{self._stage}: {printable_lines(text)} ({seconds:.1f} s)",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def close(self) -> None:
        """Remove the bar, if there is one."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
