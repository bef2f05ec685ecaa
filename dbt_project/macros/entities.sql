{#
  Contract of the canonical entities: columns with types, key, `version` (what orders versions before load
  date, file and row do) and, if it is an activity, its `day`. Staging supplies these columns; `optional` ones
  are NULL if a source lacks them. Nothing downstream depends on a source.
#}
{% macro entity(name) -%}
    {%- set text = dbt.type_string() -%}
    {%- set money = 'decimal(18, 4)' -%}
    {%- set entities = {
        'events': {
            'key': ['event_id'], 'version': [], 'day': 'event_date',
            'optional': ['visitor_id', 'member_id', 'campaign_id', 'channel', 'user_agent'],
            'columns': {
                'event_id': text, 'brand_id': text, 'visitor_id': text, 'member_id': text,
                'event_at': 'timestamp', 'event_date': 'date', 'touch_kind': text,
                'campaign_id': text, 'channel': text,
            },
        },
        'orders': {
            'key': ['order_id'], 'version': ['updated_at'], 'day': 'created_date',
            'optional': ['visitor_id', 'member_id', 'cancelled_at', 'updated_at'],
            'columns': {
                'order_id': text, 'visitor_id': text, 'member_id': text, 'document_kind': text,
                'created_at': 'timestamp', 'created_date': 'date', 'paid_at': 'timestamp',
                'paid_date': 'date', 'cancelled_at': 'timestamp', 'amount': money, 'currency': text,
                'updated_at': 'timestamp',
            },
        },
        'order_lines': {
            'key': ['order_id', 'line_id'], 'version': [], 'optional': ['product_name', 'unit_price'],
            'columns': {
                'order_id': text, 'line_id': text, 'brand_id': text, 'product_id': text, 'product_name': text,
                'quantity': money, 'unit_price': money, 'amount': money, 'is_duplicate': 'boolean',
            },
        },
        'refunds': {
            'key': ['refund_id'], 'version': [], 'optional': ['is_full'],
            'columns': {
                'refund_id': text, 'order_id': text, 'refunded_at': 'timestamp', 'refunded_on': 'date',
                'amount': money, 'currency': text, 'is_full': 'boolean',
            },
        },
        'reviews': {
            'key': ['review_id'], 'version': [], 'day': 'reviewed_on',
            'optional': ['visitor_id', 'member_id'],
            'columns': {
                'review_id': text, 'brand_id': text, 'order_id': text, 'visitor_id': text, 'member_id': text,
                'reviewed_at': 'timestamp', 'reviewed_on': 'date', 'rating': 'integer',
            },
        },
        'memberships': {
            'key': ['membership_id'], 'version': ['updated_at'],
            'optional': ['visitor_id', 'member_id', 'updated_at'],
            'columns': {
                'membership_id': text, 'brand_id': text, 'visitor_id': text, 'member_id': text,
                'state_kind': text, 'tier': 'integer', 'joined_on': 'date', 'left_on': 'date',
                'updated_at': 'timestamp',
            },
        },
        'identity_links': {
            'key': ['link_id'], 'version': ['recorded_at'],
            'columns': {
                'link_id': text, 'visitor_id': text, 'member_id': text, 'other_member_id': text,
                'valid_from': 'timestamp', 'valid_to': 'timestamp', 'recorded_at': 'timestamp',
                'is_withdrawn': 'boolean',
            },
        },
        'gmv_targets': {
            'key': ['brand_id', 'period_start', 'period_end'], 'version': ['updated_at'],
            'columns': {
                'brand_id': text, 'period_start': 'date', 'period_end': 'date', 'gmv': money,
                'currency': text, 'updated_at': 'timestamp',
            },
        },
        'products': {
            'key': ['product_id'], 'version': ['updated_at'],
            'optional': ['product_name', 'category_id', 'category_name', 'listed_on', 'updated_at'],
            'columns': {
                'product_id': text, 'brand_id': text, 'product_name': text, 'category_id': text,
                'category_name': text, 'listed_on': 'date', 'updated_at': 'timestamp',
            },
        },
    } -%}
    {{ return(entities[name]) }}
{%- endmacro %}

{# True for a day before the source's data start: kept as evidence, but suspicious. #}
{% macro is_ancient(day, source_id) -%}
    {%- set starts_on = source_setting(source_id, 'starts_on') -%}
    {{ "coalesce(" ~ day ~ " < cast('" ~ starts_on ~ "' as date), false)" if starts_on else 'false' }}
{%- endmacro %}

{# Columns derived from a staged row of an entity, as `{column: (SQL, type)}`. #}
{% macro derived_columns(name, source_id) -%}
    {%- set columns = entity(name).columns -%}
    {%- set derived = {} -%}
    {%- if 'member_id' in columns and 'other_member_id' not in columns -%}
        {%- do derived.update({'source_key': (source_key(source_id), dbt.type_string())}) -%}
    {%- endif -%}
    {%- if entity(name).day -%}
        {%- do derived.update({'is_ancient': (is_ancient(entity(name).day, source_id), 'boolean')}) -%}
    {%- endif -%}
    {%- if name == 'events' -%}
        {%- do derived.update({'is_bot_agent': (is_bot_agent('user_agent'), 'boolean')}) -%}
    {%- endif -%}
    {{ return(derived) }}
{%- endmacro %}

{# All canonical entities. #}
{% macro entity_names() -%}
    {{ return([
        'events', 'orders', 'order_lines', 'refunds', 'reviews', 'memberships', 'identity_links', 'products',
        'gmv_targets',
    ]) }}
{%- endmacro %}

{# Configured sources with a staging model of this entity. #}
{% macro sources_of_entity(name) -%}
    {%- set found = [] -%}
    {%- for source_id, declared in configured_sources().items() if name in declared.entities -%}
        {%- do found.append(source_id) -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#
  A staging model with missing optional columns added as NULL. Which are missing is read from the built view,
  so a new optional column affects no source that lacks it.
#}
{% macro staged_in_full(name, staging) -%}
    {%- set contract = entity(name) -%}
    {%- set lacking = [] -%}
    {%- if execute and contract.optional and load_relation(staging) is not none -%}
        {%- set supplied = adapter.get_column_schema_from_query('select * from ' ~ staging) -%}
        {%- for column in contract.optional if column not in supplied | map(attribute='name') -%}
            {%- set type = contract.columns.get(column, dbt.type_string()) -%}
            {%- do lacking.append('cast(null as ' ~ type ~ ') as ' ~ column) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if lacking -%}
    (select *, {{ lacking | join(', ') }} from {{ staging }}) as staged_rows
    {%- else -%}
    {{ staging }}
    {%- endif -%}
{%- endmacro %}

{#
  Staged rows of an entity from all configured sources: `source_id`, its columns and derived ones,
  `_load_date`, `_file`, `_row`; or its rejected rows, with `reject_reason` and `raw_row`.
#}
{% macro staged(name, rejected=false) -%}
    {%- set columns = entity(name).columns -%}
    {%- for source_id in sources_of_entity(name) %}
    {%- set staging = ref('stg_' ~ source_id ~ '__' ~ name) %}
    {%- if not loop.first %}
    union all{% endif %}
    select
        '{{ source_id }}' as source_id,
        {%- if rejected %}
        '{{ name }}' as entity,
        reject_reason,
        {{ as_json('raw_row') }} as raw_row,
        {%- else %}
        {%- for column, type in columns.items() %}
        cast({{ column }} as {{ type }}) as {{ column }},
        {%- endfor %}
        {%- for column, (value, _) in derived_columns(name, source_id).items() %}
        {{ value }} as {{ column }},
        {%- endfor %}
        {%- endif %}
        _load_date,
        _file,
        _row
    from {{ staging if rejected else staged_in_full(name, staging) }}
    where reject_reason is {{ 'not null' if rejected else 'null' }}
        {{- only_changed_files("'" ~ source_id ~ "'") }}
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as source_id,
        {%- if rejected %}
        '{{ name }}' as entity,
        cast(null as {{ dbt.type_string() }}) as reject_reason,
        cast(null as {{ dbt.type_string() }}) as raw_row,
        {%- else %}
        {%- for column, type in columns.items() %}
        cast(null as {{ type }}) as {{ column }},
        {%- endfor %}
        {%- for column, (_, type) in derived_columns(name, '').items() %}
        cast(null as {{ type }}) as {{ column }},
        {%- endfor %}
        {%- endif %}
        cast(null as date) as _load_date,
        cast(null as {{ dbt.type_string() }}) as _file,
        cast(null as bigint) as _row
    where false
    {%- endfor %}
{%- endmacro %}
