{{ config(
    materialized='incremental',
    scope=[changed('int_memberships'), moved_keys('int_memberships')],
    scope_key=['source_id', 'membership_id'],
) }}

-- A membership has no time of day: it belongs to the owner of its key at the end of the day of joining.
select
    states.source_id,
    states.membership_id,
    states.brand_id,
    states.source_key,
    {{ person_id_of('states') }} as person_id,
    states.state_kind,
    coalesce(states.tier, 0) as tier,
    states.joined_on as valid_from,
    coalesce(states.left_on, {{ open_end() }}) as valid_to
from {{ ref('int_memberships') }} as states
{{ owners_of('states', end_of_business_day('states.joined_on', 'states.source_id', 'states.brand_id')) }}
where
    states.is_current
    and states.source_key is not null
    and states.joined_on < coalesce(states.left_on, {{ open_end() }})
    and {{ in_scope('states') }}
