{{ config(
    materialized='incremental',
    scope=[
        changed('int_key_days'), changed('int_person_states'),
        by_macro('everybody_if_rules_changed', ['int_key_days', 'int_person_states']),
    ],
    scope_key=['brand_id', 'person_id'],
    only_differences=true,
) }}

with key_days as (
    select * from {{ ref('int_key_days') }} as days
    where {{ in_scope('days') }}
),

person_states as (
    select * from {{ ref('int_person_states') }} as states
    where {{ in_scope('states') }}
),

stages as (
    select * from {{ ref('aipl_stages') }}
    where preset in ({{ active_presets() }})
),

rules as (
    select
        *,
        dense_rank() over (order by preset) as preset_number,
        dense_rank() over (order by preset, rule_id) as rule_number
    from ({{ active_rules() }}) as rules
),

presets as (
    select distinct preset_number, preset from rules
),

-- Whole numbers sort several times as fast as texts with a common prefix. They mean nothing outside this
-- model.
persons as (
    select brand_id, person_id from key_days
    union
    select brand_id, person_id from person_states
),

assets as (
    select
        brand_id, person_id,
        row_number() over (order by brand_id, person_id) as asset_number
    from persons
),

touch_spans as (
    select
        rules.preset_number,
        rules.rule_number,
        rules.min_count,
        rules.stage_rank,
        assets.asset_number,
        key_days.touch_date as valid_from,
        case
            when rules.refund_policy = 'as_known'
                then least({{ add_days('key_days.touch_date', 'rules.window_days') }}, key_days.refunded_on)
            else {{ add_days('key_days.touch_date', 'rules.window_days') }}
        end as valid_to
    from key_days
    inner join assets on {{ join_on('key_days', 'assets', ['brand_id', 'person_id']) }}
    inner join rules on key_days.touch_kind = rules.touch_kind
    where
        rules.kind = 'touch'
        and (rules.min_rating is null or key_days.max_rating >= rules.min_rating)
        and (rules.refund_policy <> 'net_hindsight' or key_days.refunded_on = {{ open_end() }})
),

-- A rule for several days counts a day once, under whichever keys of the person.
counted_days as (
    select
        preset_number, rule_number, min_count, stage_rank, asset_number, valid_from,
        max(valid_to) as valid_to
    from touch_spans
    where min_count > 1 and valid_from < valid_to
    group by preset_number, rule_number, min_count, stage_rank, asset_number, valid_from
),

counted_spans as (
    {{ spans_of_count(
        'counted_days', ['preset_number', 'rule_number', 'min_count', 'stage_rank', 'asset_number'],
        least='min_count'
    ) }}
),

-- Intervals in which a rule of a stage is active; they may overlap.
spans as (
    select preset_number, asset_number, stage_rank, valid_from, valid_to from touch_spans
    where min_count = 1 and valid_from < valid_to
    union all
    select preset_number, asset_number, stage_rank, valid_from, valid_to from counted_spans
    union all
    select
        rules.preset_number, assets.asset_number, rules.stage_rank,
        person_states.valid_from, person_states.valid_to
    from person_states
    inner join assets
        on {{ join_on('person_states', 'assets', ['brand_id', 'person_id']) }}
    inner join rules on person_states.state_kind = rules.touch_kind
    where rules.kind = 'state'
),

reaches as (
    select
        preset_number, asset_number, stage_rank, valid_from,
        max(valid_to) over (
            partition by preset_number, asset_number, stage_rank order by valid_from
            rows between unbounded preceding and 1 preceding
        ) as reached
    from spans
),

-- A stage turns on where no earlier span reaches, and off where those spans end. Each stage is a bit of the
-- person's sum: the highest bit is the highest active stage.
turns as (
    select preset_number, asset_number, valid_from as edge_date, cast(power(2, stage_rank) as bigint) as step
    from reaches
    where reached is null or valid_from > reached
    union all
    select preset_number, asset_number, reached as edge_date, -cast(power(2, stage_rank) as bigint) as step
    from reaches
    where valid_from > reached
    union all
    select
        preset_number, asset_number, max(valid_to) as edge_date,
        -cast(power(2, stage_rank) as bigint) as step
    from spans
    group by preset_number, asset_number, stage_rank
    having max(valid_to) < {{ open_end() }}
),

person_turns as (
    select preset_number, asset_number, edge_date, sum(step) as step
    from turns
    group by preset_number, asset_number, edge_date
),

sums as (
    select
        preset_number, asset_number, edge_date,
        sum(step) over (
            partition by preset_number, asset_number order by edge_date
            rows between unbounded preceding and current row
        ) as stages_on
    from person_turns
),

ranks as (
    select
        preset_number, asset_number, edge_date,
        case when stages_on = 0 then 0 else cast(floor(log2(stages_on)) as integer) end as stage_rank
    from sums
),

neighbours as (
    select
        *,
        lag(stage_rank) over (partition by preset_number, asset_number order by edge_date) as previous_rank
    from ranks
),

-- Two steps, since lead() would still see the equal neighbours that this filter drops.
changes as (
    select * from neighbours
    where stage_rank is distinct from previous_rank
),

history as (
    select
        preset_number,
        asset_number,
        stage_rank,
        coalesce(previous_rank, 0) as previous_rank,
        edge_date as valid_from,
        lead(edge_date, 1, {{ open_end() }}) over (
            partition by preset_number, asset_number order by edge_date
        ) as valid_to
    from changes
)

select
    presets.preset,
    assets.brand_id,
    assets.person_id,
    stages.stage,
    history.stage_rank,
    history.previous_rank,
    history.valid_from,
    history.valid_to
from history
inner join assets on history.asset_number = assets.asset_number
inner join presets on history.preset_number = presets.preset_number
inner join stages on presets.preset = stages.preset and history.stage_rank = stages.rank
