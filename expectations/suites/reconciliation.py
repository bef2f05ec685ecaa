"""What the marts of trade and persons must hold of what was loaded: no row more, none less, the same money.

That a loaded row is a stored version or a reject is a dbt test (`staged_rows_are_accounted_for`).
"""

from __future__ import annotations

from expectations.suites.rule import Rule, no_rows

MAX_REJECTED_SHARE = 0.05
MIN_REJECTED = 10
JUDGED_LOADS = 7


def as_loaded(mart_key: tuple[str, ...], entity: str) -> Rule:
    """The mart has each current version of an entity once, with its amount, and nothing else."""
    key = ", ".join(mart_key)
    query = f"""
    with published as (
        select {key}, count(*) as rows_published, sum(amount) as published from {{batch}} group by all
    ),
    loaded as (
        select {key}, count(*) as rows_loaded, sum(amount) as loaded
        from intermediate.{entity} where is_current group by all
    )
    select
        {key},
        coalesce(loaded.rows_loaded, 0) as rows_loaded,
        coalesce(published.rows_published, 0) as rows_published,
        loaded.loaded as amount_loaded,
        published.published as amount_published
    from loaded
    full join published using ({key})
    where loaded.rows_loaded is distinct from published.rows_published
        or loaded.loaded is distinct from published.published
    order by all
    """
    return no_rows(
        "as_loaded",
        "each current version of what was loaded is published once, with its amount, and nothing else is",
        query,
    )


def few_rejects(entity: str, stored: str) -> Rule:
    """Of the rows of a source's last loads, few were rejected."""
    query = f"""
    with rows_of as (
        select source_id, _load_date as load_date, 0 as rejected, count(*) as stored
        from intermediate.{stored} group by all
        union all
        select source_id, _load_date as load_date, count(*) as rejected, 0 as stored
        from intermediate.int_rejects where entity = '{entity}' group by all
    ),
    loads as (
        select source_id, load_date, sum(rejected) as rejected, sum(stored) as stored
        from rows_of
        group by source_id, load_date
        qualify row_number() over (partition by source_id order by load_date desc) <= {JUDGED_LOADS}
    )
    select source_id, load_date, rejected, stored, round(rejected / (rejected + stored), 4) as rejected_share
    from loads
    where rejected >= {MIN_REJECTED} and rejected > {MAX_REJECTED_SHARE} * (rejected + stored)
        and exists (select 1 from {{batch}})
    order by load_date desc, source_id
    """
    reason = (
        f"at most {MAX_REJECTED_SHARE:.0%} of the {entity} of each of a source's last {JUDGED_LOADS} loads"
    )
    return no_rows(
        f"few_{entity}_rejected", f"{reason} were rejected", query, "warning", runbook="many-rejects"
    )


def references(column: str, mart: str, key: str, where: str = "true") -> Rule:
    """Each value of a column is a key of another mart; NULL is let through."""
    query = f"""
    select distinct {column} from {{batch}}
    where {column} is not null and {where} and {column} not in (select {key} from marts.{mart})
    order by all
    """
    return no_rows(f"{column}_in_{mart}", f"each {column} is in {mart}", query, column=column)
