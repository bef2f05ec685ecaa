{#
  Who a row belongs to. `owners_of` joins the owner that a row's `source_key` had at a time (UTC), `person_id_of`
  is the person: a key without an owner is a person of its own.
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

{# The time before and the time after all others. #}
{% macro dawn_of_time() -%}
    cast('0001-01-01 00:00:00' as timestamp)
{%- endmacro %}

{% macro end_of_time() -%}
    cast('9999-12-31 00:00:00' as timestamp)
{%- endmacro %}

{#
  Current events of a relation with the columns of `int_events`, with the person that each belongs to and whether
  a bot made it: by its user agent, or by more events of its visitor on that day than a person makes.
#}
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

{#
  `bursts_of` joins the day of an event's visitor if it has too many events; with it `is_bot` is whether a bot made
  the event.
#}
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

{# True where a user agent holds one of the words of `bot_user_agents`. #}
{% macro is_bot_agent(user_agent) -%}
    (
        {%- for word in var('bot_user_agents') %}
        coalesce(lower({{ user_agent }}) like '%{{ word | lower | replace("'", "''") }}%', false)
        {{- ' or' if not loop.last }}
        {%- else %}false
        {%- endfor %}
    )
{%- endmacro %}

{#
  Statement before an incremental model: keeps the keys of the persons in its scope in a table, so that DuckDB
  knows how few they are, and builds its hash table of them and not of all events.
#}
{% macro keep_keys_of_scope() -%}
    {%- if is_incremental() -%}
    create table {{ scope_relation('keys') }} as
    select distinct keys.source_key from {{ ref('int_key_days') }} as keys
    where {{ in_scope('keys', ['brand_id', 'person_id']) }}
    {%- endif -%}
{%- endmacro %}
