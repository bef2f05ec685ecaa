{#
  Body of an `int_<entity>` model: one row per staged row that was not rejected. `is_current` marks the
  version of an entity that counts, `is_replaced` what a later raw row of the same document replaced. Versions
  are ordered by content, never by arrival: `version` columns, then load date, file and row. An incremental
  run selects the rows of changed files, and all other versions of the same entities and documents, with
  whatever else their raw rows hold: a raw row is replaced as a whole.
#}
{% macro entity_versions(name) -%}
    {%- set changed = ref('int_changed_files') -%}
    {%- set contract = entity(name) -%}
    {%- set key = ['source_id'] + contract.key -%}
    {%- set document = ['source_id', '_document'] -%}
    {%- set raw_row = ['source_id', '_file', '_row'] -%}
    {%- set columns = ['source_id'] + contract.columns | list + derived_columns(name, '') | list
        + ['cleaned', '_document', '_item', '_load_date', '_file', '_row'] -%}
    {%- set latest_first = [] -%}
    {%- for column in contract.version -%}
        {%- do latest_first.append(column ~ ' desc nulls last') -%}
    {%- endfor -%}
    {%- do latest_first.extend(['_load_date desc', '_file desc', '_row desc']) -%}
    {%- set arrived = staged(name) -%}
    {#- Asking which version of its document a row is of costs every row, so it is asked where it matters. -#}
    {%- set has_documents = 'staged_rows._document' in arrived -%}
    {%- set is_replaced -%}
        {%- if has_documents -%}
        coalesce(
                is_replaced,
                _document is not null
                and {{ not_in_relation('versions', 'latest_raw_rows', document + ['_file', '_row']) }}
            )
        {%- else -%}
        coalesce(is_replaced, false)
        {%- endif -%}
    {%- endset -%}
    with arrived as (
        {{ arrived }}
    ),
    {%- if is_incremental() %}

    touched as (
        select {{ key | join(', ') }}, _document from arrived
        union
        select {{ key | join(', ') }}, _document from {{ this }} as stored
        where {{ in_relation('stored', changed, ['source_id', '_file']) }}
    ),

    documents as (
        select distinct source_id, _document from touched
        where _document is not null
    ),

    affected as (
        select {{ key | join(', ') }} from touched
        union
        select {{ key | join(', ') }} from {{ this }} as stored
        where {{ in_relation('stored', 'documents', document) }}
    ),

    raw_rows as (
        select {{ raw_row | join(', ') }} from {{ this }} as stored
        where {{ in_relation('stored', 'affected', key) }}
        union
        select {{ raw_row | join(', ') }} from {{ this }} as stored
        where {{ in_relation('stored', 'documents', document) }}
    ),

    -- What is not affected stays as it was judged before.
    versions as (
        select
            *,
            cast(null as boolean) as is_replaced,
            cast(null as boolean) as is_current
        from arrived

        union all

        select
            {{ columns | join(', ') }},
            case when {{ not_in_relation('stored', 'documents', document) }} then is_replaced end,
            case when {{ not_in_relation('stored', 'affected', key) }} then is_current end
        from {{ this }} as stored
        where
            {{ in_relation('stored', 'raw_rows', raw_row) }}
            and {{ not_in_relation('stored', changed, ['source_id', '_file']) }}
    ),
    {%- else %}

    versions as (
        select
            *,
            cast(null as boolean) as is_replaced,
            cast(null as boolean) as is_current
        from arrived
    ),
    {%- endif %}
    {%- if has_documents %}

    latest_raw_rows as (
        select source_id, _document, _file, _row
        from (
            select
                source_id,
                _document,
                _file,
                _row,
                row_number() over (
                    partition by source_id, _document order by {{ latest_first | join(', ') }}
                ) as version_rank
            from versions
            where _document is not null and is_replaced is null
        ) as ranked
        where version_rank = 1
    ),
    {%- endif %}

    repeated as (
        select {{ key | join(', ') }} from versions
        where {{ may_repeat('versions', key) }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    )

    -- Item 0 only says that its raw row holds none.
    select
        {{ columns | join(', ') }},
        is_replaced,
        coalesce(is_current, not is_replaced and _item > 0) as is_current
    from (
        select
            {{ columns | join(', ') }},
            {{ is_replaced }} as is_replaced,
            is_current
        from versions
        where {{ not_in_relation('versions', 'repeated', key) }}
    ) as single

    union all

    select
        {{ columns | join(', ') }},
        is_replaced,
        coalesce(
            is_current,
            not is_replaced and _item > 0 and row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    is_replaced or _item = 0,
                    {{ latest_first | join(', ') }},
                    _item desc,
                    {{ hash_of(contract.columns) }} desc
            ) = 1
        ) as is_current
    from (
        select
            {{ columns | join(', ') }},
            {{ is_replaced }} as is_replaced,
            is_current
        from versions
        where {{ in_relation('versions', 'repeated', key) }}
    ) as several
{%- endmacro %}
