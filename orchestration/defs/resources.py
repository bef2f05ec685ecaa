"""What the assets share: the writer's lock, and the errors that a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster import ConfigurableResource, Failure, InitResourceContext

from orchestration.core.errors import AiplError, GateStop
from orchestration.core.lock import writer_lock
from orchestration.core.machine import machine_fault
from orchestration.core.under_way import begin_run

EXIT_CODE = "exit_code"
BY_GATE = "by_gate"


class WriterLock(ConfigurableResource["WriterLock"]):
    """Holds the lock of the home for as long as a run lasts: one process runs all of its steps."""

    home: str

    @contextmanager
    def yield_for_execution(self, context: InitResourceContext) -> Iterator["WriterLock"]:
        """Take the lock, or fail with the message that says who holds it."""
        with explained(), writer_lock(Path(self.home)):
            begin_run(Path(self.home), context.run.run_id if context.run else "")
            yield self


@contextmanager
def explained() -> Iterator[None]:
    """Show known errors as the failure's own words, and keep the exit code that they stand for."""
    try:
        yield
    except Exception as error:
        known = error if isinstance(error, AiplError) else machine_fault(error)
        if known is None:
            raise
        metadata = {EXIT_CODE: known.exit_code, BY_GATE: isinstance(known, GateStop)}
        raise Failure(str(known), metadata, allow_retries=False) from error
