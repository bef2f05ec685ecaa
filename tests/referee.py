"""The referee: writes what a program publishes, so that two versions of it can be compared row for row.

    python tests/referee.py write FOLDER --aipl PATH_OF_AIPL [--data FOLDER_OF_REAL_DUMPS]
    python tests/referee.py compare FOLDER FOLDER

It drives the program through its command line alone, so that any version can be written. Releases compared:
the sample shop built in full, the same after each of five nights with late, corrected and withdrawn dumps,
and each set of real dumps. Names and times of releases are left out, since no two runs share them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb

REAL = ("taobao_user_behavior", "rees46", "olist", "online_retail", "cdnow")
NIGHTS = 5
LATE, CORRECTED, WITHDRAWN = 9, 6, 3
OF_THE_RUN = {"release_id", "previous_release_id", "created_at"}
PERSON_KEY = "a key for comparisons, and for nothing else"


def write(folder: Path, aipl: Path, data: Path | None) -> None:
    """Write every mart of every release compared as `<release>/<mart>.parquet`, rows sorted."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        shop = Path(scratch) / "sample_shop"
        for night in nights(shop, aipl):
            call(aipl, shop, "run")
            export(shop, folder / night)
        for source in REAL if data else ():
            home = Path(scratch) / source
            call(aipl, home, "run", "--source", source, "--dumps", str(data / source))
            export(home, folder / source)


def nights(home: Path, aipl: Path) -> Iterator[str]:
    """Names of the nights, each once its dumps are delivered."""
    call(aipl, home, "sample-shop")
    place, final = home / "dumps" / "sample_shop", home / "final"
    place.rename(final)
    place.mkdir()
    days = sorted({path.name.partition(".")[0][-10:] for path in final.iterdir() if path.name[0] not in "._"})
    known, later = days[:-NIGHTS], days[-NIGHTS:]
    late, corrected = known[-LATE], known[-CORRECTED]

    def deliver(day: str, table: str = "*") -> None:
        for dump in final.glob(f"{table}-{day}.*"):
            shutil.copy(dump, place)

    for day in known:
        deliver(day)
    for dump in (*place.glob(f"reviews-{late}.*"), *place.glob(f"refunds-{late}.*")):
        dump.unlink()
    _halve(next(place.glob(f"events-{corrected}.*")))
    _cut(next(place.glob(f"orders-{corrected}.*")))
    yield "full"
    for number, day in enumerate(later, start=1):
        deliver(day)
        match number:
            case 2:
                deliver(late)
            case 3:
                deliver(corrected)
            case 4:
                # Rows that were delivered, and then no longer are.
                _cut(next(place.glob(f"orders-{known[-WITHDRAWN]}.*")))
                _halve(next(place.glob(f"events-{known[-WITHDRAWN]}.*")))
            case 5:
                # A dump that is no longer where it was.
                next(place.glob(f"refunds-{known[-WITHDRAWN]}.*")).unlink()
        yield f"night-{number}"


def _halve(events: Path) -> None:
    """Leave out every third row, move each fifth to another day."""
    with gzip.open(events, "rt", newline="") as text:
        rows = list(csv.DictReader(text))
    kept = [row for number, row in enumerate(rows) if number % 3]
    first = date.fromisoformat(events.name.removeprefix("events-")[:10]) - timedelta(days=2)
    for row in kept[::5]:
        row["event_time"] = f"{first} 12:00:00.000"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(kept)
    events.write_bytes(gzip.compress(text.getvalue().encode()))


def _cut(dump: Path) -> None:
    """Keep the first half of the lines."""
    lines = dump.read_text().splitlines(keepends=True)
    dump.write_text("".join(lines[: max(1, len(lines) // 2)]))


def call(aipl: Path, home: Path, *arguments: str) -> None:
    """A command of the program on a home; raises CalledProcessError."""
    home.mkdir(parents=True, exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIPL_")}
    environment |= {"AIPL_HOME": str(home), "AIPL_PERSON_KEY": PERSON_KEY}
    subprocess.run([str(aipl), *arguments], env=environment, check=True)


def export(home: Path, folder: Path) -> None:
    """Every mart of the current release as Parquet: columns by name, rows in order."""
    folder.mkdir(parents=True)
    current = home / "published" / "current"
    with duckdb.connect(str(current / "marts.duckdb"), read_only=True) as release:
        release.execute("set TimeZone = 'UTC'")
        for mart in sorted(file.stem for file in current.glob("*.parquet")):
            columns = sorted(name for name, *_ in release.execute(f"describe {mart}").fetchall())
            chosen = ", ".join(f'"{name}"' for name in columns if name not in OF_THE_RUN)
            rows, file = f"select {chosen} from {mart} order by all", folder / f"{mart}.parquet"
            release.execute(f"copy ({rows}) to '{file}' (format parquet)")


def compare(before: Path, after: Path) -> int:
    """Print a line per mart that differs, and a summary; the number of marts that differ."""
    names = sorted({path.relative_to(root) for root in (before, after) for path in root.glob("*/*.parquet")})
    differing = rows = 0
    for name in names:
        one, other = (f"select * from read_parquet('{root / name}')" for root in (before, after))
        if missing := [root for root in (before, after) if not (root / name).exists()]:
            told = f"not in {missing[0]}"
        else:
            rows += len(duckdb.sql(one))
            gone, new = (len(duckdb.sql(f"{a} except all {b}")) for a, b in ((one, other), (other, one)))
            told = f"{gone:,} rows only before, {new:,} only after" if gone or new else ""
        if told:
            differing += 1
            print(f"{name}: {told}")
    print(f"{len(names)} marts, {rows:,} rows: {differing} differ")
    return differing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    writing = commands.add_parser("write")
    writing.add_argument("folder", type=Path)
    writing.add_argument("--aipl", type=Path, required=True)
    writing.add_argument("--data", type=Path)
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    chosen = parser.parse_args()
    if chosen.command == "compare":
        return min(compare(chosen.before, chosen.after), 1)
    chosen.folder.mkdir(parents=True)
    write(chosen.folder.resolve(), chosen.aipl.absolute(), chosen.data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
