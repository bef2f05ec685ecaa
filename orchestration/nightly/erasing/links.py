"""All keys of a person, as the identity of the warehouse links them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from orchestration.arrival.erasing.order import Order
from orchestration.build.state import is_untouched, read_build
from orchestration.build.warehouse import open_warehouse
from orchestration.core.errors import InputError
from orchestration.core.privacy.erased import Key, parse_key
from orchestration.core.settings import Settings

if TYPE_CHECKING:
    import duckdb

# Whose a visitor was, by each member that ever signed in on it, even if no row is attributed so.
SIGNED_IN = """
    select distinct
        sign_ins.visitor_key,
        coalesce(united.person_id, sign_ins.member_key) as person_id
    from intermediate.int_sign_ins as sign_ins
    left join intermediate.int_member_persons as united using (member_key)
"""
LINKED = f"""
    with signed_in as ({SIGNED_IN}),

    asked as (select unnest($keys) as source_key),

    persons as (
        select coalesce(united.person_id, signed_in.person_id, asked.source_key) as person_id
        from asked
        left join intermediate.int_member_persons as united on asked.source_key = united.member_key
        left join signed_in on asked.source_key = signed_in.visitor_key
    ),

    members as (
        select person_id as source_key from persons
        union
        select member_key from intermediate.int_member_persons semi join persons using (person_id)
    ),

    visitors as (
        select visitor_key as source_key, count(*) > 1 as is_shared
        from signed_in
        where visitor_key in (select visitor_key from signed_in semi join persons using (person_id))
        group by visitor_key
    )

    select source_key, false as is_shared from members
    union
    select source_key, is_shared from visitors
"""
KNOWN = f"""
    select source_key from marts.dim_person_key where source_key in (select unnest($keys))
    union
    select visitor_key from ({SIGNED_IN}) where visitor_key in (select unnest($keys))
    union
    select member_key from intermediate.int_sign_ins where member_key in (select unnest($keys))
"""

PERSONS_OF = f"""
    with signed_in as ({SIGNED_IN})

    select count(distinct coalesce(united.person_id, signed_in.person_id, asked.source_key))
    from (select unnest($keys) as source_key) as asked
    left join intermediate.int_member_persons as united on asked.source_key = united.member_key
    left join signed_in on asked.source_key = signed_in.visitor_key
"""
UNITING = """
    select source_id || ', ' || _file, count(*)
    from intermediate.int_identity_links
    where
        is_current and not is_withdrawn and other_member_id <> ''
        and list_contains($sources, source_id)
        and (list_contains($members, member_id) or list_contains($members, other_member_id))
    group by all
"""


def count_persons(connection: duckdb.DuckDBPyConnection, keys: Sequence[str]) -> int:
    """How many persons these keys belong to, as the warehouse tells; a key it does not know counts as one."""
    ((count,),) = connection.execute(PERSONS_OF, {"keys": keys}).fetchall()
    return int(count)


def uniting_links(
    connection: duckdb.DuckDBPyConnection, keys: Collection[Key], sources: Sequence[str]
) -> Counter[str]:
    """Current links of these sources that unite members among these keys: how many, by source and dump."""
    members = [key.value for key in keys if key.kind == "member"]
    return Counter(dict(connection.execute(UNITING, {"members": members, "sources": sources}).fetchall()))


def linked_order(settings: Settings, erasure_id: str, asked: frozenset[Key]) -> Order:
    """The order to erase these keys and those that are linked to them.

    Raises InputError when the warehouse cannot tell, or a visitor that is asked for was several persons',
    EnvironmentStop when it is damaged.
    """
    if not is_untouched(settings, read_build(settings)):
        raise InputError(
            "The warehouse is not whole, so that it cannot tell which keys belong together. Run `aipl run`"
            " first, or name all keys yourself and add --only-these."
        )
    texts = sorted(key.text for key in asked)
    with open_warehouse(settings) as connection:
        found = connection.execute(LINKED, {"keys": texts}).fetchall()
        known = connection.execute(KNOWN, {"keys": texts}).fetchall()
    shared = {parse_key(key) for key, is_shared in found if is_shared}
    if several := sorted(key.text for key in shared & asked):
        raise InputError(
            f"{', '.join(several)} was used by several persons. Name the member whom you mean; or add"
            " --only-these to erase just the keys that you name, with what others did on this device."
        )
    keys = frozenset(parse_key(key) for key, is_shared in found if not is_shared)
    unknown = asked - {parse_key(key) for (key,) in known}
    return Order(erasure_id, asked, keys | asked, frozenset(shared), unknown)
