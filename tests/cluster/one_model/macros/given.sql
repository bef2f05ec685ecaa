{% macro changed_groups() -%}
    select group_id from parquet.`{{ env_var('DELIVERED') }}/changed.parquet`
{%- endmacro %}

{# As dbt's own, but that the count of rows that Sail answers a statement with, which dbt cannot read, is not fetched. #}
{% macro run_query(sql) -%}
    {%- set reads = (sql | trim | lower).startswith(('select', 'show')) -%}
    {%- call statement('run_query_statement', fetch_result=reads, auto_begin=false) -%}{{ sql }}{%- endcall -%}
    {{ return(load_result('run_query_statement').table if reads) }}
{%- endmacro %}
