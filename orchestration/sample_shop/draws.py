"""Random numbers without a generator's state: the n-th draw of a path is a hash of the path and n."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct
from typing import TypeVar

T = TypeVar("T")

_BLOCK = Struct("<8Q")
_UNIT = 2.0**-53


class Draws:
    """The draws of one path such as `(seed, "day", person, day)`; equal paths give equal draws.

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
