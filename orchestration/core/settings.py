"""The one reader of the environment: where state lives, which sources and which alerts file are in force."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.core.errors import InputError
from orchestration.core.printable import is_printable, printable, shortened

# The home stands in SQL, in file patterns and in the address of the database of the dbt project.
UNSAFE = set("'\"*?[]{}#\\")
# In bytes: SQLite opens paths of up to 511, and the longest of a database below a home has some 70.
LONGEST_HOME = 400
# The current one and the one to go back to.
FEWEST_RELEASES = 2
ENGINES = ("duckdb", "spark")
TABLE_FORMATS = ("parquet", "delta", "iceberg")
PROJECT_ROOT = Path(__file__).resolve().parents[2]


class _Below:
    """A file or folder of the home."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __get__(self, settings: Settings, kind: type[Settings]) -> Path:
        return settings.home / self._place


@dataclass(frozen=True)
class Settings:
    """Folders and files of one warehouse; every path hangs below `home`."""

    home: Path
    sources_file: Path
    alerts_file: Path = PROJECT_ROOT / "alerts.yml"
    kept_releases: int = 30
    memory: str = "4GB"
    # Without a trailing slash, and empty where nothing is served: see docs/alerts.md.
    url: str = ""
    dagster_url: str = ""
    docs_url: str = ""
    # Which engine builds, one of ENGINES; where Spark is, and the format of its incremental tables.
    engine: str = ENGINES[0]
    spark_remote: str = ""
    spark_format: str = TABLE_FORMATS[0]

    @classmethod
    def from_environment(cls) -> Settings:
        """Read `AIPL_HOME` (default: `data/` of the project), `AIPL_SOURCES` and `AIPL_ALERTS`.

        The latter two default to `sources.yml` and `alerts.yml` of the project. `AIPL_KEEP_RELEASES` is how
        many releases are kept, 30 by default. `AIPL_MEMORY` is what the engine of a build may hold before it
        spills to disk, 4GB by default. `AIPL_URL`, `AIPL_DAGSTER_URL` and `AIPL_DOCS_URL` are where people
        reach reports and dashboard, Dagster's UI and the documentation. `AIPL_ENGINE` is which engine builds,
        `duckdb` by default; with `spark`, `SPARK_REMOTE` is the address of its cluster, and
        `AIPL_SPARK_FORMAT` the format of incremental tables, `parquet` by default.

        Raises InputError for a home whose name SQL, file patterns or a terminal would misread, for anything
        but a number of releases from 2 on, for anything but a size, for an address that is none, and for
        another engine or format.
        """
        home = os.environ.get("AIPL_HOME") or PROJECT_ROOT / "data"
        sources_file = os.environ.get("AIPL_SOURCES") or PROJECT_ROOT / "sources.yml"
        alerts_file = os.environ.get("AIPL_ALERTS") or PROJECT_ROOT / "alerts.yml"
        kept = os.environ.get("AIPL_KEEP_RELEASES") or str(cls.kept_releases)
        if not re.fullmatch("[0-9]{1,9}", kept) or int(kept) < FEWEST_RELEASES:
            raise InputError(f"AIPL_KEEP_RELEASES is {kept!r}. Give a number of releases, at least 2.")
        memory = os.environ.get("AIPL_MEMORY") or cls.memory
        if not re.fullmatch("[1-9][0-9]{0,5}(MB|GB)", memory):
            raise InputError(f"AIPL_MEMORY is {memory!r}. Give a size in MB or GB, such as 4GB.")
        paths = {"AIPL_HOME": home, "AIPL_SOURCES": sources_file, "AIPL_ALERTS": alerts_file}
        home, sources_file, alerts_file = (_absolute(name, Path(path)) for name, path in paths.items())
        _require_plain(home)
        engine = _one_of(ENGINES, "AIPL_ENGINE")
        return cls(
            home,
            sources_file,
            alerts_file,
            int(kept),
            memory,
            url=_address("AIPL_URL"),
            dagster_url=_address("AIPL_DAGSTER_URL"),
            docs_url=_address("AIPL_DOCS_URL"),
            engine=engine,
            spark_remote=_spark_remote() if engine == "spark" else "",
            spark_format=_one_of(TABLE_FORMATS, "AIPL_SPARK_FORMAT"),
        )

    @property
    def person_key(self) -> str | None:
        """The secret of `AIPL_PERSON_KEY`; no field, since fields are shown and stored."""
        return os.environ.get("AIPL_PERSON_KEY") or None

    @property
    def mirror_url(self) -> str | None:
        """The PostgreSQL database of `AIPL_MIRROR_URL`, its password included; no field either."""
        return os.environ.get("AIPL_MIRROR_URL") or None

    @property
    def heartbeat_url(self) -> str | None:
        """The address of `AIPL_HEARTBEAT_URL`, which is a secret as a whole; no field either."""
        return os.environ.get("AIPL_HEARTBEAT_URL") or None

    person_key_file = _Below("person.key")  # The secret of a home that is given none.
    landing = _Below("landing")  # Dumps as they came, never altered.
    arrivals = _Below("arrivals")  # Parsed files that no gate has let through: waiting, or refused.
    raw = _Below("raw")  # Parsed files of accepted loads, and nothing else: what dbt staging reads.
    rejects = _Below("rejects")  # Rows that could not be read, with file, row number, text and reason.
    trials = _Below("trials")  # Which rows staging rejected when their file was staged alone, and why.
    manifest = _Below("loads.sqlite")  # The load manifest: one SQLite file, the memory of arrival.
    alerts = _Below("alerts.sqlite")  # Incidents and the outbox of alerts: one SQLite file.
    nights = _Below("nights.jsonl")  # How long the last nights took, and what they left of the disk.
    arrival = _Below("arrival")  # What dbt is told: `files`, `sources`, `brands`, `applied` as Parquet.
    warehouse = _Below("warehouse/warehouse.duckdb")  # What dbt writes; readers never open it.
    engine_tables = _Below("warehouse/spark")  # Tables of a build on Spark, as Parquet: a folder a schema.
    build_state = _Below("warehouse/state.json")  # Whether the last dbt build finished, and from what.
    published = _Below("published")  # Releases and the `current` pointer.
    reports = _Below("reports")  # Gate results and their pages.
    crash_log = _Below("logs/crash.log")  # Traceback of the last crash of the command line.
    dagster_home = _Below("dagster")  # Run history of Dagster.
    dbt_target = _Below("dbt")  # Compiled dbt artefacts.

    @property
    def dbt_project(self) -> Path:
        """The dbt project of this checkout."""
        return PROJECT_ROOT / "dbt_project"

    @property
    def suites(self) -> Path:
        """Suites of the marts, a file each."""
        return PROJECT_ROOT / "expectations" / "suites" / "marts"


def _absolute(name: str, path: Path) -> Path:
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise InputError(f"{name} {printable(str(path))} is no path: {str(error).rstrip('.')}.") from error


def _address(name: str) -> str:
    """The http address in a variable, without a slash at its end; empty where it is not set."""
    address = os.environ.get(name, "").strip().rstrip("/")
    if address and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", address):
        raise InputError(
            f"{name} is {printable(shortened(address, 300))!r}. Give an address such as"
            " https://warehouse.example.com, or leave it unset."
        )
    return address


def _one_of(words: Sequence[str], name: str) -> str:
    """The word in a variable; the first one where it is not set."""
    word = os.environ.get(name) or words[0]
    if word not in words:
        raise InputError(f"{name} is {printable(shortened(word, 300))!r}. It is one of {', '.join(words)}.")
    return word


def _spark_remote() -> str:
    remote = os.environ.get("SPARK_REMOTE", "")
    if not re.fullmatch(r"sc://[^\s/]+(/\S*)?", remote):
        raise InputError(
            "AIPL_ENGINE is spark: set SPARK_REMOTE to the address of its cluster, sc://HOST:PORT."
        )
    return remote


def _require_plain(home: Path) -> None:
    """Raise InputError for a home that SQL, file patterns or terminals misread, a too long one, a file."""
    text = str(home)
    if found := UNSAFE & set(text):
        reason = f"holds {' '.join(sorted(found))} (of special meaning in SQL, file patterns or addresses)"
    elif not is_printable(text):
        reason = "holds what cannot be printed or is no UTF-8"
    elif len(os.fsencode(text)) > LONGEST_HOME:
        reason = f"is longer than {LONGEST_HOME:,} bytes"
    elif any(os.path.lexists(path) and not path.is_dir() for path in (home, *home.parents)):
        reason = "is no folder, or would lie below what is none"
    else:
        return
    raise InputError(f"AIPL_HOME {printable(shortened(text, 300))} {reason}. Choose another folder.")
