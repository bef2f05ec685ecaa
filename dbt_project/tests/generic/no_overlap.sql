{#- At most one of an entity's half-open intervals holds a day. -#}
{% test no_overlap(model, key, valid_from, valid_to) %}
select *
from (
    select
        *,
        lead({{ valid_from }}) over (partition by {{ key | join(', ') }} order by {{ valid_from }}) as next_from
    from {{ model }}
) as intervals
where {{ valid_from }} >= {{ valid_to }} or next_from < {{ valid_to }}
{% endtest %}
