-- One row per preset, brand and stage above rank 0: its stock on the day as first published, as known now,
-- and why the two differ.
-- day: a business day covered by a release of the ledger; a brand without one has no row.
-- published_by: the first release that covered the day. late, refund, identity, rules, correction: people to
-- add to known_now, by reason: published = known_now + their sum.
create macro aipl_restated(day) as table
with releases as (
    select release_id, any_value(created_at) as created_at, any_value(presets) as presets
    from dim_release
    group by release_id
),

presets as (
    select distinct preset from dim_aipl_stage
),

-- A preset that a release left out starts again after it.
breaks as (
    select presets.preset, max(releases.created_at) as broken_at
    from presets
    inner join releases on not list_contains(releases.presets, presets.preset)
    group by presets.preset
),

firsts as (
    select
        presets.preset,
        dim_release.brand_id,
        min(dim_release.created_at) as created_at,
        arg_min(dim_release.release_id, dim_release.created_at) as release_id
    from dim_release
    inner join presets on list_contains(dim_release.presets, presets.preset)
    left join breaks on presets.preset = breaks.preset
    where
        dim_release.horizon >= cast(day as date)
        and dim_release.created_at > coalesce(breaks.broken_at, timestamp '-infinity')
    group by presets.preset, dim_release.brand_id
),

entries as (
    select ledger.preset, ledger.brand_id, ledger.stage_before, ledger.stage_after, ledger.reason
    from fct_aipl_ledger as ledger
    inner join releases on ledger.release_id = releases.release_id
    inner join firsts on ledger.preset = firsts.preset and ledger.brand_id = firsts.brand_id
    where
        releases.created_at > firsts.created_at
        and ledger.valid_from <= cast(day as date)
        and cast(day as date) < ledger.valid_to
),

steps as (
    select preset, brand_id, stage_before as stage, reason, 1 as step from entries
    union all
    select preset, brand_id, stage_after as stage, reason, -1 as step from entries
),

nobody as (
    select preset, stage from dim_aipl_stage
    where stage_rank = 0
),

differences as (
    select
        preset,
        brand_id,
        stage,
        sum(step) as total,
        coalesce(sum(step) filter (reason = 'late'), 0) as late,
        coalesce(sum(step) filter (reason = 'refund'), 0) as refund,
        coalesce(sum(step) filter (reason = 'identity'), 0) as identity,
        coalesce(sum(step) filter (reason = 'rules'), 0) as rules,
        coalesce(sum(step) filter (reason = 'correction'), 0) as correction
    from steps
    anti join nobody using (preset, stage)
    group by preset, brand_id, stage
),

stock as (
    select preset, brand_id, stage, count(*) as persons
    from fct_aipl_stage_history
    where stage_rank > 0 and valid_from <= cast(day as date) and cast(day as date) < valid_to
    group by preset, brand_id, stage
),

-- Including stages that only former rules had.
rows_to_show as (
    select firsts.preset, firsts.brand_id, stages.stage
    from firsts
    inner join dim_aipl_stage as stages on firsts.preset = stages.preset and stages.stage_rank > 0
    union
    select preset, brand_id, stage from differences
)

select
    rows_to_show.preset,
    rows_to_show.brand_id,
    rows_to_show.stage,
    cast(coalesce(stock.persons, 0) + coalesce(differences.total, 0) as bigint) as published,
    firsts.release_id as published_by,
    cast(coalesce(stock.persons, 0) as bigint) as known_now,
    cast(coalesce(differences.late, 0) as bigint) as late,
    cast(coalesce(differences.refund, 0) as bigint) as refund,
    cast(coalesce(differences.identity, 0) as bigint) as identity,
    cast(coalesce(differences.rules, 0) as bigint) as rules,
    cast(coalesce(differences.correction, 0) as bigint) as correction
from rows_to_show
inner join firsts using (preset, brand_id)
left join stock using (preset, brand_id, stage)
left join differences using (preset, brand_id, stage)
left join dim_aipl_stage as stages using (preset, stage)
order by rows_to_show.preset, rows_to_show.brand_id, stages.stage_rank, rows_to_show.stage
