"""The parameters of a made-up world, and its clock.

A *moment* is a whole number of milliseconds of local shop time since midnight of the world's first day; a
*day* is a whole number of days since then. Both are negative before the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

BRANDS = ("lumen", "aurora", "cedar")


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
