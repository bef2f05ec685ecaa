{#
  In each slice, sums of the members are those of the brand; people, products and, where a document has several
  members, documents are at least those. Two exceptions: a repeat buyer may have bought of another member each
  time, and products on sale of a member that did nothing have no row.
#}
{% test members_add_up_to_the_brand(model) %}
{%- set columns = scorecard_columns() %}
{%- set documents_split = "members.slice in ('" ~ slices_of_documents() | join("', '") ~ "')" %}
with members as (
    select
        brand_id,
        period_id,
        slice
        {%- for column in columns %},
        sum({{ column }}) as {{ column }}
        {%- endfor %}
    from {{ model }} as cells
    where slice <> 'all' {{ and_changed(model, ['brand_id', 'period_id'], 'cells') }}
    group by brand_id, period_id, slice
)

select * from (
select
    members.brand_id,
    members.period_id,
    members.slice,
    concat_ws(
        ', '
        {%- for column, (fact, capability, unit) in columns.items()
            if column not in ['repeat_buyers', 'products_on_sale'] %},
        case
            {%- if unit in ['sum', 'sum_of_period'] %}
            when members.{{ column }} <> whole.{{ column }} then '{{ column }}'
            {%- elif unit == 'documents' %}
            when {{ documents_split }} and members.{{ column }} <> whole.{{ column }} then '{{ column }}'
            {%- endif %}
            when members.{{ column }} < whole.{{ column }} then '{{ column }}'
        end
        {%- endfor %}
    ) as wrong
from members
inner join {{ model }} as whole
    on {{ join_on('members', 'whole', ['brand_id', 'period_id']) }} and whole.slice = 'all'
) as compared
where wrong <> ''
{% endtest %}
