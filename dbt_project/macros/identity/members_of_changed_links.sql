{# Pairs of members, in both directions, whom links (columns of `int_identity_links`) make one person. #}
{% macro united_pairs(links) -%}
    select
        {{ member_key(identity_space(), 'member_id') }} as member_key,
        {{ member_key(identity_space(), 'other_member_id') }} as other_key
    from {{ links }}
    where other_member_id <> ''
    union
    select
        {{ member_key(identity_space(), 'other_member_id') }} as member_key,
        {{ member_key(identity_space(), 'member_id') }} as other_key
    from {{ links }}
    where other_member_id <> ''
{%- endmacro %}

{# Scope of `int_member_persons`: members connected by a changed link, now or before the change. #}
{% macro members_of_changed_links() -%}
    {%- set links = ref('int_identity_links') -%}
    {%- if not is_changed('int_identity_links') -%}
    select member_key from {{ this }} where false
    {%- else -%}
    {%- set changed_pairs = united_pairs(changes_relation(links)) -%}
    {%- set pairs -%}
        {{ united_pairs('(select * from ' ~ links ~ ' where is_current and not is_withdrawn) as links') }}
        union
        select * from changed_pairs
    {%- endset -%}
    {{ fix_point(
        ['member_key'],
        {'changed_pairs': changed_pairs, 'pairs': pairs},
        'select member_key from changed_pairs',
        'select pairs.other_key from reached inner join pairs on reached.member_key = pairs.member_key'
    ) }}
    {%- endif %}
{%- endmacro %}
