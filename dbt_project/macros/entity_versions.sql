{#
  Body of an `int_<entity>` model: one row per source, file and row with an accepted version; `is_current`
  marks the latest. Versions are ordered by content, never by arrival: `version` columns, then load date, file
  and row. An incremental run selects the rows of changed files and all other versions of the same entities.
#}
{% macro entity_versions(name) -%}
    {%- set changed = ref('int_changed_files') -%}
    {%- set contract = entity(name) -%}
    {%- set key = (['source_id'] + contract.key) | join(', ') -%}
    {%- set columns = ['source_id'] + contract.columns | list + derived_columns(name, '') | list
        + ['cleaned', '_load_date', '_file', '_row'] -%}
    {%- set row_key = 'source_id, _file, _row' -%}
    with arrived as (
        {{ staged(name) }}
    ),
    {%- if is_incremental() %}

    affected as (
        select {{ key }} from arrived
        union
        select {{ key }} from {{ this }} as stored
        where {{ in_relation('stored', changed, ['source_id', '_file']) }}
    ),

    versions as (
        select * from arrived
        union all
        select {{ columns | join(', ') }} from {{ this }} as stored
        where
            {{ in_relation('stored', 'affected', ['source_id'] + contract.key) }}
            and not {{ in_relation('stored', changed, ['source_id', '_file']) }}
    ),
    {%- else %}

    versions as (
        select * from arrived
    ),
    {%- endif %}

    repeated as (
        select {{ key }} from versions
        where {{ may_repeat('versions', ['source_id'] + contract.key) }}
        group by {{ key }}
        having count(*) > 1
    ),

    superseded as (
        select {{ row_key }} from (
            select
                {{ row_key }},
                row_number() over (
                    partition by {{ key }}
                    order by
                        {% for column in contract.version %}{{ column }} desc nulls last, {% endfor %}
                        _load_date desc, _file desc, _row desc
                ) as version_rank
            from versions
            inner join repeated using ({{ key }})
        ) as ranked
        where version_rank > 1
    )

    select
        versions.*,
        superseded._row is null as is_current
    from versions
    left join superseded using ({{ row_key }})
{%- endmacro %}
