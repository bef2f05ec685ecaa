"""A window of the browser on the dashboard of the small world, and what it complains about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboard_world import published

from browser.served import browsing, served, settled


@dataclass
class Window:
    """One open page, and what it asked for and complained about since it was last told to forget."""

    page: Any
    address: str
    home: Path
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    clicks: int = 0

    def go(self, name: str, **query: str) -> None:
        """Open a page by its link."""
        path = "" if name == "overview" else name
        self.page.goto(f"{self.address}/{path}?" + "&".join(f"{key}={value}" for key, value in query.items()))
        settled(self.page)

    def click(self, target: Any) -> None:
        """Click what is there, as a person does; counted."""
        target.click()
        self.clicks += 1

    def click_point(self, point: Any) -> None:
        """Click a point of a chart, above which the chart has a layer of its own."""
        settled(self.page)
        point.scroll_into_view_if_needed()
        room = point.bounding_box()
        self.page.mouse.click(room["x"] + room["width"] / 2, room["y"] + room["height"] / 2)
        self.clicks += 1

    def click_row(self, card: str, number: int) -> None:
        """Click a row of a card's table, counted from 0, anywhere but on the button in it."""
        settled(self.page)
        self.click(self.page.locator(f".st-key-card_{card} tbody tr").nth(number).locator("td").last)

    def click_first_person(self) -> None:
        """Click the box before the first row of the list of people, which is drawn on a canvas."""
        settled(self.page)
        table = self.page.locator(".st-key-card_people [data-testid=stDataFrame]")
        table.scroll_into_view_if_needed()
        room = table.bounding_box()
        x, y = room["x"] + 19, room["y"] + 50
        self.page.mouse.move(x, y, steps=4)
        self.page.wait_for_timeout(300)
        self.page.mouse.click(x, y, delay=80)
        self.clicks += 1

    def menu(self, title: str) -> None:
        """Turn to a page."""
        self.click(self.page.get_by_test_id("stPageLink").get_by_text(title, exact=True))
        self.page.wait_for_selector(f'header.page h1:text-is("{title}")')
        settled(self.page)

    def unfold(self, title: str) -> None:
        """Open a box that is closed. What is in it moves until it is open, and clicks beside it are lost."""
        self.click(self.page.get_by_text(title, exact=True))
        self.page.wait_for_function("!document.getAnimations().some(one => one.playState === 'running')")

    def choose(self, label: str, option: str) -> None:
        """Take an option of a select box in the sidebar, as a person does once the page is drawn.

        While it is, the list of options closes again.
        """
        settled(self.page)
        self.page.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=option, exact=True).click()


@contextmanager
def window_on(home: Path) -> Iterator[Window]:
    """Publish the small world in a home, serve it, and open a window."""
    published(home)
    with served(home) as address, browsing() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        # Twice Playwright's own: tests run beside each other, on machines that do more than this.
        page.set_default_timeout(60_000)
        found = Window(page, address, home)
        page.on("console", lambda told: found.errors.append(told.text) if _is_complaint(told) else None)
        page.on("pageerror", lambda error: found.errors.append(str(error)))
        page.on(
            "request",
            lambda asked: found.strangers.append(asked.url) if _is_strange(asked.url, address) else None,
        )
        yield found


def _is_complaint(told: Any) -> bool:
    """Streamlit looks for its own address below that of a page first, and is told that it is not there."""
    return told.type == "error" and not re.search(r"/_stcore/(health|host-config)$", told.location["url"])


def _is_strange(url: str, address: str) -> bool:
    return not url.startswith((address, address.replace("http", "ws"), "data:", "blob:"))
