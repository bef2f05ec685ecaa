"""dbt as the program starts it says what dbt says, and makes no line that nobody is to see."""

from __future__ import annotations

from io import StringIO

import pytest
from dbt.events.types import InvalidOptionYAML, JinjaLogDebug, JinjaLogInfo
from dbt_common.events import logger
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.types import PrintEvent

from orchestration.dbt_child import write_what_is_wanted

EVENTS: list[BaseEvent] = [
    JinjaLogDebug(msg="a debug message"),
    JinjaLogInfo(msg="an info message"),
    PrintEvent(msg="printed by a macro"),
    InvalidOptionYAML(option_name="an error"),
]


def said(line_format: logger.LineFormat, level: EventLevel) -> list[str]:
    stream = StringIO()
    manager = EventManager()
    manager.add_logger(
        logger.LoggerConfig(
            name=f"{line_format}-{level}",
            line_format=line_format,
            level=level,
            output_stream=stream,
            filter=lambda _: True,
        )
    )
    for event in EVENTS:
        manager.fire_event(event)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("line_format", [logger.LineFormat.Json, logger.LineFormat.PlainText])
@pytest.mark.parametrize(("level", "wanted"), [("debug", 4), ("info", 3), ("warn", 2), ("error", 2)])
def test_what_is_wanted_is_said_and_nothing_else_is_made(
    monkeypatch: pytest.MonkeyPatch, line_format: logger.LineFormat, level: str, wanted: int
) -> None:
    by_itself = said(line_format, EventLevel(level))
    monkeypatch.setattr(logger._Logger, "write_line", logger._Logger.write_line)
    write_what_is_wanted()
    made: list[str] = []
    for kind in (logger._JsonLogger, logger._TextLogger):
        create = kind.create_line
        monkeypatch.setattr(
            kind,
            "create_line",
            lambda self, msg, create=create: made.append(msg.info.name) or create(self, msg),
        )
    assert [without_time(line) for line in said(line_format, EventLevel(level))] == [
        without_time(line) for line in by_itself
    ]
    assert len(made) == len(by_itself) == wanted


def without_time(line: str) -> str:
    """A line of either format without what differs between two that say the same."""
    return line.partition('"ts"')[0] if line.startswith("{") else line.partition("  ")[2] or line
