{#
  Rows of the day models: one per brand, slice, member, person and day, with the counts and sums of the day,
  and of each act of which people are counted the last day before on which the person did it with this member.
  So each row alone says whether it is the person's first in a period, or the second, and a row changes where
  an answer about it changes: no look back is needed to know which periods a night reaches.
#}

{# Who acted: the person; else the day, since nobody is known and days are never put together. #}
{% macro who_of(day, person_id='person_id') -%}
    coalesce({{ person_id }}, cast({{ day }} as {{ dbt.type_string() }}))
{%- endmacro %}

{# Part of a scope: all of a brand whose currency changed, or whose ids are told apart now. #}
{% macro of_changed_brands(key='who') -%}
    select distinct brand_id, {{ key }} from {{ this }} as stored
    where {{ in_relation('stored', changes_relation(ref('int_brand_facts')), ['brand_id'])
        if is_changed('int_brand_facts') else 'false' }}
{%- endmacro %}

{# Part of a scope: whose refunds, or what was paid of them, the horizon reached or left since the last build. #}
{% macro of_refunds_at_the_horizon() -%}
    {%- if is_changed('int_horizons') -%}
    {%- for day in ['refunded_on', 'paid_date'] %}
    select refunds.brand_id, {{ who_of('refunds.' ~ day, 'refunds.person_id') }} as who
    from {{ ref('int_refund_lines') }} as refunds
    inner join (
        select brand_id, min(horizon) as low, max(horizon) as high
        from {{ changes_relation(ref('int_horizons')) }}
        group by brand_id
    ) as moved on refunds.brand_id = moved.brand_id
    where
        refunds.refunded_on > moved.low and refunds.refunded_on <= moved.high
        or refunds.paid_date > moved.low and refunds.paid_date <= moved.high
    {{- ' union' if not loop.last }}
    {%- endfor %}
    {%- else -%}
    select brand_id, who from {{ this }} where false
    {%- endif -%}
{%- endmacro %}

{# What slices ask of an act, a row of `int_visit_events` as `events` beside the `facts` of its brand. #}
{% macro attributes_of_acts() -%}
    events.event_hour as hour,
    events.region,
    events.channel,
    {{ told_apart('events', 'campaign_id') }} as campaign_id,
    events.device,
    events.department,
    events.category_id,
    {{ told_apart('events', 'product_id') }} as product_id,
    events.page_class,
    false as is_unbranded,
    events.touch_kind,
    events.is_view
{%- endmacro %}

{#
  Acts of which people are counted, with what slices ask of them; in an increment those of the days in CTE `touched`.
#}
{% macro acts_of_visitors() -%}
    {%- set conditions = {
        'false': "is_view or touch_kind = 'favorite'",
        "events.touch_kind = 'add_to_cart' and last_value(events.touch_kind) over (
            partition by events.brand_id, events.person_id, events.source_id, events.product_id, events.event_date
            order by events.event_at, events.event_id
            rows between unbounded preceding and unbounded following
        ) = 'add_to_cart'": "touch_kind in ('add_to_cart', 'remove_from_cart')",
    } -%}
    {%- for is_kept, condition in conditions.items() %}
    select
        events.brand_id,
        events.who,
        events.person_id,
        events.event_date as day,
        {{ attributes_of_acts() | indent(4) }},
        -- Removed and added again is kept.
        {{ is_kept }} as is_kept
    from (
        select *, {{ who_of('event_date') }} as who, event_date as day from {{ ref('int_visit_events') }}
        where {{ condition }}
    ) as events
    inner join {{ ref('int_brand_facts') }} as facts on events.brand_id = facts.brand_id
    where
        not facts.is_unbranded
        {%- if is_incremental() %}
        and {{ in_relation('events', 'touched', ['brand_id', 'who', 'day']) }}
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Slices of acts beside the whole brand, in which traffic needs no person. #}
{% macro slices_of_acts() -%}
    {{ return([
        'hour', 'region', 'channel', 'campaign', 'device', 'department', 'category', 'product', 'page_class',
    ]) }}
{%- endmacro %}

{# Days of people on which an act changed, and all days of brands whose facts changed. #}
{% macro touched_days() -%}
    {%- set acts = "select brand_id, " ~ who_of('event_date') ~ " as who, event_date as day from " -%}
    {{ of_changed_brands('who, day') }}
    {%- if is_changed('int_visit_events') %}
    union
    {{ acts ~ changes_relation(ref('int_visit_events')) }}
    {%- endif %}
    {%- if is_changed('int_brand_facts') %}
    union
    {{ acts ~ ref('int_visit_events') }} as acts
    where {{ in_relation('acts', changes_relation(ref('int_brand_facts')), ['brand_id']) }}
    {%- endif %}
{%- endmacro %}

{#
  Scope of `int_visitor_days`: the members with which a person did anything on a touched day, before or after, and all
  members of a person whose first view of the brand is on another day now.
#}
{% macro members_of_touched_days() -%}
    with touched as (
        {{ touched_days() }}
    ),

    acts as (
        {{ acts_of_visitors() }}
    )

    select brand_id, slice, member, who from {{ this }} as stored
    where {{ in_relation('stored', 'touched', ['brand_id', 'who', 'day']) }}
    {%- for slice, member in members_of(['all'] + slices_of_acts()).items() %}
    union
    select brand_id, '{{ slice }}' as slice, {{ member }} as member, who from acts
    {%- endfor %}
    {%- if is_changed('int_first_views') %}
    union
    select stored.brand_id, stored.slice, stored.member, stored.who
    from {{ this }} as stored
    inner join {{ changes_relation(ref('int_first_views')) }} as firsts
        on stored.brand_id = firsts.brand_id and stored.who = firsts.person_id
    {%- endif %}
{%- endmacro %}

{# Kinds of acts that are counted beside views, by column. #}
{% macro kinds_of_traffic() -%}
    {{ return({
        'favorites': 'favorite', 'cart_adds': 'add_to_cart', 'interactions': 'interaction', 'shares': 'share',
        'ad_impressions': 'ad_impression', 'ad_clicks': 'ad_click',
    }) }}
{%- endmacro %}

{#
  Acts that are counted, with what slices ask of them, and `times`, how often one counts: in an increment +1 for an act
  that came and -1 for one that went, and all acts of brands whose facts changed.
  by_person: with who did them
#}
{% macro acts_of_traffic(by_person=true) -%}
    {%- set relations = [ref('int_visit_events')] -%}
    {%- if is_incremental() and is_changed('int_visit_events') -%}
        {%- do relations.append(changes_relation(ref('int_visit_events'))) -%}
    {%- endif -%}
    {%- for relation in relations %}
    select
        events.brand_id,
        {{ who_of('events.event_date', 'events.person_id') if by_person else "''" }} as who,
        {{ 'events.person_id' if by_person else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as person_id,
        events.event_date as day,
        {{ attributes_of_acts() | indent(4) }},
        events.visit_id,
        events.is_entry,
        events.visit_views,
        events.dwell_seconds,
        {{ '1' if loop.first else "case when events._image = 'after' then 1 else -1 end" }} as times
    from {{ relation }} as events
    inner join {{ ref('int_brand_facts') }} as facts on events.brand_id = facts.brand_id
    where
        not facts.is_unbranded
        and (events.is_view or events.touch_kind in ('{{ kinds_of_traffic().values() | join("', '") }}'))
        {%- if is_incremental() %}
        and {{ (in_relation if loop.first else not_in_relation)('events', changed_rows('int_brand_facts'), ['brand_id']) }}
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Scope of `int_traffic_days`: the members of acts that came or went, and all of changed brands. #}
{% macro members_of_changed_acts() -%}
    with acts as (
        {{ acts_of_traffic() }}
    )

    {{ of_changed_brands('slice, member, who, day') }}
    {%- for slice, member in members_of(['all'] + slices_of_acts()).items() %}
    union
    select
        brand_id,
        '{{ slice }}' as slice,
        {{ member }} as member,
        {{ 'who' if slice == 'all' else "'' as who" }},
        day
    from acts
    {%- endfor %}
{%- endmacro %}

{# Members of a row in each slice that facts of a kind have; `(none)` where it has none. #}
{% macro members_of(slices) -%}
    {%- set members = {
        'all': "''",
        'hour': "coalesce(hour, '(none)')",
        'region': "coalesce(region, '(none)')",
        'channel': "coalesce(channel, '(none)')",
        'campaign': "coalesce(campaign_id, '(none)')",
        'device': "coalesce(device, '(none)')",
        'department': "coalesce(department, '(none)')",
        'category': "coalesce(category_id, '(none)')",
        'product': "coalesce(product_id, '(none)')",
        'page_class': "coalesce(page_class, '(none)')",
        'refund_reason': "coalesce(reason_kind, '(none)')",
    } -%}
    {%- set found = {} -%}
    {%- for slice in slices %}{% do found.update({slice: members[slice]}) %}{% endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#
  The last day before the row's (of `days`) on which its person did something with its member; NULL if not done
  on the row's day.
#}
{% macro day_before(done) -%}
    case
        when days.is_person and {{ done }}
            then {{ last_known('case when ' ~ done ~ ' then days.day end') }} over (
                partition by days.who, days.slice, days.member, days.brand_id order by days.day
                rows between unbounded preceding and 1 preceding
            )
    end
{%- endmacro %}

{# Number of rows that meet a condition. #}
{% macro count_of(condition) -%}
    cast(sum(case when {{ condition }} then 1 else 0 end) as bigint)
{%- endmacro %}

{#
  Rows of a relation once per slice, grouped by member, person and day.
  columns: `{column: aggregate}`
  by: further columns to group by, such as the document whose parts are put together first
#}
{% macro by_slice(relation, slices, columns, by=[]) -%}
    {%- for slice, member in members_of(slices).items() %}
    select
        brand_id,
        '{{ slice }}' as slice,
        {{ member }} as member,
        who,
        day,
        {%- for column in by %}
        {{ column }},
        {%- endfor %}
        {%- for column, aggregate in columns.items() %}
        {{ aggregate }} as {{ column }},
        {%- endfor %}
        max(person_id) is not null as is_person
    from {{ relation }}
    where
        {{ is_built_now("'" ~ slice ~ "'") if config.get('built_by') else 'true' }}
        {{- ' and not is_unbranded' if slice != 'all' }}
    group by {{ (['brand_id'] + ([member] if slice != 'all' else []) + ['who', 'day'] + by) | join(', ') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Those columns of the day models that say what a row is of. #}
{% macro key_of_days() -%}
    {{ return(['brand_id', 'slice', 'member', 'who', 'day']) }}
{%- endmacro %}
