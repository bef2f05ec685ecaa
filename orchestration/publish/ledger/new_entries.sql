-- One row per preset, brand, differing person and longest interval of published days with the same stage
-- before and the same stage after, with the first reason that applies: rules, identity, refund, correction,
-- late.
with spans as (
    select
        history.side,
        history.preset,
        history.brand_id,
        history.person_id,
        history.stage,
        history.valid_from,
        least(history.valid_to, persons.unpublished_from) as valid_to
    from (
        select 'before' as side, * from previous.main.fct_aipl_stage_history
        union all by name
        select 'after' as side, * from release.main.fct_aipl_stage_history
    ) as history
    inner join differing_persons as persons using (preset, brand_id, person_id)
    where history.stage_rank > 0 and history.valid_from < persons.unpublished_from
),

bounds as (
    select preset, brand_id, person_id, valid_from as bound from spans
    union
    select preset, brand_id, person_id, valid_to as bound from spans
),

-- At most one span of each side covers a day; without one, the stage is NULL.
segments as (
    select
        bounds.preset,
        bounds.brand_id,
        bounds.person_id,
        bounds.bound as valid_from,
        max(spans.stage) filter (spans.side = 'before') as stage_before,
        max(spans.stage) filter (spans.side = 'after') as stage_after
    from bounds
    left join spans
        on
            bounds.preset = spans.preset
            and bounds.brand_id = spans.brand_id
            and bounds.person_id = spans.person_id
            and spans.valid_from <= bounds.bound
            and bounds.bound < spans.valid_to
    group by bounds.preset, bounds.brand_id, bounds.person_id, bounds.bound
),

turns as (
    select * from segments
    qualify
        (stage_before, stage_after) is distinct from lag((stage_before, stage_after)) over (
            partition by preset, brand_id, person_id order by valid_from
        )
),

stretches as (
    select
        *,
        lead(valid_from) over (partition by preset, brand_id, person_id order by valid_from) as valid_to
    from turns
),

entries as (
    select stretches.*, persons.unpublished_from
    from stretches
    inner join differing_persons as persons using (preset, brand_id, person_id)
    where stretches.stage_before is distinct from stretches.stage_after
),

-- Name of rank 0 in a preset.
nobody as (
    select preset, stage from release.main.dim_aipl_stage
    where stage_rank = 0
),

-- The name and source of a rule do not change any stage.
rules_before as (
    select preset, stage, stage_rank, kind, touch_kind, window_days, min_count, min_rating, refund_policy
    from previous.main.dim_aipl_rule
    union all
    select preset, stage, stage_rank, null, null, null, null, null, null from previous.main.dim_aipl_stage
),

rules_after as (
    select preset, stage, stage_rank, kind, touch_kind, window_days, min_count, min_rating, refund_policy
    from release.main.dim_aipl_rule
    union all
    select preset, stage, stage_rank, null, null, null, null, null, null from release.main.dim_aipl_stage
),

changed_presets as (
    select distinct preset
    from (
        (
            select * from rules_before
            except all
            select * from rules_after
        )
        union all
        (
            select * from rules_after
            except all
            select * from rules_before
        )
    ) as changed_rules
),

-- Owners of a key and since when, up to the published days; an order may have no day.
all_owners as (
    select side, person_id, source_key, coalesce(first_seen_on, date '0001-01-01') as since
    from (
        select 'before' as side, * from previous.main.dim_person_key
        union all by name
        select 'after' as side, * from release.main.dim_person_key
    ) as person_keys
),

keys as (
    select distinct source_key from all_owners semi join differing_persons using (person_id)
),

owners as (
    select * from all_owners semi join keys using (source_key)
),

published_owners as (
    select owners.*, horizons.unpublished_from
    from owners
    inner join (select distinct unpublished_from from differing_persons) as horizons
        on owners.since < horizons.unpublished_from
),

-- A key in only one release is late or corrected; one that always had the same owner is neither.
moved_keys as (
    select unpublished_from, source_key
    from published_owners
    group by unpublished_from, source_key
    having
        count(distinct side) = 2
        and count(distinct person_id) > 1
        and list_sort(list((person_id, since)) filter (side = 'before'))
        <> list_sort(list((person_id, since)) filter (side = 'after'))
),

moved_persons as (
    select distinct unpublished_from, person_id
    from published_owners
    semi join moved_keys using (unpublished_from, source_key)
),

days_before as (
    select * from previous.main.fct_person_days semi join differing_persons using (brand_id, person_id)
),

days_after as (
    select * from release.main.fct_person_days semi join differing_persons using (brand_id, person_id)
),

-- Days that differ between the releases, and days that are gone. New days need no proof: without another
-- reason they are late.
changed_days as (
    select
        days_before.brand_id,
        days_before.person_id,
        days_before.touch_kind,
        days_before.touch_date,
        days_after.touch_date is null as is_gone,
        days_before.max_rating as rating_before,
        days_after.max_rating as rating_after,
        days_before.refunded_on as refunded_before,
        days_after.refunded_on as refunded_after
    from days_before
    left join days_after using (brand_id, person_id, touch_kind, touch_date)
    where
        days_after.touch_date is null
        or days_before.max_rating is distinct from days_after.max_rating
        or days_before.refunded_on <> days_after.refunded_on
),

-- Per rule that counts them: the days of the entry on which they could count.
counted_days as (
    select
        days.*,
        entries.preset,
        entries.valid_from,
        rules.min_rating,
        rules.refund_policy,
        greatest(days.touch_date, entries.valid_from) as alive_from,
        least(days.touch_date + cast(rules.window_days as integer), entries.valid_to) as alive_to
    from entries
    inner join changed_days as days on entries.brand_id = days.brand_id and entries.person_id = days.person_id
    inner join release.main.dim_aipl_rule as rules
        on entries.preset = rules.preset and days.touch_kind = rules.touch_kind and rules.kind = 'touch'
),

day_reasons as (
    select
        preset,
        brand_id,
        person_id,
        valid_from,
        bool_or(
            is_gone
            or coalesce(rating_before >= min_rating, false) <> coalesce(rating_after >= min_rating, false)
        ) as is_correction,
        bool_or(
            not is_gone
            and case refund_policy
                when 'gross' then false
                when 'net_hindsight'
                    then (refunded_before = date '9999-12-31') <> (refunded_after = date '9999-12-31')
                else
                    greatest(alive_from, least(refunded_before, refunded_after))
                    < least(alive_to, greatest(refunded_before, refunded_after))
            end
        ) as is_refund
    from counted_days
    where alive_from < alive_to
    group by preset, brand_id, person_id, valid_from
),

-- An end beyond the published days changes nothing published.
states as (
    select
        states.side,
        states.brand_id,
        states.person_id,
        states.state_kind,
        states.valid_from,
        least(states.valid_to, persons.unpublished_from) as valid_to
    from (
        select 'before' as side, * from previous.main.fct_person_states
        union all by name
        select 'after' as side, * from release.main.fct_person_states
    ) as states
    inner join (select distinct brand_id, person_id, unpublished_from from differing_persons) as persons
        using (brand_id, person_id)
    where states.valid_from < persons.unpublished_from
),

gone_states as (
    select brand_id, person_id, state_kind
    from states
    group by brand_id, person_id, state_kind, valid_from, valid_to
    having count(*) filter (side = 'before') > count(*) filter (side = 'after')
),

changed_states as (
    select distinct rules.preset, gone_states.brand_id, gone_states.person_id
    from gone_states
    inner join release.main.dim_aipl_rule as rules
        on gone_states.state_kind = rules.touch_kind and rules.kind = 'state'
)

select
    entries.preset,
    entries.brand_id,
    entries.person_id,
    entries.valid_from,
    entries.valid_to,
    coalesce(entries.stage_before, nobody.stage) as stage_before,
    coalesce(entries.stage_after, nobody.stage) as stage_after,
    case
        when changed_presets.preset is not null then 'rules'
        when moved_persons.person_id is not null then 'identity'
        when day_reasons.is_refund then 'refund'
        when day_reasons.is_correction or changed_states.person_id is not null then 'correction'
        else 'late'
    end as reason
from entries
inner join nobody using (preset)
left join changed_presets using (preset)
left join moved_persons using (unpublished_from, person_id)
left join day_reasons using (preset, brand_id, person_id, valid_from)
left join changed_states using (preset, brand_id, person_id)
