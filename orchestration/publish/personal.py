"""Personal data in releases: keys are published as keyed hashes, some columns not at all.

The marts' YAML declares it, as `config.meta.personal` of a column; docs/privacy.md says why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from expectations.contracts import Contract
from expectations.personal import PERSONAL_NAME
from orchestration.core.errors import InputError, QualityStop
from orchestration.core.privacy.person_key import HASH_DIGITS, PersonKey

Treatments = Mapping[str, Mapping[str, str]]
BLOCK = 64
FEW = 100
# Keys carry the identity space; a shorter text may be equal to one and mean something else.
KEY = "%:_:%"
EMAIL = r"[\w.+-]+@[\w-]+\.[\w.-]*[A-Za-z]"
# Mobile numbers of mainland China, and what begins with a country code.
PHONE = (
    r"(^|[^0-9A-Za-z])"
    r"((\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\+\d{1,3}[ -]?\d[\d -]{6,12}\d)"
    r"($|[^0-9A-Za-z])"
)


def personal_columns(contracts: Mapping[str, Contract]) -> dict[str, dict[str, str]]:
    """How the personal columns of each mart are published. Raises InputError for an unknown treatment."""
    found: dict[str, dict[str, str]] = {}
    for mart in contracts.values():
        for column in mart.columns:
            if column.personal not in ("", "hashed", "withheld"):
                raise InputError(
                    f"{mart.file}: {mart.name}.{column.name}: personal is `hashed` or `withheld`, not"
                    f" `{column.personal}`."
                )
            if column.personal:
                found.setdefault(mart.name, {})[column.name] = column.personal
    return found


@dataclass(frozen=True)
class Mask:
    """Hashes what is personal in the attached `warehouse`, each distinct key of a stored mart once."""

    connection: duckdb.DuckDBPyConnection
    treatments: Treatments
    # Marts all of whose keys are in `hashes`: their rows can be sorted by numbers of keys.
    numbered: frozenset[str]

    @classmethod
    def put_on(cls, connection: duckdb.DuckDBPyConnection, key: PersonKey, treatments: Treatments) -> Mask:
        """Create the function `person_hash(text)` and the table `hashes`, both of this connection alone."""
        secret = key.derive("release").ljust(BLOCK, b"\0")
        pads = {f"pad_{byte:x}": bytes(letter ^ byte for letter in secret) for byte in (0x36, 0x5C)}
        # As parameters: an error message would show what stands in a statement.
        connection.execute(
            "create temp table pads as select $pad_36::blob as ipad, $pad_5c::blob as opad", pads
        )
        connection.execute(
            "create temp macro person_hash(value) as left(sha256((select opad from pads)"
            f" || unhex(sha256((select ipad from pads) || encode(value)))), {HASH_DIGITS})"
        )
        stored = connection.execute(
            "select table_name, column_name from duckdb_columns() inner join duckdb_tables()"
            " using (database_name, schema_name, table_name)"
            " where database_name = 'warehouse' and schema_name = 'marts'"
        ).fetchall()
        hashed = [
            (mart, column) for mart, column in stored if treatments.get(mart, {}).get(column) == "hashed"
        ]
        keys = [
            f'select cast("{column}" as varchar) as value from warehouse.marts."{mart}"'
            for mart, column in hashed
        ]
        values = " union ".join([*keys, "select null::varchar as value"])
        connection.execute(
            "create temp table hashes as"
            " select value, hash, cast(row_number() over (order by hash) as uinteger) as number"
            f" from (select value, person_hash(value) as hash from ({values}) where value is not null)"
        )
        return cls(connection, treatments, frozenset(mart for mart, _ in hashed))

    def query(self, mart: str) -> str:
        """A query for a mart as it is published, its rows in the order of all columns."""
        treated = self.treatments.get(mart, {})
        columns = columns_of(self.connection, "warehouse", mart)
        selected, joins, order = [], [], []
        for number, (name, kind) in enumerate(columns):
            treatment = treated.get(name)
            if treatment is None:
                selected.append(f'mart."{name}"')
                order.append(self._in_order(mart, name, kind))
            elif treatment == "hashed":
                key = f'cast(mart."{name}" as varchar)'
                selected.append(f'coalesce(h{number}.hash, person_hash({key})) as "{name}"')
                joins.append(f"left join hashes as h{number} on {key} = h{number}.value")
                order.append(f"h{number}.number")
        return (
            f'select {", ".join(selected)} from warehouse.marts."{mart}" as mart {" ".join(joins)}'
            f" order by {', '.join(order) if mart in self.numbered else 'all'}"
        )

    def check(self, mart: str, *, texts: bool = True) -> None:
        """Raise QualityStop if a published mart identifies a person.

        `texts` is whether to read its texts: those of a view come from marts that were read.
        """
        for name, kind in columns_of(self.connection, "release", mart):
            if name in self.treatments.get(mart, {}):
                continue
            told = self._told(mart, name) if texts and "VARCHAR" in kind else ""
            if re.fullmatch(PERSONAL_NAME, name, re.IGNORECASE):
                told = "is named like a key of persons, and not declared"
            if told:
                raise QualityStop(
                    f"Nothing is published: column {name} of {mart} {told}. Declare it in the mart's YAML:"
                    " config: {meta: {personal: hashed}}, or withheld; docs/privacy.md says which."
                )

    def _told(self, mart: str, name: str) -> str:
        """What the texts of a column say of persons, or nothing."""
        # A number of eleven digits in a column of ids may be anything.
        phone = "false" if name.endswith("_id") else f"regexp_matches(text, '{PHONE}')"
        texts = f'(select distinct cast("{name}" as varchar) as text from release.main."{mart}")'
        keys, emails, phones = self.connection.execute(
            f"select count(*) filter (text like '{KEY}'), count(*) filter (regexp_matches(text, '{EMAIL}')),"
            f" count(*) filter ({phone}) from {texts}"
        ).fetchone() or (0, 0, 0)
        if keys:
            # Only now everybody's keys are gone through.
            (keys,) = self.connection.execute(
                f"select count(*) from {texts} where text like '{KEY}' and text in (select value from hashes)"
            ).fetchone() or (0,)
        found = {"keys of persons": keys, "e-mail addresses": emails, "phone numbers": phones}
        return next((f"holds {what} ({count:,} values)" for what, count in found.items() if count), "")

    def _in_order(self, mart: str, name: str, kind: str) -> str:
        """What sorts as the column does; few texts are sorted by their numbers, in half the time."""
        if kind != "VARCHAR" or mart not in self.numbered:
            return f'mart."{name}"'
        self.connection.execute(
            f'create or replace temp table few as select distinct "{name}" as text'
            f' from warehouse.marts."{mart}" where "{name}" is not null limit {FEW + 1}'
        )
        (count,) = self.connection.execute("select count(*) from few").fetchone() or (0,)
        if not 0 < count <= FEW:
            return f'mart."{name}"'
        self.connection.execute(f'create type "{mart}.{name}" as enum (select text from few order by text)')
        return f'cast(mart."{name}" as "{mart}.{name}")'


def columns_of(connection: duckdb.DuckDBPyConnection, database: str, mart: str) -> list[tuple[str, str]]:
    """Names and types of a mart's columns in the attached `warehouse` or `release`."""
    return connection.execute(
        "select column_name, data_type from duckdb_columns()"
        " where database_name = $database and table_name = $mart and schema_name in ('marts', 'main')"
        " order by column_index",
        {"database": database, "mart": mart},
    ).fetchall()
