{%- for name in entity_names() %}
    {%- set int = ref('int_' ~ name) %}
    select
        '{{ name }}' as entity,
        versions.source_id,
        versions._document,
        min(versions._file) as one_file,
        max(versions._file) as other_file
    from {{ int }} as versions
    where
        versions._document is not null
        and not versions.is_replaced {{ and_changed(int, ['source_id', '_document'], 'versions') }}
    group by versions.source_id, versions._document
    having min(versions._file) <> max(versions._file) or min(versions._row) <> max(versions._row)
    {{ 'union all' if not loop.last }}
{%- endfor %}
