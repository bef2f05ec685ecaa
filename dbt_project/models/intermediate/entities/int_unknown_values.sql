{{ config(materialized='view') }}

{#- Columns that name a product or a category, by entity; asked of sources that tell their catalogue. -#}
{%- set references = [
    ('events', 'product_id', 'products'),
    ('order_lines', 'product_id', 'products'),
    ('reviews', 'product_id', 'products'),
    ('products', 'category_id', 'categories'),
    ('categories', 'parent_id', 'categories'),
] -%}

with recursive {{ climb_of_categories() }},

words as (
    {%- set parts = [] -%}
    {%- for name in entity_names() -%}
        {%- for column, role in entity(name).columns.items() if role in vocabularies() -%}
            {%- do parts.append((name, column)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name, column in parts %}
        {%- set told = column ~ ' unknown: ' %}
        select
            source_id,
            '{{ name }}' as entity,
            '{{ column }}' as column_name,
            {{ dbt.split_part(dbt.split_part('cleaned', "'" ~ told ~ "'", 2), "', '", 1) }} as unknown_value
        from {{ ref('int_' ~ name) }}
        where is_current and cleaned like '%{{ told }}%'
        {{- ' union all' if not loop.last }}
    {%- endfor %}
),

{% for name, column, catalogue in references %}
    {%- set of_catalogue = entity(catalogue).key[0] -%}
    no_{{ name }} as (
        select
            named.source_id,
            '{{ name }}' as entity,
            '{{ column }}' as column_name,
            named.{{ column }} as unknown_value,
            named.named_rows
        from (
            select source_id, {{ column }}, count(*) as named_rows
            from {{ ref('int_' ~ name) }}
            where
                is_current and {{ column }} is not null
                {{- " and coalesce(line_kind, 'goods') = 'goods'" if name == 'order_lines' }}
            group by source_id, {{ column }}
        ) as named
        where
            exists (
                select 1 from {{ ref('int_' ~ catalogue) }} as told where told.source_id = named.source_id
            )
            and not exists (
                select 1 from {{ ref('int_' ~ catalogue) }} as known
                where
                    known.is_current
                    and known.source_id = named.source_id
                    and known.{{ of_catalogue }} = named.{{ column }}
            )
    ),

{% endfor -%}

-- The category at which a climb comes round.
ancestors_of_themselves as (
    select distinct source_id, parent_id as unknown_value
    from climb
    where position(chr(31) || parent_id || chr(31) in passed) > 0
)

select source_id, entity, column_name, unknown_value, count(*) as named_rows
from words
group by source_id, entity, column_name, unknown_value

{% for name, _, _ in references %}
    union all

    select source_id, entity, column_name, unknown_value, named_rows from no_{{ name }}
{% endfor %}
union all

select
    source_id,
    'categories' as entity,
    'category_id' as column_name,
    unknown_value,
    cast(1 as bigint) as named_rows
from ancestors_of_themselves
