{# Scope of `int_placed_orders`: orders placed by a person on a day on which a visit of the brand changed. #}
{% macro orders_of_changed_visits() -%}
    select placed.source_id, placed.order_id from {{ this }} as placed
    where
        {%- if is_changed('int_visits') %}
        exists (
            select 1 from {{ changes_relation(ref('int_visits')) }} as visits
            where
                {{ join_on('placed', 'visits', ['brand_id', 'person_id']) }}
                and placed.created_date = visits.event_date
        )
        {%- else %}
        false
        {%- endif %}
{%- endmacro %}
