{% test tiers_add_up_to_members(model, fast) %}
with tiers as (
    select
        preset, brand_id, period_type, period_start,
        sum(members) as members,
        sum(thriving_members) as thriving_members,
        sum(case when tier >= {{ var('fast_min_tier') }} then members else 0 end) as superiority_members,
        sum(case when tier >= {{ var('fast_min_tier') }} then thriving_members else 0 end)
            as thriving_superior_members
    from {{ model }}
    group by preset, brand_id, period_type, period_start
)

select fast.*
from {{ fast }} as fast
left join tiers
    on
        fast.preset = tiers.preset
        and fast.brand_id = tiers.brand_id
        and fast.period_type = tiers.period_type
        and fast.period_start = tiers.period_start
where
    fast.members <> coalesce(tiers.members, 0)
    or fast.thriving_members <> coalesce(tiers.thriving_members, 0)
    or fast.superiority_members <> coalesce(tiers.superiority_members, 0)
    or fast.thriving_superior_members <> coalesce(tiers.thriving_superior_members, 0)
{% endtest %}
