-- The usual way to stages: every as-of day joined with the touches in its windows, one row a person and day.
create table stage_days as
with days as (
    select cast(unnest(range(first_day, last_day + interval 1 day, interval 1 day)) as date) as as_of_date
    from span
),

judged as (
    select
        rules.rule_id,
        rules.stage_rank,
        rules.min_count,
        touches.brand_id,
        touches.person_id,
        days.as_of_date,
        count(distinct touches.touch_date) as touch_days
    from days
    inner join touches on days.as_of_date >= touches.touch_date and days.as_of_date < touches.refunded_on
    inner join rules
        on
            touches.touch_kind = rules.touch_kind
            and days.as_of_date < touches.touch_date + rules.window_days
    where rules.kind = 'touch'
    group by all
),

marks as (
    select brand_id, person_id, as_of_date, stage_rank from judged
    where touch_days >= min_count
    union all
    select states.brand_id, states.person_id, days.as_of_date, rules.stage_rank
    from days
    inner join states on days.as_of_date >= states.valid_from and days.as_of_date < states.valid_to
    inner join rules on states.state_kind = rules.touch_kind
    where rules.kind = 'state'
)

select brand_id, person_id, as_of_date, max(stage_rank) as stage_rank
from marks
group by all;
