{# The presets that the marts are built for, as a quoted SQL list. #}
{% macro active_presets() -%}
    {% for preset in var('aipl_presets') %}'{{ preset }}'{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}
