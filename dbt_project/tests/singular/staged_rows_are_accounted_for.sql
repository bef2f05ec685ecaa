select source_id, entity, staged_rows, stored_rows, rejected_rows
from (
{%- for name in entity_names() %}
{%- for source_id in sources_of_entity(name) %}
    select
        '{{ source_id }}' as source_id,
        '{{ name }}' as entity,
        (select count(*) from {{ ref('stg_' ~ source_id ~ '__' ~ name) }}) as staged_rows,
        (select count(*) from {{ ref('int_' ~ name) }} where source_id = '{{ source_id }}') as stored_rows,
        (
            select count(*) from {{ ref('int_rejects') }}
            where source_id = '{{ source_id }}' and entity = '{{ name }}'
        ) as rejected_rows
    union all
{%- endfor %}
{%- endfor %}
    select null as source_id, null as entity, 0 as staged_rows, 0 as stored_rows, 0 as rejected_rows
) as counts
where staged_rows <> stored_rows + rejected_rows
