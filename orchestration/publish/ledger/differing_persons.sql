-- One row per preset, brand and person whose stage differs from the published one on any published day, with
-- the first unpublished day. Published is what any release up to the previous one showed as fact: an earlier
-- horizon does not withdraw days.
create temp table differing_persons as
with presets as (
    select distinct preset from previous.main.dim_aipl_stage
    intersect
    select distinct preset from release.main.dim_aipl_stage
),

brands as (
    select brand_id, max(horizon) + 1 as unpublished_from
    from previous.main.dim_release
    group by brand_id
),

before as (
    select
        history.preset,
        history.brand_id,
        history.person_id,
        history.stage,
        history.valid_from,
        least(history.valid_to, brands.unpublished_from) as valid_to
    from previous.main.fct_aipl_stage_history as history
    inner join brands using (brand_id)
    where history.stage_rank > 0 and history.valid_from < brands.unpublished_from
),

after as (
    select
        history.preset,
        history.brand_id,
        history.person_id,
        history.stage,
        history.valid_from,
        least(history.valid_to, brands.unpublished_from) as valid_to
    from release.main.fct_aipl_stage_history as history
    inner join brands using (brand_id)
    where history.stage_rank > 0 and history.valid_from < brands.unpublished_from
),

-- At most one span of a person starts on a day, so the key need not be the whole row.
differing as (
    select
        preset,
        brand_id,
        person_id
    from before
    full join after using (preset, brand_id, person_id, valid_from)
    where before.stage is distinct from after.stage or before.valid_to is distinct from after.valid_to
)

select distinct differing.preset, differing.brand_id, differing.person_id, brands.unpublished_from
from differing
inner join brands using (brand_id)
semi join presets using (preset)
