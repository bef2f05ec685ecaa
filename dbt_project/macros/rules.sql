{# The presets in use, as a quoted SQL list. #}
{% macro active_presets() -%}
    {% for preset in var('aipl_presets') %}'{{ preset }}'{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}

{# Rules of these presets, with stage rank and refund policy. #}
{% macro active_rules() -%}
    select
        rules.*,
        stages.rank as stage_rank,
        presets.refund_policy
    from {{ ref('aipl_rules') }} as rules
    inner join {{ ref('aipl_stages') }} as stages on {{ join_on('rules', 'stages', ['preset', 'stage']) }}
    inner join {{ ref('aipl_presets') }} as presets on rules.preset = presets.preset
    where rules.preset in ({{ active_presets() }})
{%- endmacro %}

{# Scope of the stage history after a change of rules: everybody. #}
{% macro everybody_if_rules_changed() -%}
    {%- set changed = env_var('AIPL_DBT_RULES_CHANGED', 'false') == 'true' -%}
    {%- for model in ['int_key_days', 'int_person_states'] %}
    select brand_id, person_id from {{ ref(model) }} where {{ 'true' if changed else 'false' }}
    {{- ' union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
