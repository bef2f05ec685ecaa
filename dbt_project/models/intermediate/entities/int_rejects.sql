-- depends_on: {{ ref('int_changed_files') }}
with rejected as (
{%- for name in entity_names() %}
    {{ staged(name, rejected=true) }}
    {{- ' union all' if not loop.last }}
{%- endfor %}
)

select
    source_id,
    entity,
    reject_reason as reason,
    reject_column as column_name,
    raw_row,
    _load_date,
    _file,
    _row,
    _item
from rejected
