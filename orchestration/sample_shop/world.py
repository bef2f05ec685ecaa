"""The parameters of a made-up world, its clock and its chances.

A *moment* is a whole number of milliseconds of local shop time since midnight of the world's first day; a
*day* is a whole number of days since then. Both are negative before the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import blake2b
from struct import Struct
from typing import TypeVar

T = TypeVar("T")

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

BRANDS = ("lumen", "aurora", "cedar")

_BLOCK = Struct("<8Q")
_UNIT = 2.0**-53


@dataclass(frozen=True)
class World:
    """One world: equal parameters give equal bytes.

    A longer world (more days) begins with exactly the dumps of the shorter one.
    """

    seed: int = 1
    persons: int = 4000
    days: int = 91
    start: date = date(2024, 9, 1)

    def __post_init__(self) -> None:
        if self.persons < 1 or self.days < 1:
            raise ValueError(
                f"a world needs at least one person and one day, not {self.persons} and {self.days}"
            )

    def date_of(self, day: int) -> date:
        """The business day with that number."""
        return self.start + timedelta(days=day)

    def load_date(self, load: int) -> date:
        """The load date of a dump: the morning after the business day that it completes."""
        return self.date_of(load + 1)

    def text(self, moment: int, precision: str = "seconds", separator: str = " ") -> str:
        """A moment as the shop writes it: local time without an offset."""
        local = datetime.combine(self.start, time()) + timedelta(milliseconds=moment)
        return local.isoformat(separator, precision)


class Draws:
    """The draws of one path such as `(seed, "day", person, day)`; equal paths give equal draws.

    There is no generator's state: the n-th draw of a path is a hash of the path and n.
    Only exact arithmetic follows a draw in this package (no logarithm, no power), so that the numbers do not
    depend on the machine's mathematics library.
    """

    __slots__ = ("_block", "_numbers", "_path")

    def __init__(self, *path: object) -> None:
        self._path = "/".join(map(str, path)).encode()
        self._block = 0
        self._numbers: list[int] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._numbers:
            digest = blake2b(self._path, salt=self._block.to_bytes(16, "little")).digest()
            self._numbers = list(_BLOCK.unpack(digest))
            self._block += 1
        return (self._numbers.pop() >> 11) * _UNIT

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.unit() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.unit() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, each as likely."""
        return options[int(self.unit() * len(options))]

    def weighted(self, options: Sequence[tuple[T, float]]) -> T:
        """One of the `(option, share)` pairs; the shares add up to 1."""
        rest = self.unit()
        for option, share in options:
            rest -= share
            if rest < 0:
                return option
        return options[-1][0]


def token(*path: object) -> str:
    """An opaque name of 12 hexadecimal digits for a path."""
    return blake2b("/".join(map(str, path)).encode(), digest_size=6).hexdigest()
