{#
  Law of a history: within a key, each row starts where the previous one ends, no row is empty, the last one
  is open, neighbours differ in `state_column`, `previous_column` is that of the previous row or 0, and no
  key has a NULL. This implies that the key with `valid_from` is unique.
  arguments: key (list of columns), valid_from, valid_to, state_column, previous_column.
#}
{% test no_gap_or_overlap(model, key, valid_from, valid_to, state_column, previous_column) %}
with neighbours as (
    select
        {{ key | join(', ') }},
        {{ valid_from }},
        {{ valid_to }},
        {{ state_column }},
        {{ previous_column }},
        lead({{ valid_from }}) over along_the_history as next_from,
        lag({{ state_column }}) over along_the_history as state_before
    from {{ model }} as history
    where
        true
        {{ and_changed(model, key, 'history') }}
    window along_the_history as (partition by {{ key | join(', ') }} order by {{ valid_from }})
)

select * from neighbours
where
    {{ valid_from }} >= {{ valid_to }}
    or {{ valid_to }} <> coalesce(next_from, {{ open_end() }})
    or {{ state_column }} = state_before
    or {{ previous_column }} is distinct from coalesce(state_before, 0)
    or {{ valid_from }} is null
    {%- for column in key %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
