{{ config(
    materialized='incremental',
    scope=[by_macro('members_of_changed_acts', ['int_visit_events', 'int_brand_facts'])],
    scope_key=['brand_id', 'slice', 'member', 'who', 'day'],
    only_differences=true,
) }}

{%- set columns = {
    'views': total('times', 'is_view'),
    'views_without_visit': total('times', 'is_view and visit_id is null'),
    'visits': total('times', 'is_entry'),
    'one_view_visits': total('times', 'is_entry and visit_views = 1'),
    'dwell_seconds': total('times * coalesce(dwell_seconds, 0)'),
    'dwell_views': total('times', 'dwell_seconds is not null'),
} %}
{%- for column, kind in kinds_of_traffic().items() %}
{%- do columns.update({column: total('times', "touch_kind = '" ~ kind ~ "'")}) %}
{%- endfor %}

with acts as (
    {{ acts_of_traffic() }}
),

acts_of_all as (
    {{ acts_of_traffic(by_person=false) }}
),

-- Classes of buyers divide the whole brand by person.
days as (
    {{ by_slice('acts', ['all'], columns) }}

    union all

    {{ by_slice('acts_of_all', slices_of_acts(), columns) }}
)

{%- if is_incremental() %}

select
    {{ key_of_days() | join(', ') }}
    {%- for column in columns %},
    {{ total(column) }} as {{ column }}
    {%- endfor %}
from (
    select
        {{ key_of_days() | join(', ') }},
        {{ columns | join(', ') }}
    from days

    union all

    select
        {{ key_of_days() | join(', ') }},
        {{ columns | join(', ') }}
    from {{ this }} as stored
    where
        {{ in_scope('stored') }}
        and {{ not_in_relation('stored', changed_rows('int_brand_facts'), ['brand_id']) }}
) as summed
group by {{ key_of_days() | join(', ') }}
having
    {%- for column in columns %}
    {{ 'or ' if not loop.first }}sum({{ column }}) > 0
    {%- endfor %}
{%- else %}

select
    {{ key_of_days() | join(', ') }},
    {{ columns | join(', ') }}
from days
{%- endif %}
