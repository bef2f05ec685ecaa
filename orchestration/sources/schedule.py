"""The schedule of the sources file: when a night starts, how long it waits, when the marts must be fresh."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, model_validator

from orchestration.core.declarations import Strict, friendly, read_yaml


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"'{name}' is not a time zone; write one such as Asia/Shanghai") from error
    return name


def _clock(value: object) -> object:
    """YAML reads 02:30 without quotation marks as the number 150."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError("write the time of day in quotation marks, such as '02:30'")
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]
Clock = Annotated[time, BeforeValidator(_clock)]


class Schedule(Strict):
    """One zone, and three times of its day.

    From `starts_at` on the loads of the day are brought in, as soon as all sources have delivered theirs, and
    at `deadline` without those that have not. At `fresh_by` the release must hold them.
    """

    timezone: Zone = "Asia/Shanghai"
    starts_at: Clock = time(2, 30)
    deadline: Clock = time(6)
    fresh_by: Clock = time(9)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.starts_at <= self.deadline <= self.fresh_by:
            raise ValueError("`starts_at`, `deadline` and `fresh_by` follow each other on one day")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which load dates are "today"."""
        return ZoneInfo(self.timezone)

    @property
    def cron(self) -> str:
        """`starts_at` as a cron expression."""
        return f"{self.starts_at.minute} {self.starts_at.hour} * * *"

    def today(self, now: datetime | None = None) -> date:
        """The load date of dumps that name none; `now` has a zone."""
        return (now or datetime.now(self.zone)).astimezone(self.zone).date()


def load_schedule(path: Path) -> Schedule:
    """Read the key `schedule` of the sources file; without one the defaults hold.

    Raises:
        ConfigurationError: the schedule says something that cannot be.
    """
    document = read_yaml(path)
    entry = document.get("schedule") if isinstance(document, dict) else None
    with friendly(f"{path}: schedule"):
        return Schedule.model_validate(entry or {})
