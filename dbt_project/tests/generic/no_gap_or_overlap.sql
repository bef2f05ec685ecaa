{#
  Law of a history: within a key, each row begins on the day the one before it ends, no row is empty, the last
  one is open, and neighbours differ in `state_column`.
  arguments: key (list of columns), valid_from, valid_to, state_column.
#}
{% test no_gap_or_overlap(model, key, valid_from, valid_to, state_column) %}
with neighbours as (
    select
        {{ key | join(', ') }},
        {{ valid_from }},
        {{ valid_to }},
        {{ state_column }},
        lead({{ valid_from }}) over (partition by {{ key | join(', ') }} order by {{ valid_from }}) as next_from,
        lead({{ state_column }}) over (partition by {{ key | join(', ') }} order by {{ valid_from }}) as next_state
    from {{ model }}
)

select * from neighbours
where
    {{ valid_from }} >= {{ valid_to }}
    or {{ valid_to }} <> coalesce(next_from, {{ open_end() }})
    or {{ state_column }} = next_state
{% endtest %}
