"""What the two marts that publish makes must be: one chain of releases, and differences that add up.

They are judged in the unfinished release, beside the release before it, whose folder the variable
`previous` names; where there is nothing to compare with it is the release's own. Entries of older releases
were judged when they were new. Keys and laws are here, since dbt does not make these marts.
"""

from __future__ import annotations

from dataclasses import replace

from expectations.baseline import MAX_WEEKS, MIN_WEEKS, SPREAD_OF_MAD, SPREADS
from expectations.suites.rule import Rule, no_rows, one_of

REASONS = ("late", "refund", "identity", "rules", "correction")
# Of a brand's published consumer asset, on the last day that the release before published.
MAX_LOST = 0.9
MIN_RESTATED = 0.05
MIN_PERSONS = 100
PAST_RELEASES, MIN_PAST_RELEASES = MAX_WEEKS, MIN_WEEKS
RUNBOOK = "the-ledger-does-not-hold"

_NEWEST = "(select arg_max(release_id, created_at) from marts.dim_release)"
_BEFORE = f"(select max(previous_release_id) from marts.dim_release where release_id = {_NEWEST})"


def _previous(mart: str) -> str:
    """A mart of the release before."""
    return f"read_parquet(getvariable('previous') || '/{mart}.parquet')"


_REPEATED_KEYS = """
select release_id, brand_id, count(*) as rows_found
from {batch}
group by release_id, brand_id
having count(*) > 1
order by all
"""

_BROKEN_CHAIN = """
with releases as (
    select distinct release_id, previous_release_id, created_at, rules_hash, presets from {batch}
),
followed as (
    select
        *,
        count(*) over (partition by release_id) as accounts,
        lag(release_id) over (order by created_at, release_id) as release_before,
        lag(created_at) over (order by created_at, release_id) as created_before,
        previous_release_id in (select release_id from releases) as is_previous_known
    from releases
)
select release_id, previous_release_id, created_at, release_before, created_before
from followed
where accounts > 1
    or created_before >= created_at
    or release_before is distinct from (case when is_previous_known then previous_release_id end)
order by created_at
"""

_HORIZONS_BACK = f"""
with releases as (select * from {{batch}})
select before.brand_id, before.horizon as horizon_before, newest.horizon
from (select * from releases where release_id = {_BEFORE}) as before
left join (select * from releases where release_id = {_NEWEST}) as newest using (brand_id)
where before.horizon is not null and coalesce(newest.horizon < before.horizon, true)
order by all
"""

_UNKNOWN_RELEASES = """
select release_id, brand_id, count(*) as entries
from {batch}
where (release_id, brand_id) not in (
    select (releases.release_id, brands.brand_id)
    from (select distinct release_id from marts.dim_release) as releases
    cross join (select distinct brand_id from marts.dim_release) as brands
)
group by release_id, brand_id
order by all
"""

_EMPTY_STRETCHES = f"""
select release_id, preset, brand_id, person_id, valid_from, valid_to
from {{batch}}
where release_id = {_NEWEST} and coalesce(valid_from >= valid_to, true)
order by all
"""

# Who was erased has no name, and so no entries that one could compare.
_OVERLAPS = f"""
with entries as (
    select
        release_id, preset, brand_id, person_id, valid_from, valid_to,
        lead(valid_from) over (
            partition by preset, brand_id, person_id order by valid_from, valid_to
        ) as next_valid_from
    from {{batch}}
    where release_id = {_NEWEST} and person_id is not null
)
select * from entries where next_valid_from < valid_to order by all
"""

_UNKNOWN_STAGES = f"""
with stages as (
    select preset, stage from marts.dim_aipl_stage
    union
    select preset, stage from {_previous("dim_aipl_stage")}
),
entries as (
    select release_id, preset, stage_before, stage_after, count(*) as entries
    from {{batch}}
    where release_id = {_NEWEST}
    group by all
)
select *
from entries
where coalesce(stage_before = stage_after, true)
    or (preset, stage_before) not in (select (preset, stage) from stages)
    or (preset, stage_after) not in (select (preset, stage) from marts.dim_aipl_stage)
order by all
"""

# On the days that both releases tell, from the first that both have on.
_UNEXPLAINED = f"""
with known as (select * from marts.fct_aipl_daily),
published as (select * from {_previous("fct_aipl_daily")}),
spans as (
    select preset, brand_id, max(first_day) as first_day, min(last_day) as last_day
    from (
        select preset, brand_id, min(as_of_date) as first_day, max(as_of_date) as last_day
        from known group by all
        union all
        select preset, brand_id, min(as_of_date) as first_day, max(as_of_date) as last_day
        from published group by all
    ) as ends
    group by preset, brand_id
    having count(*) = 2
),
stocks as (
    select
        preset, brand_id, stage, as_of_date,
        coalesce(published.persons, 0) as persons_published, coalesce(known.persons, 0) as persons
    from published
    full join known using (preset, brand_id, stage, as_of_date)
    inner join spans using (preset, brand_id)
    where as_of_date between first_day and last_day
),
entries as (select * from {{batch}} where release_id = {_NEWEST}),
moves as (
    select preset, brand_id, stage_before as stage, valid_from as as_of_date, 1 as persons from entries
    union all
    select preset, brand_id, stage_before, valid_to, -1 from entries
    union all
    select preset, brand_id, stage_after, valid_from, -1 from entries
    union all
    select preset, brand_id, stage_after, valid_to, 1 from entries
),
told as (
    select
        preset, brand_id, stage, as_of_date,
        sum(sum(persons)) over (
            partition by preset, brand_id, stage order by as_of_date
        ) as persons_in_ledger
    from moves
    group by preset, brand_id, stage, as_of_date
)
select
    stocks.preset, stocks.brand_id, stocks.as_of_date, stocks.stage,
    stocks.persons_published, stocks.persons, coalesce(told.persons_in_ledger, 0) as persons_in_ledger
from stocks
asof left join told
    on stocks.preset = told.preset and stocks.brand_id = told.brand_id and stocks.stage = told.stage
    and stocks.as_of_date >= told.as_of_date
where stocks.persons_published <> stocks.persons + coalesce(told.persons_in_ledger, 0)
order by stocks.as_of_date desc, stocks.preset, stocks.brand_id, stocks.stage
"""

# The consumer asset of each brand on the last day that the release before published.
_PUBLISHED = f"""
    newest as (select * from marts.dim_release where release_id = {_NEWEST}),
    before as (select * from marts.dim_release where release_id = {_BEFORE}),
    published as (
        select daily.preset, brand_id, before.horizon, sum(daily.persons) as persons_published
        from {_previous("fct_aipl_daily")} as daily
        inner join before using (brand_id)
        semi join newest using (brand_id)
        where daily.as_of_date = before.horizon and daily.stage_rank > 0
        group by daily.preset, brand_id, before.horizon
        having sum(daily.persons) >= {MIN_PERSONS}
    )
"""

_WIPED_OUT = f"""
with {_PUBLISHED},
nobody as (select preset, stage from marts.dim_aipl_stage where stage_rank = 0),
entries as (select * from {{batch}} where release_id = {_NEWEST} and reason <> 'rules'),
lost as (
    select
        published.preset, published.brand_id, published.horizon, published.persons_published,
        count(*) filter (entries.stage_after = nobody.stage)
        - count(*) filter (entries.stage_before = nobody.stage) as persons_lost
    from published
    inner join entries using (preset, brand_id)
    inner join nobody using (preset)
    where entries.valid_from <= published.horizon and published.horizon < entries.valid_to
    group by all
)
select * from lost where persons_lost > {MAX_LOST} * persons_published order by all
"""

_PAST = f"""
with entries as (select * from {{batch}}),
releases as (
    select *, row_number() over (partition by brand_id order by created_at desc) as age
    from marts.dim_release
    where previous_release_id in (select release_id from marts.dim_release) and release_id <> {_NEWEST}
    qualify age <= {PAST_RELEASES}
),
"""

_FAR_MORE_RESTATED = f"""{_PAST}{_PUBLISHED},
restated as (
    select release_id, preset, brand_id, count(distinct person_id) as persons
    from entries
    where release_id = {_NEWEST} or release_id in (select release_id from releases)
    group by release_id, preset, brand_id
),
usual as (
    select
        published.preset, published.brand_id, count(*) as past_releases,
        median(coalesce(restated.persons, 0)) as usual_persons,
        greatest(
            {SPREADS * SPREAD_OF_MAD} * mad(coalesce(restated.persons, 0)),
            {MIN_RESTATED} * any_value(published.persons_published)
        ) as tolerated_difference
    from published
    inner join releases using (brand_id)
    left join restated
        on restated.release_id = releases.release_id
        and restated.preset = published.preset and restated.brand_id = published.brand_id
    group by published.preset, published.brand_id
    having count(*) >= {MIN_PAST_RELEASES}
)
select
    restated.release_id, preset, brand_id, restated.persons as persons_restated, persons_published,
    round(persons / persons_published, 3) as restated_share, usual_persons,
    round(tolerated_difference, 1) as tolerated_difference
from restated
inner join usual using (preset, brand_id)
inner join published using (preset, brand_id)
where restated.release_id = {_NEWEST} and persons > usual_persons + tolerated_difference
order by all
"""

_SHORT_PAST = f"""{_PAST}
brands as (select brand_id from marts.dim_release where release_id = {_NEWEST})
select brand_id, count(releases.release_id) as found, {MIN_PAST_RELEASES} as needed
from brands
left join releases using (brand_id)
group by brand_id
having count(releases.release_id) < {MIN_PAST_RELEASES}
order by brand_id
"""


def only_added(mart: str) -> Rule:
    """What older releases brought is still there, as many rows of each."""
    query = f"""
    with kept as (select release_id, count(*) as rows_found from {{batch}} group by release_id),
    before as (select release_id, count(*) as rows_before from {_previous(mart)} group by release_id)
    select release_id, coalesce(rows_before, 0) as rows_before, coalesce(rows_found, 0) as rows_found
    from kept
    full join before using (release_id)
    where release_id <> {_NEWEST} and rows_before is distinct from rows_found
    order by all
    """
    return no_rows(
        "only_added", "rows of older releases are neither lost nor added to", query, runbook=RUNBOOK
    )


RELEASE: tuple[Rule, ...] = (
    no_rows("once_a_brand", "a release tells of each brand once", _REPEATED_KEYS, runbook=RUNBOOK),
    no_rows(
        "one_chain",
        "each release follows the one published before it, and says one thing of itself",
        _BROKEN_CHAIN,
        column="previous_release_id",
        runbook=RUNBOOK,
    ),
    only_added("dim_release"),
    no_rows(
        "horizon_not_back",
        "no brand is gone, or complete for fewer days than in the release before",
        _HORIZONS_BACK,
        "warning",
        column="horizon",
        runbook="a-horizon-went-back",
    ),
)

LEDGER: tuple[Rule, ...] = (
    replace(one_of("reason", "a difference has one of these five reasons", REASONS), runbook=RUNBOOK),
    no_rows(
        "release_in_dim_release",
        "each entry is of a release and a brand that dim_release knows",
        _UNKNOWN_RELEASES,
        column="release_id",
        runbook=RUNBOOK,
    ),
    only_added("fct_aipl_ledger"),
    no_rows(
        "stretch_not_empty",
        "a stretch begins before it ends",
        _EMPTY_STRETCHES,
        column="valid_to",
        runbook=RUNBOOK,
    ),
    no_rows(
        "no_overlap",
        "a release tells each day of a person differently once",
        _OVERLAPS,
        column="valid_to",
        runbook=RUNBOOK,
    ),
    no_rows(
        "stages_known",
        "each entry leads from a known stage to another one",
        _UNKNOWN_STAGES,
        column="stage_after",
        runbook=RUNBOOK,
    ),
    no_rows(
        "published_stock_explained",
        "on each day the stock as published is the stock known now, and what the ledger tells",
        _UNEXPLAINED,
        runbook=RUNBOOK,
    ),
    no_rows(
        "asset_not_wiped_out",
        f"no brand of {MIN_PERSONS} persons or more loses over {MAX_LOST:.0%} of them on a published day, "
        "but by a change of rules",
        _WIPED_OUT,
        column="stage_after",
        runbook="a-published-day-is-told-quite-differently",
    ),
    replace(
        no_rows(
            "restated_as_usual",
            f"a release restates about as many persons of a brand as the last {PAST_RELEASES} did",
            _FAR_MORE_RESTATED,
            "warning",
            column="person_id",
            runbook="a-published-day-is-told-quite-differently",
        ),
        lacking=_SHORT_PAST,
    ),
)
