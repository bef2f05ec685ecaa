{{ config(
    materialized='incremental',
    scope=[by_macro('members_of_changed_links', ['int_identity_links'])],
    scope_key=['member_key'],
) }}

{%- set links = '(select * from ' ~ ref('int_identity_links') ~ ' where is_current and not is_withdrawn) as links' %}
{%- set scoped -%}
        select * from (
            {{ united_pairs(links) }}
        ) as pairs
        where {{ in_scope('pairs') }}
{%- endset %}
{#- The smallest member of a group is smaller than all its neighbours, as is every member on the way from it. -#}
{%- set smallest -%}
        select member_key, member_key as person_id from scoped
        group by member_key
        having min(other_key) >= member_key
{%- endset %}
{%- set neighbours -%}
        select scoped.other_key, reached.person_id
        from reached
        inner join scoped on reached.member_key = scoped.member_key
        where scoped.other_key > reached.person_id
{%- endset %}

select
    reached.member_key,
    min(reached.person_id) as person_id
from (
    {{ fix_point(['member_key', 'person_id'], {'scoped': scoped}, smallest, neighbours) }}
) as reached
group by reached.member_key
having min(reached.person_id) <> reached.member_key
