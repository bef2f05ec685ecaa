"""The sources file: which dumps exist, how they are read, what each source promises."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from orchestration.core.declarations import Strict, expand, friendly, read_yaml
from orchestration.core.errors import ConfigurationError
from orchestration.core.privacy.ids import IdCase
from orchestration.core.redact import refuse_credentials
from orchestration.sources.file_pattern import FileMatch
from orchestration.sources.schedule import Clock, Zone
from orchestration.sources.table import DecimalMark, Table

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
# It stands in the SQL of the business day.
BrandId = Annotated[str, StringConstraints(pattern=r"^[^'\"\\]+$")]
# In the order of `date.weekday()`.
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# Documents whose ids may be unique only together with other columns.
DocumentId = Literal["event_id", "order_id", "refund_id", "review_id", "membership_id"]
ColumnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Brand(Strict):
    """A brand of a source; zone and currency default to the source's."""

    name: str
    timezone: Zone | None = None
    currency: Currency | None = None


class Closed(Strict):
    """Load dates on which no dump is expected."""

    weekdays: tuple[Weekday, ...] = ()
    dates: tuple[date, ...] = ()


class Retention(Strict):
    """Days that copies are kept for after they came, and days of the past in raw; for ever by default."""

    landing_days: Annotated[int, Field(ge=1)] | None = None
    rejects_days: Annotated[int, Field(ge=1)] | None = None
    raw_days: Annotated[int, Field(ge=1)] | None = None


class Placeholders(Strict):
    """Words that stand where there is no id, besides those of the dbt project, or other than those."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def among(self, known: Iterable[str]) -> list[str]:
        """The words of a source, where `known` are those of the dbt project."""
        return [word for word in (*known, *self.add) if word not in self.remove]


class Source(Strict):
    """One source: its dumps, its calendar, its zone and currency, its tables."""

    source_id: Name
    description: str = ""
    dumps: str | None = None
    # Without any file there, the source is as if it were not declared.
    optional: bool = False
    feed: Literal["daily", "static"]
    covers: Literal["previous_day", "same_day"] = "previous_day"
    timezone: Zone = "Asia/Shanghai"
    currency: Currency
    identity_space: Name = ""
    starts_on: date | None = None
    ends_on: date | None = None
    due: Clock | None = None
    complete_through: date | None = None
    load_date: date | None = None
    closed: Closed = Closed()
    retention: Retention = Retention()
    unusual_dates: tuple[date, ...] = ()
    owner: str = "data-platform"
    max_unreadable_share: float = Field(0.01, ge=0, le=1)
    max_rejected_share: float = Field(0.5, ge=0, le=1)
    brands: dict[BrandId, Brand] = Field(default_factory=dict)
    placeholders: Placeholders = Placeholders()
    id_case: IdCase = None
    # Columns of staging models that identify a document together.
    keys: dict[DocumentId, tuple[ColumnName, ...]] = Field(default_factory=dict)
    # Code of ISO 4217 by how the dumps write it.
    currencies: dict[str, Currency] = Field(default_factory=dict)
    # Of the tables that do not declare their own.
    decimal_mark: DecimalMark | None = None
    tables: dict[Name, Table] = Field(min_length=1)
    # First day that retention has left; filled in when the sources file is read.
    kept_from: date | None = None

    @model_validator(mode="before")
    @classmethod
    def _own_identity_space(cls, entry: Any) -> Any:
        if isinstance(entry, dict) and "identity_space" not in entry:
            return {**entry, "identity_space": entry.get("source_id")}
        return entry

    @model_validator(mode="before")
    @classmethod
    def _decimal_mark_of_tables(cls, entry: Any) -> Any:
        mark = entry.get("decimal_mark") if isinstance(entry, dict) else None
        if mark is None or not isinstance(entry.get("tables"), dict):
            return entry
        tables = {
            name: {"decimal_mark": mark, **table} if isinstance(table, dict) else table
            for name, table in entry["tables"].items()
        }
        return {**entry, "tables": tables}

    @model_validator(mode="after")
    def _fits_feed(self) -> Self:
        if self.optional and not self.dumps:
            raise ValueError("`optional` goes with `dumps`: a source is there once that has a file")
        if self.kept_from:
            raise ValueError("`kept_from` follows from `retention`: declare `raw_days` there")
        if self.retention.raw_days and not (self.feed == "daily" and self.starts_on):
            raise ValueError("`raw_days` goes with feed daily and `starts_on`, which it moves")
        if self.feed == "static":
            if self.closed.weekdays or self.closed.dates or self.ends_on or self.due:
                raise ValueError("`closed`, `ends_on` and `due` go with feed daily")
            return self
        if self.complete_through or self.load_date:
            raise ValueError("`complete_through` and `load_date` go with feed static")
        if undated := [name for name, table in self.tables.items() if not table.has_load_date]:
            raise ValueError(
                f"table {undated[0]}: the file name of a daily feed carries {{load_date}}, "
                "or each day would replace the day before"
            )
        return self

    @field_validator("keys")
    @classmethod
    def _extends_the_id(cls, keys: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for document, columns in keys.items():
            if document not in columns or len(set(columns)) < max(2, len(columns)):
                raise ValueError(
                    f"{document}: list {document} and the columns that make it unique, once each"
                )
        return keys

    @property
    def has_personal_columns(self) -> bool:
        """Whether any table declares one."""
        return any(table.personal for table in self.tables.values())

    def keeping(self, first: date) -> Self:
        """The source as if it had begun on `first`; as it is where that is no later than `starts_on`."""
        if self.starts_on is None or first <= self.starts_on:
            return self
        return self.model_copy(update={"starts_on": first, "kept_from": first})

    def salted(self, fingerprint: str) -> Self:
        """The source with the salt named that its personal columns are hashed with."""
        tables = {
            name: table.model_copy(update={"salt_fingerprint": fingerprint}) if table.personal else table
            for name, table in self.tables.items()
        }
        return self.model_copy(update={"tables": tables})

    @property
    def gate_contract(self) -> str:
        """Name of what the arrival gate asks of this source: it changes when the gate may judge otherwise."""
        unusual = sorted(day.isoformat() for day in self.unusual_dates)
        shares = [self.max_unreadable_share, self.max_rejected_share]
        asked = [shares, unusual, {name: t.contract for name, t in self.tables.items()}]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]

    def match(self, relative_path: str) -> tuple[str, FileMatch] | None:
        """Find the table that a dump belongs to.

        Raises:
            ConfigurationError: two tables claim the file.
        """
        matches = [
            (name, found) for name, table in self.tables.items() if (found := table.match(relative_path))
        ]
        if len(matches) > 1:
            raise ConfigurationError(
                f"source {self.source_id}: {relative_path} matches `files` of both {matches[0][0]} and "
                f"{matches[1][0]}. Make the patterns narrower, so that a dump belongs to one table."
            )
        return matches[0] if matches else None


def load_sources(path: Path, variables: Mapping[str, str]) -> dict[str, Source]:
    """Read the sources file; `${NAME}` in any text is replaced from `variables`.

    A relative local `dumps` folder is taken from the folder of the sources file.

    Raises:
        ConfigurationError: the file is missing, is not YAML, or says something that cannot be; the message
            names file, source and key.
    """
    document = read_yaml(path)
    if (
        not isinstance(document, dict)
        or not {"sources"} <= set(document) <= {"sources", "schedule"}
        or not document["sources"]
        or not isinstance(document["sources"], dict)
    ):
        raise ConfigurationError(
            f"{path}: the file must hold the key `sources`, with at least one source, and maybe `schedule`."
        )
    sources = {}
    for source_id, entry in document["sources"].items():
        if not isinstance(entry, dict) or "source_id" in entry:
            raise ConfigurationError(
                f"{path}: source {source_id} must be keys and values, without source_id."
            )
        refuse_credentials(str(entry.get("dumps", "")), f"{path}: source {source_id}: `dumps`")
        expanded = expand(entry, variables, f"{path}: source {source_id}")
        with friendly(f"{path}: source {source_id}"):
            source = Source.model_validate({**expanded, "source_id": source_id})
        sources[source_id] = _with_absolute_dumps(source, path.parent)
    for space in {source.identity_space for source in sources.values()}:
        sharing = [name for name, source in sources.items() if source.identity_space == space]
        if len({sources[name].id_case for name in sharing}) > 1:
            raise ConfigurationError(
                f"{path}: {', '.join(sharing)} share people (identity space {space}): declare the same"
                " `id_case` for each."
            )
    return sources


def dbt_context(sources: Mapping[str, Source], dbt_project: Path) -> dict[str, Any]:
    """What dbt is told of the sources (`AIPL_DBT_SOURCES`), ready for JSON.

    Entities are those of the staging folder: `stg_<source>__<entity>.sql`.
    """
    context = {}
    for source_id, source in sources.items():
        prefix = f"stg_{source_id}__"
        folder = dbt_project / "models" / "staging" / source_id
        context[source_id] = {
            "identity_space": source.identity_space,
            "timezone": source.timezone,
            "currency": source.currency,
            "feed": source.feed,
            "starts_on": source.starts_on.isoformat() if source.starts_on else None,
            "placeholders": source.placeholders.model_dump(mode="json"),
            "id_case": source.id_case,
            "keys": source.keys,
            "currencies": source.currencies,
            "decimal_marks": {
                name: table.decimal_mark for name, table in source.tables.items() if table.decimal_mark
            },
            "brands": {
                brand_id: {
                    "timezone": brand.timezone or source.timezone,
                    "currency": brand.currency or source.currency,
                }
                for brand_id, brand in source.brands.items()
            },
            "entities": sorted(model.stem.removeprefix(prefix) for model in folder.glob(f"{prefix}*.sql")),
        }
    return context


def known_placeholders(dbt_project: Path) -> list[str]:
    """Words that identify nobody in any source, by the variables of the dbt project; none without it."""
    path = dbt_project / "dbt_project.yml"
    content: Any = read_yaml(path) if path.exists() else {}
    words: list[str] = content.get("vars", {}).get("placeholders", [])
    return words


def _with_absolute_dumps(source: Source, folder: Path) -> Source:
    if source.dumps is None or "://" in source.dumps:
        return source
    return source.model_copy(update={"dumps": str(folder / Path(source.dumps).expanduser())})
