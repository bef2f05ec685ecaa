{#
  Who a row belongs to. `owners_of` joins the owner of its `source_key` at a time (UTC); `person_id_of` is the
  person. A key without an owner is its own person.
#}
{% macro owners_of(alias, at) -%}
    left join {{ ref('int_key_persons') }} as owners
        on
            {{ alias }}.source_key = owners.source_key
            and owners.valid_from <= {{ at }}
            and {{ at }} < owners.valid_to
{%- endmacro %}

{% macro person_id_of(alias) -%}
    coalesce(owners.person_id, {{ alias }}.source_key)
{%- endmacro %}

{# The earliest and the latest time. #}
{% macro dawn_of_time() -%}
    cast('0001-01-01 00:00:00' as timestamp)
{%- endmacro %}

{% macro end_of_time() -%}
    cast('9999-12-31 00:00:00' as timestamp)
{%- endmacro %}

{# Current events of a relation with the columns of `int_events`, with their person and `is_bot`. #}
{% macro attributed_events(events) -%}
    select
        events.*,
        {{ person_id_of('events') }} as person_id,
        {{ is_bot('events') }} as is_bot
    from {{ events }} as events
    {{ owners_of('events', 'events.event_at') }}
    {{ bursts_of('events') }}
    where events.is_current
{%- endmacro %}

{# `bursts_of` joins visitor days with too many events; `is_bot` needs it, and also checks the user agent. #}
{% macro bursts_of(events) -%}
    left join {{ ref('int_burst_visitor_days') }} as bursts
        on
            {{ events }}.source_id = bursts.source_id
            and {{ events }}.visitor_id = bursts.visitor_id
            and {{ events }}.event_date = bursts.event_date
{%- endmacro %}

{% macro is_bot(events) -%}
    {{ events }}.is_bot_agent or bursts.visitor_id is not null
{%- endmacro %}

{# True if the user agent contains one of `bot_user_agents`. #}
{% macro is_bot_agent(user_agent) -%}
    (
        {%- for word in var('bot_user_agents') %}
        {%- set literal = "'" ~ word | lower | replace("'", "''") ~ "'" %}
        coalesce({{ dbt.position(literal, 'lower(' ~ user_agent ~ ')') | trim }} > 0, false)
        {{- ' or' if not loop.last }}
        {%- else %}false
        {%- endfor %}
    )
{%- endmacro %}

{#
  Pre-hook of an incremental model: stores the keys of the people in its scope in a table, so that DuckDB
  knows how few they are and builds its hash table from them, not from all events.
#}
{% macro keep_keys_of_scope() -%}
    {%- if is_incremental() -%}
    create table {{ scope_relation('keys') }} as
    select distinct keys.source_key from {{ ref('int_key_days') }} as keys
    where {{ in_scope('keys', ['brand_id', 'person_id']) }}
    {%- endif -%}
{%- endmacro %}
