"""A session with the PostgreSQL server of the mirror; errors do not show its address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from orchestration.core.errors import EnvironmentStop, InputError

if TYPE_CHECKING:
    from psycopg import Connection, Error

CONNECT_SECONDS = 15


@contextmanager
def session(address: str) -> Iterator[Connection[Any]]:
    """One transaction: committed when the block succeeds, rolled back otherwise.

    Raises:
        InputError: psycopg is not installed, or this is no address.
        EnvironmentStop: the server cannot be reached, or refuses something, now or in the block.
    """
    try:
        import psycopg
    except ImportError as error:
        raise InputError(
            "AIPL_MIRROR_URL is set, but psycopg, the PostgreSQL driver, is not installed. Run `make setup`."
        ) from error
    given = {"connect_timeout": CONNECT_SECONDS} | _parsed(address)
    try:
        with psycopg.connect(**given) as connection:
            yield connection
    except psycopg.Error as error:
        raise EnvironmentStop(
            f"The mirror in PostgreSQL was not made: {_reason(error)}. It is unchanged, and the"
            " release was published anyway. Fix the cause, then run `aipl mirror`; see docs/connect.md."
        ) from error


def _parsed(address: str) -> dict[str, Any]:
    """The parts of an address. Raises InputError, which quotes none of them, for one that is misread.

    A password with an @ or / that is not written %40 or %2F would stand in the parts that errors name.
    """
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(address)
    except ProgrammingError:
        parts = {}
    named = "".join(str(parts.get(name) or "") for name in ("host", "port", "dbname"))
    if not parts or "@" in named:
        raise InputError(
            "AIPL_MIRROR_URL cannot be read. Write postgresql://user:password@host:5432/database, with"
            " %40 for an @ in the password, %2F for a / and %25 for a %."
        )
    return parts


def _reason(error: Error) -> str:
    """What the server or the driver said, in one line."""
    said = error.diag.message_primary or str(error)
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return " ".join(f"{said}{detail}".split()).rstrip(".")
