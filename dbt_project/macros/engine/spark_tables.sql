{#
  How a build makes, changes and finds its tables on Apache Spark. What it asks in other words than DuckDB is in
  `spark.sql`.
#}

{% macro spark__is_scope_written() -%}
    {{ return(table_exists(scope_relation())) }}
{%- endmacro %}

{#
  Spark has no recursion that leaves out what it has already found. A round is a table, made from what was new in the
  one before it: as many rounds as the longest way. Compiled, it is the start alone.
#}
{% macro spark__fix_point(columns, given, start, step) -%}
    {%- set names = columns | join(', ') -%}
    {%- set is_built = execute and flags.WHICH in ['build', 'run'] -%}
    {%- set tables = [] -%}
    {#- A model's rows are made while it is compiled, before it is materialized. -#}
    {%- if is_built and scope_relation() ~ '' in given.values() | join(' ') -%}
        {%- do write_scope() -%}
    {%- endif -%}
    {#- The scope of a model and the model itself may both be one. -#}
    {%- set round = given.keys() | first ~ '_round_' -%}
    {%- for name, select in given.items() -%}
        {%- if is_built -%}
            {%- set before = 'with ' ~ tables | join(', ') if tables else '' -%}
            {%- do run_query('create table ' ~ scope_relation(name) ~ ' as ' ~ before ~ ' ' ~ select) -%}
            {%- set select = 'select * from ' ~ scope_relation(name) -%}
        {%- endif -%}
        {%- do tables.append(name ~ ' as (' ~ select ~ ')') -%}
    {%- endfor -%}
    {%- set first -%}
        with {{ tables | join(', ') }}, first_rows ({{ names }}) as ({{ start }}) select distinct {{ names }} from first_rows
    {%- endset -%}
    {%- if not is_built -%}
        {{ return(first) }}
    {%- endif -%}
    {%- set rounds = [scope_relation(round ~ 0)] -%}
    {%- do run_query('create table ' ~ rounds[0] ~ ' as ' ~ first) -%}
    {%- for number in range(1, 100000) -%}
        {%- if not finds_rows('select 1 from ' ~ rounds[-1]) %}{% break %}{% endif -%}
        {%- set found = [] -%}
        {%- for one in rounds %}{% do found.append('select * from ' ~ one) %}{% endfor -%}
        {%- set next = scope_relation(round ~ number) -%}
        {%- set reached = tables + ['reached as (select * from ' ~ rounds[-1] ~ ')', 'made (' ~ names ~ ') as (' ~ step ~ ')'] -%}
        {%- do run_query(
            'create table ' ~ next ~ ' as with ' ~ reached | join(', ') ~ ' select ' ~ names ~ ' from made except '
            ~ '(' ~ found | join(' union all ') ~ ')'
        ) -%}
        {%- do rounds.append(next) -%}
    {%- endfor -%}
    {%- set found = [] -%}
    {%- for one in rounds %}{% do found.append('select ' ~ names ~ ' from ' ~ one) %}{% endfor -%}
    {{ return(found | join(' union all ')) }}
{%- endmacro %}

{#
  Incremental tables have the format of AIPL_SPARK_FORMAT; all others are Parquet, since they are written whole. DuckDB
  reads the Parquet files of a table, in which rows would be left that deletion vectors or delete files have deleted.
  Iceberg has a column `_file` of its own, so that tables with one by that name stay Parquet.
#}
{% macro spark__file_format_clause() -%}
    {%- set properties = {
        'delta': "'delta.enableDeletionVectors' = 'false'",
        'iceberg': "'write.merge.mode' = 'copy-on-write'",
    } -%}
    {%- if is_changed_in_place() -%}
        using {{ table_format() }} tblproperties ({{ properties[table_format()] }})
    {%- endif -%}
{%- endmacro %}

{% macro is_changed_in_place() -%}
    {%- set is_reserved = table_format() == 'iceberg' and '_file' in config.get('scope_key', []) -%}
    {{ return(config.get('materialized') == 'incremental' and table_format() != 'parquet' and not is_reserved) }}
{%- endmacro %}

{% macro table_format() -%}
    {{ return(env_var('AIPL_SPARK_FORMAT', 'parquet')) }}
{%- endmacro %}

{% macro spark__replace_scope(target, fresh, columns, unique_key) -%}
    {%- do run_query(images_of_changes(target, fresh, columns, replaced_rows(target, fresh, unique_key))) -%}
    {%- if is_changed_in_place() -%}
        {{ change_rows(target, fresh, columns, unique_key) }}
    {%- else -%}
        {{ rewrite_table(target, fresh, columns, unique_key) }}
    {%- endif -%}
{%- endmacro %}

{% macro change_rows(target, fresh, columns, unique_key) -%}
    {%- do delete_matches(target, scope_relation(), config.require('scope_key')) -%}
    {%- if unique_key %}{% do delete_matches(target, fresh, unique_key) %}{% endif -%}
    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }}
{%- endmacro %}

{% macro delete_matches(target, relation, key) -%}
    {%- do run_query(
        'merge into ' ~ target ~ ' as old_ using (select distinct ' ~ key | join(', ') ~ ' from ' ~ relation
        ~ ') as gone_ on ' ~ join_on('old_', 'gone_', key) ~ ' when matched then delete'
    ) -%}
{%- endmacro %}

{#
  A table of Parquet files has no rows that could be deleted: what stays is written beside it, with the new rows, and
  takes its place. A build that is killed in between is repeated in full, like any other.
#}
{% macro rewrite_table(target, fresh, columns, unique_key) -%}
    {%- set next = target.incorporate(path={'identifier': target.identifier ~ '__next'}) -%}
    {%- set kept -%}
        select {{ columns }} from {{ target }}
        where
            {{ not_in_relation(target, scope_relation(), config.require('scope_key')) }}
            {{ 'and ' ~ not_in_relation(target, fresh, unique_key) if unique_key }}
    {%- endset -%}
    {%- do run_query('create table ' ~ next ~ ' as ' ~ kept ~ ' union all select ' ~ columns ~ ' from ' ~ fresh) -%}
    {%- do run_query('drop table ' ~ target) -%}
    alter table {{ next }} rename to {{ target }}
{%- endmacro %}

{% macro spark__in_relation(alias, relation, key) -%}
    exists (select 1 from {{ relation }} as scope_ where {{ join_on(alias, 'scope_', key) }})
{%- endmacro %}

{% macro spark__table_of_new_rows() %}
    {%- set fresh = scope_relation('fresh') -%}
    {%- do run_query('create table ' ~ fresh ~ ' as ' ~ selects_of_parts()[0]) -%}
    {{ return(fresh) }}
{% endmacro %}

{#
  The model's select in one piece: Spark spills to disk by itself. But Spark evaluates a common table expression each
  time it is referenced, where DuckDB does so once. What is referenced more than once is therefore written as a table.
#}
{% macro spark__selects_of_parts() %}
    {%- set parsed = common_tables(compiled_code) -%}
    {%- set tables = [] -%}
    {%- for name, body in parsed.tables -%}
        {%- set readers = modules.re.findall('(?i)\\b(?:from|join)\\s+' ~ name ~ '\\b', parsed.after[loop.index0]) -%}
        {%- set select = 'select * from ' ~ scope_relation('with_' ~ name) -%}
        {%- if readers | length > 1 -%}
            {%- do run_query(
                'create table ' ~ scope_relation('with_' ~ name) ~ ' as '
                ~ with_tables(tables, 'select * from (' ~ body ~ ')')
            ) -%}
            {%- do tables.append((name, select)) -%}
        {%- else -%}
            {%- do tables.append((name, body)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return([with_tables(tables, parsed.select)]) }}
{% endmacro %}

{#
  A select and its common table expressions apart: `tables`, pairs of name and body; `after`, the text behind each;
  `select`, what is left. Parentheses in texts and comments are not those of SQL.
#}
{% macro common_tables(sql) %}
    {%- set token = "'(?:[^'\\\\]|\\\\.)*'|--[^\\n]*|[(),]|[a-zA-Z_][a-zA-Z_0-9]*" -%}
    {%- set tables, after = [], [] -%}
    {%- set at = namespace(depth=0, name='', begin=0, end=0) -%}
    {%- for found in modules.re.finditer(token, sql) if not found.group().startswith('--') -%}
        {%- set word = found.group() | lower -%}
        {%- if (loop.first and word != 'with') or (at.depth == 0 and word in ['recursive', 'select']) -%}
            {%- break -%}
        {%- elif word == '(' -%}
            {%- if at.depth == 0 %}{% set at.begin = found.end() %}{% endif -%}
            {%- set at.depth = at.depth + 1 -%}
        {%- elif word == ')' -%}
            {%- set at.depth = at.depth - 1 -%}
            {%- if at.depth == 0 -%}
                {%- do tables.append((at.name, sql[at.begin:found.start()])) -%}
                {%- set at.end = found.end() -%}
                {%- do after.append(sql[at.end:]) -%}
            {%- endif -%}
        {%- elif at.depth == 0 and (loop.first or word == ',') -%}
            {%- set at.name = '' -%}
        {%- elif at.depth == 0 and not at.name -%}
            {%- set at.name = word -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return({'tables': tables, 'after': after, 'select': sql[at.end:]}) }}
{% endmacro %}

{# A select with those of the common table expressions that it reads, directly or through another. #}
{% macro with_tables(tables, select) %}
    {%- set needed = [] -%}
    {%- set text = namespace(of=select) -%}
    {%- for name, body in tables | reverse -%}
        {%- if modules.re.search('(?i)\\b' ~ name ~ '\\b', text.of) -%}
            {%- do needed.insert(0, name ~ ' as (' ~ body ~ ')') -%}
            {%- set text.of = text.of ~ ' ' ~ body -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(('with ' ~ needed | join(', ') ~ ' ' if needed else '') ~ select) }}
{% endmacro %}

{% macro spark__tables_of(schema) -%}
    {{ return(run_query('show tables in ' ~ schema).columns[1].values()) }}
{%- endmacro %}

{#
  A build in two steps continues with the changes of the first one. What dbt calls a source is a table of the files
  that its `external_location` names: Spark lists them once in a session, those of a view for each reference to it.
#}
{% macro spark__begin_changes(builds) -%}
    {%- if builds and env_var('AIPL_DBT_CONTINUES', 'false') != 'true' -%}
        {%- do run_query('drop schema if exists changes cascade') -%}
        {%- do create_schema(api.Relation.create(schema='changes')) -%}
        {%- do show_sources() -%}
    {%- endif -%}
    {{ return('select 1') }}
{%- endmacro %}

{% macro show_sources() -%}
    {%- set shown = ['arrival'] + configured_sources().keys() | list -%}
    {%- for schema in shown -%}
        {%- do run_query('drop schema if exists ' ~ schema ~ ' cascade') -%}
        {%- do create_schema(api.Relation.create(schema=schema)) -%}
    {%- endfor -%}
    {%- for table in graph.sources.values()
        if table.schema in shown and table.config.meta.external_location and not table.config.meta.unread -%}
        {%- set place = table.config.meta.external_location.split("'")[1] | replace('{identifier}', table.identifier) -%}
        {#- The catalog of Hive would make a folder of a location that has wildcards. -#}
        {%- do run_query(
            'create table ' ~ table.schema ~ '.' ~ table.identifier
            ~ ' using parquet options (recursiveFileLookup = true) location ' ~ text_literal(place.partition('/*')[0])
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{# Each layer is a folder of the home, in which the rest of the night finds the files of its tables. #}
{% macro spark__create_schema(relation) -%}
    {%- do run_query(
        'create schema if not exists ' ~ relation.schema ~ " location '" ~ env_var('AIPL_SPARK_TABLES') ~ '/'
        ~ relation.schema ~ "'"
    ) -%}
{%- endmacro %}

{#- Values of a seed as literals: dbt-spark puts texts between quotes as they are. -#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set rows = [] -%}
    {%- for row in agate_table.rows -%}
        {%- set values = [] -%}
        {%- for column in agate_table.column_names -%}
            {%- set type = model.config.column_types.get(column, adapter.convert_type(agate_table, loop.index0)) -%}
            {%- set value = row[column] -%}
            {%- set literal = 'null' if value is none else text_literal(value | string) -%}
            {%- do values.append('cast(' ~ literal ~ ' as ' ~ spark_type(type) ~ ')') -%}
        {%- endfor -%}
        {%- do rows.append('(' ~ values | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- set sql = 'insert into ' ~ this ~ ' values ' ~ rows | join(', ') -%}
    {%- do run_query(sql) -%}
    {{ return(sql) }}
{% endmacro %}
