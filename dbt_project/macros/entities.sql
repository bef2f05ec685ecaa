{#
  Contract of the canonical entities: columns with their roles (macros/staging/roles.sql), key, and `version`
  (what orders versions before load date, file and row do). Staging supplies these columns; `optional` ones
  are NULL if a source lacks them, and a row without a `needed` one is rejected, as is one with a problem:
  (condition, reason, column). `numbered` is the column that the number of an item replaces where a raw row
  holds several. Nothing downstream depends on a source.
#}
{% macro entity(name) -%}
    {%- set person = {'visitor_id': 'person', 'member_id': 'person'} -%}
    {%- set entities = {
        'events': {
            'key': ['event_id'], 'version': [],
            'needed': ['event_at', 'event_date'],
            'optional': [
                'visitor_id', 'member_id', 'campaign_id', 'channel', 'user_agent', 'product_id', 'session_id',
                'page_class', 'device', 'region',
            ],
            'columns': dict(
                event_id='document', brand_id='brand', event_at='moment', event_date='day',
                touch_kind='text', campaign_id='text', channel='text', product_id='product',
                session_id='document', page_class='page_class', device='device', region='text', **person
            ),
        },
        'orders': {
            'key': ['order_id'], 'version': ['updated_at'],
            'needed': ['created_at', 'created_date'],
            'optional': [
                'visitor_id', 'member_id', 'cancelled_at', 'updated_at', 'session_id', 'device', 'channel',
                'campaign_id', 'region', 'freight_amount', 'discount_amount', 'coupon_amount',
            ],
            'columns': dict(
                order_id='document', document_kind='text', created_at='moment', created_date='day',
                paid_at='moment', paid_date='day', cancelled_at='moment', amount='money', currency='currency',
                session_id='document', device='device', channel='text', campaign_id='text', region='text',
                freight_amount='money', discount_amount='money', coupon_amount='money',
                updated_at='moment', **person
            ),
        },
        'order_lines': {
            'key': ['order_id', 'line_id'], 'version': ['updated_at'], 'numbered': 'line_id',
            'optional': [
                'product_name', 'unit_price', 'list_amount', 'cost_amount', 'line_kind', 'updated_at',
            ],
            'columns': dict(
                order_id='document', line_id='document', brand_id='brand', product_id='product',
                product_name='text', quantity='quantity', unit_price='money', amount='money',
                list_amount='money', cost_amount='money', line_kind='line_kind',
                is_duplicate='flag', updated_at='moment'
            ),
        },
        'refunds': {
            'key': ['refund_id'], 'version': [],
            'needed': ['refunded_on'],
            'optional': ['is_full', 'line_id', 'reason_kind'],
            'columns': dict(
                refund_id='document', order_id='document', line_id='document', refunded_at='moment',
                refunded_on='day', amount='refund', currency='currency', reason_kind='reason_kind',
                is_full='flag'
            ),
        },
        'reviews': {
            'key': ['review_id'], 'version': [],
            'needed': ['reviewed_on'],
            'optional': ['visitor_id', 'member_id', 'product_id'],
            'columns': dict(
                review_id='document', brand_id='brand', order_id='document', product_id='product',
                reviewed_at='moment', reviewed_on='day', rating='stars', **person
            ),
        },
        'memberships': {
            'key': ['membership_id'], 'version': ['updated_at'],
            'needed': ['joined_on'],
            'optional': ['visitor_id', 'member_id', 'updated_at'],
            'columns': dict(
                membership_id='document', brand_id='brand', state_kind='text', tier='whole',
                joined_on='any_day', left_on='any_day', updated_at='moment', **person
            ),
        },
        'identity_links': {
            'key': ['link_id'], 'version': ['recorded_at'],
            'problems': [('valid_to < valid_from', 'end before the beginning', 'valid_to')],
            'columns': dict(
                link_id='document', other_member_id='person', valid_from='any_moment', valid_to='any_moment',
                recorded_at='moment', is_withdrawn='flag', **person
            ),
        },
        'gmv_targets': {
            'key': ['brand_id', 'period_start', 'period_end'], 'version': ['updated_at'],
            'problems': [('period_end < period_start', 'end before the beginning', 'period_end')],
            'columns': dict(
                brand_id='brand', period_start='any_day', period_end='any_day', gmv='money',
                currency='currency', updated_at='moment'
            ),
        },
        'products': {
            'key': ['product_id'], 'version': ['updated_at'],
            'optional': [
                'product_name', 'category_id', 'category_name', 'department', 'list_price', 'listed_on',
                'delisted_on', 'updated_at',
            ],
            'columns': dict(
                product_id='product', brand_id='brand', product_name='text', category_id='document',
                category_name='text', department='document', list_price='money', listed_on='any_day',
                delisted_on='any_day', updated_at='moment'
            ),
        },
        'categories': {
            'key': ['category_id'], 'version': ['updated_at'],
            'optional': ['parent_id', 'category_name', 'updated_at'],
            'columns': dict(
                category_id='document', parent_id='document', category_name='text', updated_at='moment'
            ),
        },
        'campaigns': {
            'key': ['campaign_id'], 'version': ['updated_at'],
            'needed': ['starts_on', 'ends_on'],
            'optional': [
                'campaign_name', 'campaign_kind', 'warm_up_from', 'baseline_from', 'baseline_to',
                'goal_metric', 'goal_value', 'budget', 'planned_reach', 'updated_at',
            ],
            'problems': [
                ('ends_on < starts_on', 'end before the beginning', 'ends_on'),
                ('warm_up_from > starts_on', 'warm-up after the beginning', 'warm_up_from'),
                ('baseline_to < baseline_from', 'end before the beginning', 'baseline_to'),
                (
                    '(baseline_from is null) <> (baseline_to is null)',
                    'baseline without its beginning or its end', 'baseline_from'
                ),
            ],
            'columns': dict(
                campaign_id='document', brand_id='brand', campaign_name='text', campaign_kind='campaign_kind',
                starts_on='any_day', ends_on='any_day', warm_up_from='any_day', baseline_from='any_day',
                baseline_to='any_day', goal_metric='text', goal_value='money', budget='money',
                planned_reach='whole', updated_at='moment'
            ),
        },
    } -%}
    {{ return(entities[name]) }}
{%- endmacro %}

{# Columns derived from a staged row of an entity, as `{column: (SQL, type)}`. #}
{% macro derived_columns(name, source_id) -%}
    {%- set columns = entity(name).columns -%}
    {%- set derived = {} -%}
    {%- if 'member_id' in columns and 'other_member_id' not in columns -%}
        {%- do derived.update({'source_key': (source_key(source_id), dbt.type_string())}) -%}
    {%- endif -%}
    {%- if name == 'events' -%}
        {%- do derived.update({
            'is_bot_agent': (is_bot_agent('user_agent'), 'boolean'),
            'visit_key': (visit_key(source_id), dbt.type_string()),
        }) -%}
    {%- endif -%}
    {{ return(derived) }}
{%- endmacro %}

{# All canonical entities. #}
{% macro entity_names() -%}
    {{ return([
        'events', 'orders', 'order_lines', 'refunds', 'reviews', 'memberships', 'identity_links', 'products',
        'categories', 'campaigns', 'gmv_targets',
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
  Columns that a staging model supplies, read from the built view, so that a new optional column affects no
  source without it; none before it is built.
#}
{% macro supplied_columns(staging) -%}
    {%- if execute and load_relation(staging) is not none -%}
        {{ return(adapter.get_column_schema_from_query('select * from ' ~ staging)
            | map(attribute='name') | list) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#
  Staged rows of an entity of one source, each column read by its role; `reject_reason` is that of staging,
  else the first problem of a column, and `reject_column` the column that it is about, if it says so. Optional
  columns that are not `supplied` are NULL; `_document` and `_item` are those of `row_origin`, else NULL and 1.
  For `rejected` rows no more than the reason is read.
#}
{% macro read_staged(name, source_id, staging, supplied, rejected=false) -%}
    {%- set contract = entity(name) -%}
    {%- set has_items = supplied is not none and '_item' in supplied and '_document' in supplied -%}
    {%- set numbered = contract.numbered if has_items else none -%}
    {%- set lacking = [numbered] -%}
    {%- for column in contract.optional or [] if supplied is not none and column not in supplied -%}
        {%- do lacking.append(column) -%}
    {%- endfor -%}
    {%- set text = dbt.type_string() -%}
    {%- set with_agent = 'user_agent' in contract.optional and not rejected -%}
    {%- set mark = decimal_mark_of(staging) -%}
    {%- set readings = {} -%}
    {%- set values = {} -%}
    {%- set problems = [] -%}
    {%- set changes = [] -%}
    {%- for column, role in contract.columns.items() if column not in lacking -%}
        {%- set reading = read_by_role(column, role, source_id, 'staged_rows.' ~ column, mark) -%}
        {%- do readings.update({column: reading}) -%}
    {%- endfor -%}
    {%- do changes.extend(join_keys(readings, source_id, supplied)) -%}
    {%- if with_agent and 'device' in contract.columns -%}
        {%- set told = readings.device.value if 'device' in readings else 'device' -%}
        {%- do values.update({'device': 'coalesce(' ~ told ~ ', ' ~ device_of_agent('user_agent') ~ ')'}) -%}
    {%- endif -%}
    {%- for column, reading in readings.items() -%}
        {%- for condition, reason in reading.problems -%}
            {%- do problems.append((condition, reason, column)) -%}
        {%- endfor -%}
        {%- for change in reading.changed -%}
            {%- do changes.append((change[0], column ~ ' ' ~ change[1]) + change[2:]) -%}
        {%- endfor -%}
        {%- if column in contract.key -%}
            {%- set name = column | replace('_', ' ') -%}
            {%- do problems.append(('(' ~ reading.value ~ ') is null', 'no ' ~ name, column)) -%}
        {%- elif column in (contract.needed or []) -%}
            {%- set reason = column ~ ' that is missing or does not parse' -%}
            {%- do problems.append((column ~ ' is null', reason, column)) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do problems.extend(contract.problems or []) -%}
    {%- set reason = 'coalesce(reject_reason, ' ~ reject_reason(problems) ~ ')' -%}
    select
        {%- for column, role in contract.columns.items() if not rejected %}
        {%- if column == numbered %}
        {{ id_of_item(contract.key[0]) }} as {{ column }},
        {%- else %}
        {{ values.get(column) or (readings[column].value if column in readings else column) }} as {{ column }},
        {%- endif %}
        {%- endfor %}
        {%- if with_agent %}
        user_agent,
        {%- endif %}
        {{ reason_of('told_reason', contract.columns) }} as reject_reason,
        {{ column_of_reason('told_reason', contract.columns) }} as reject_column,
        {%- if not rejected %}
        {{ changes_of_row(changes) }} as cleaned,
        {%- endif %}
        raw_row,
        _document,
        _item,
        _load_date,
        _file,
        _row
    from (
    select
        readings.*,
        {{ reason_of_item(reason) if has_items else reason }} as told_reason
    from (
        select
            {%- for column, reading in readings.items() %}
            {{ reading.read }} as {{ column }},
            staged_rows.{{ column }} as raw_{{ column }},
            {%- endfor %}
            {%- for column, role in contract.columns.items() if column not in readings %}
            cast(null as {{ role_type(role) }}) as {{ column }},
            {%- endfor %}
            {%- if with_agent %}
            {{ 'cast(null as ' ~ text ~ ')' if 'user_agent' in lacking else 'staged_rows.user_agent' }}
                as user_agent,
            {%- endif %}
            {%- if has_items %}
            {{ clean_id('cast(staged_rows._document as ' ~ text ~ ')') }} as _document,
            cast(staged_rows._item as bigint) as _item,
            {%- else %}
            cast(null as {{ text }}) as _document,
            cast(1 as bigint) as _item,
            {%- endif %}
            staged_rows.reject_reason,
            staged_rows.raw_row,
            staged_rows._load_date,
            staged_rows._file,
            staged_rows._row
        from {{ staging }} as staged_rows
    ) as readings
    ) as judged
{%- endmacro %}

{#
  Staged rows of an entity from all configured sources, in an incremental run from the files that changed:
  `source_id`, its columns and derived ones, `cleaned`, `_document`, `_item`, `_load_date`, `_file`, `_row`;
  or its rejected rows, with `reject_reason`, `reject_column` and `raw_row`.
#}
{% macro staged(name, rejected=false) -%}
    {%- set text = dbt.type_string() -%}
    {%- set columns = entity(name).columns -%}
    {%- set load_dates = changed_load_dates() -%}
    {%- for source_id in sources_of_entity(name) if load_dates is none or source_id in load_dates %}
    {%- if not loop.first %}
    union all{% endif %}
    select
        '{{ source_id }}' as source_id,
        {%- if rejected %}
        '{{ name }}' as entity,
        reject_reason,
        reject_column,
        {{ as_json('raw_row') }} as raw_row,
        {%- else %}
        {%- for column in columns %}
        {{ column }},
        {%- endfor %}
        {%- for column, (value, _) in derived_columns(name, source_id).items() %}
        {{ value }} as {{ column }},
        {%- endfor %}
        cleaned,
        _document,
        {%- endif %}
        _item,
        _load_date,
        _file,
        _row
    from (
        {%- set staging = ref('stg_' ~ source_id ~ '__' ~ name) %}
        {{ read_staged(name, source_id, staging, supplied_columns(staging), rejected) }}
    ) as read_rows
    where reject_reason is {{ 'not null' if rejected else 'null' }}
        {{- and_changed_files(source_id, load_dates[source_id]) if load_dates is not none }}
    {%- else %}
    select
        cast(null as {{ text }}) as source_id,
        {%- if rejected %}
        '{{ name }}' as entity,
        cast(null as {{ text }}) as reject_reason,
        cast(null as {{ text }}) as reject_column,
        cast(null as {{ text }}) as raw_row,
        {%- else %}
        {%- for column, role in columns.items() %}
        cast(null as {{ role_type(role) }}) as {{ column }},
        {%- endfor %}
        {%- for column, (_, type) in derived_columns(name, '').items() %}
        cast(null as {{ type }}) as {{ column }},
        {%- endfor %}
        cast(null as {{ text }}) as cleaned,
        cast(null as {{ text }}) as _document,
        {%- endif %}
        cast(null as bigint) as _item,
        cast(null as date) as _load_date,
        cast(null as {{ text }}) as _file,
        cast(null as bigint) as _row
    where false
    {%- endfor %}
{%- endmacro %}
