"""`make screenshots`: pictures of every page for docs/dashboard, from the release of a home."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb

from browser.served import browsing, served, settled
from orchestration.core.settings import PROJECT_ROOT

FOLDER = PROJECT_ROOT / "docs" / "dashboard"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 420, "height": 900}
PAGES = (
    *("overview", "aipl", "fast", "person"),
    *("trade", "traffic", "products", "growth"),
    *("quality", "definitions"),
)
# Name, page, language, size of the window.
PICTURES = [
    *((page, page, "en", WIDE) for page in PAGES),
    *((f"{page}-zh", page, "zh", WIDE) for page in ("overview", "aipl")),
    ("overview-narrow", "overview", "en", NARROW),
]


def somebody(home: Path) -> str:
    """The hash of the person with the most keys: somebody with a story."""
    with duckdb.connect(str(home / "published" / "current" / "marts.duckdb"), read_only=True) as connection:
        most_keys = "select person_id from dim_person order by key_count desc, person_id limit 1"
        return str(connection.execute(most_keys).fetchall()[0][0])


def take(page: Any, address: str, person: str, file: Path) -> None:
    """One picture of a whole page, as high as it is."""
    page.goto(address)
    settled(page)
    if "/person" in address:
        field = page.locator("input[type=text]").last
        field.fill(person)
        field.press("Enter")
        page.wait_for_selector(".stage-card")
        settled(page)
    page.wait_for_timeout(700)
    whole = page.evaluate(
        "Math.ceil(document.querySelector('[data-testid=\"stMainBlockContainer\"]').getBoundingClientRect().height)"
    )
    size = page.viewport_size
    page.set_viewport_size({"width": size["width"], "height": max(whole + 20, size["height"])})
    page.wait_for_timeout(500)
    page.screenshot(path=file)
    page.set_viewport_size(size)


def main(home: Path) -> None:
    """Take all pictures."""
    person = somebody(home)
    with served(home) as address, browsing() as browser:
        for name, shown, language, size in PICTURES:
            page = browser.new_page(viewport=size, device_scale_factor=1)
            path = "" if shown == "overview" else shown
            take(page, f"{address}/{path}?lang={language}&brand=lumen", person, FOLDER / f"{name}.png")
            page.close()
            print(FOLDER / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
