{%- set structs = [] %}
{%- for measure in measures() %}
{%- set struct = {} %}
{%- for field, value in measure.items() %}{% do struct.update({field: "'" ~ value ~ "'"}) %}{% endfor %}
{%- do structs.append(struct) %}
{%- endfor %}

select {{ stacked(structs) }}
