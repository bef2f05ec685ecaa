{{ config(
    materialized='incremental',
    scope=[
        changed(
            'int_events', [visitor_key(identity_space(), 'visitor_id')], "member_id <> ''",
            supplied=['visitor_id', 'member_id']
        ),
        changed(
            'int_orders', [visitor_key(identity_space(), 'visitor_id')], "member_id <> ''",
            supplied=['visitor_id', 'member_id']
        ),
        changed('int_identity_links', [visitor_key(identity_space(), 'visitor_id')], "member_id <> ''"),
    ],
    scope_key=['visitor_key'],
) }}

with seen as (
    select
        {{ visitor_key(identity_space(), 'visitor_id') }} as visitor_key,
        {{ member_key(identity_space(), 'member_id') }} as member_key,
        event_at as valid_from
    from {{ ref('int_events') }}
    where is_current and visitor_id <> '' and member_id <> ''

    union all

    select
        {{ visitor_key(identity_space(), 'visitor_id') }} as visitor_key,
        {{ member_key(identity_space(), 'member_id') }} as member_key,
        coalesce(created_at, paid_at) as valid_from
    from {{ ref('int_orders') }}
    where
        is_current
        and document_kind = 'order'
        and visitor_id <> ''
        and member_id <> ''
        and (created_at is not null or paid_at is not null)
),

declared as (
    select
        {{ visitor_key(identity_space(), 'visitor_id') }} as visitor_key,
        {{ member_key(identity_space(), 'member_id') }} as member_key,
        valid_from,
        coalesce(valid_to, {{ end_of_time() }}) as valid_to
    from {{ ref('int_identity_links') }}
    where is_current and not is_withdrawn and visitor_id <> '' and member_id <> ''
),

starts as (
    select visitor_key, member_key, valid_from, false as is_declared, cast(null as timestamp) as valid_to
    from seen
    union all
    select visitor_key, member_key, valid_from, true as is_declared, valid_to from declared
),

scoped as (
    select distinct * from starts
    where {{ in_scope('starts') }}
),

-- Moments at which only one member signs in; NULL if several do at once.
moments as (
    select
        visitor_key,
        valid_from,
        case when min(member_key) = max(member_key) then min(member_key) end as sole_member
    from scoped
    group by visitor_key, valid_from
),

turns as (
    select
        *,
        case
            when sole_member = lag(sole_member) over (partition by visitor_key order by valid_from) then 0
            else 1
        end as is_turn
    from moments
),

-- A run: consecutive moments at which only the same member signs in.
run_moments as (
    select
        *,
        sum(is_turn) over (
            partition by visitor_key order by valid_from
            rows between unbounded preceding and current row
        ) as run
    from turns
),

run_starts as (
    select visitor_key, run, min(valid_from) as valid_from, min(sole_member) as sole_member
    from run_moments
    group by visitor_key, run
),

runs as (
    select
        *,
        lead(sole_member) over (partition by visitor_key order by run) as next_sole_member,
        lead(valid_from) over (partition by visitor_key order by run) as next_from,
        lead(valid_from, 2) over (partition by visitor_key order by run) as next_but_one_from
    from run_starts
),

-- Events and orders have no sign-out: a sign-in lasts until another member is seen on the device.
seen_sign_ins as (
    select
        scoped.visitor_key,
        scoped.member_key,
        min(scoped.valid_from) as valid_from,
        coalesce(
            min(case
                when runs.next_sole_member = scoped.member_key then runs.next_but_one_from
                else runs.next_from
            end),
            {{ end_of_time() }}
        ) as valid_to,
        false as is_declared
    from scoped
    inner join run_moments
        on {{ join_on('scoped', 'run_moments', ['visitor_key', 'valid_from']) }}
    inner join runs on {{ join_on('run_moments', 'runs', ['visitor_key', 'run']) }}
    where not scoped.is_declared
    group by scoped.visitor_key, scoped.member_key, runs.run
)

select visitor_key, member_key, valid_from, valid_to, is_declared from seen_sign_ins
union all
select visitor_key, member_key, valid_from, valid_to, is_declared from scoped where is_declared
