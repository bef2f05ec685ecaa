{#
  How incremental models work.

  A model configures `scope`, a list of upstream changes (`changed`, `moved_keys`, `changed_periods`,
  `by_macro`), and `scope_key`, the columns that identify the affected rows. In an incremental run the
  materialization creates a table of these keys; the model selects new rows of the scope only (`in_scope`);
  the strategy deletes the old rows of the scope, and those with the `unique_key` of a new row, and inserts
  the new rows. Rows before and after are kept until the next build as `changes.<model>`, from which models
  downstream derive their scope. A scope depends on content alone, so incremental tables equal a full build;
  after an unfinished build the orchestrator rebuilds in full, so no scope is lost.
#}

{# Part of a scope: what another model changed in this build.
   model: the changed model, named here so that dbt sees the dependency
   key: the scope key as expressions over it, if its columns have other names
   where: condition on its changed rows
   through, on: take the key from rows of `through` with the same columns `on` as a changed row
   supplied: columns that `where` needs; rows of sources whose staging lacks one never meet it #}
{% macro changed(model, key=none, where=none, through=none, on=none, supplied=none) -%}
    {%- if not execute -%}
        {%- for needed in [model, through] if needed %}{% do ref(needed) %}{% endfor -%}
    {%- endif -%}
    {{ return({
        'model': model, 'key': key, 'where': where, 'through': through, 'on': on, 'supplied': supplied,
    }) }}
{%- endmacro %}

{# Part of a scope: rows of a model whose key changed its owner, at any time. #}
{% macro moved_keys(through, key=none) -%}
    {{ return(changed('int_key_persons', key, through=through, on=['source_key'])) }}
{%- endmacro %}

{# Parts of a scope: periods of a person in which a model changed, by its date columns. #}
{% macro changed_periods(model, dates) -%}
    {%- set parts = [] -%}
    {%- for date in dates %}{% for type in period_types() -%}
        {%- set key = ['brand_id', 'person_id', "'" ~ type ~ "'", period_start(type, date)] -%}
        {%- do parts.append(changed(model, key)) -%}
    {%- endfor %}{% endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{# Part of a scope from a macro that returns a select; `models` are those that it reads. #}
{% macro by_macro(name, models) -%}
    {%- if not execute %}{% for model in models %}{% do ref(model) %}{% endfor %}{% endif -%}
    {{ return({'macro': name}) }}
{%- endmacro %}

{# Select of the keys in the scope of the current model. #}
{% macro scope_sql() -%}
    {%- set scope_key = config.require('scope_key') -%}
    {%- set selects = [] -%}
    {%- for part in config.require('scope') -%}
        {%- set key = [] -%}
        {%- for column in scope_key -%}
            {%- do key.append((part.key or scope_key)[loop.index0] ~ ' as ' ~ column) -%}
        {%- endfor -%}
        {%- set keys = 'select distinct ' ~ key | join(', ') ~ ' from ' -%}
        {%- if part.macro -%}
            {%- do selects.append(context[part.macro]()) -%}
        {%- elif part.rows_of -%}
            {%- do selects.append(keys ~ ref(part.rows_of)) -%}
        {%- elif is_changed(part.model) -%}
            {%- set images = changes_relation(ref(part.model)) -%}
            {%- if part.through -%}
                {%- set reached = in_relation('reached', images, part.on) -%}
                {%- do selects.append(keys ~ ref(part.through) ~ ' as reached where ' ~ reached) -%}
            {%- else -%}
                {%- do selects.append(keys ~ images ~ ' where ' ~ (part.where or 'true')) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ selects | join('\nunion\n') or 'select ' ~ scope_key | join(', ') ~ ' from ' ~ this ~ ' where false' }}
{%- endmacro %}

{% macro get_incremental_replace_scope_sql(arguments) -%}
    {{ return(adapter.dispatch('replace_scope')(
        arguments.target_relation,
        arguments.temp_relation,
        get_quoted_csv(arguments.dest_columns | map(attribute='name')),
        arguments.unique_key
    )) }}
{%- endmacro %}

{% macro duckdb__replace_scope(target, fresh, columns, unique_key) -%}
    {%- set conditions = replaced_rows(target, fresh, unique_key) %}
    {{ images_of_changes(target, fresh, columns, conditions) }};

    {%- for condition in conditions %}

    delete from {{ target }} where {{ condition }};
    {%- endfor %}

    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }};
{%- endmacro %}

{#
  Conditions: the row gives way to those of `fresh`. One at a time: two of them joined by `or` are several times as
  slow in DuckDB.
#}
{% macro replaced_rows(target, fresh, unique_key) -%}
    {%- set conditions = [in_relation(target, scope_relation(), config.require('scope_key'))] -%}
    {%- if unique_key -%}
        {%- do conditions.append(in_relation(target, fresh, unique_key)) -%}
    {%- endif -%}
    {{ return(conditions) }}
{%- endmacro %}

{# Creates the table with the rows of a model before and after what the build changes. #}
{% macro images_of_changes(target, fresh, columns, conditions) %}
    create table {{ changes_relation(target) }} as
    with images as (
        {%- for condition in conditions %}
        select 'before' as _image, {{ columns }} from {{ target }}
        where
            {{ condition }}
            {{ 'and ' ~ not_in_relation(target, scope_relation(), config.require('scope_key')) if not loop.first }}
        union all
        {%- endfor %}
        select 'after' as _image, {{ columns }} from {{ fresh }}
    )
    {%- if config.get('only_differences') %}

    select min(_image) as _image, {{ columns }} from images
    group by {{ columns }}
    having min(_image) = max(_image)
    {%- else %}

    select * from images
    {%- endif %}
{%- endmacro %}

{#
  Condition: the row is of the part that is being built. A model with many rows may configure `built_by`, lists of
  words of which the column has one each: where memory is short, the materialization builds a list at a time.
  Compiled, it is true of all.
#}
{% macro is_built_now(column) -%}
    {{ has_word("'" ~ words_of_all_parts() ~ "'", column) }}
{%- endmacro %}

{% macro words_of_all_parts() -%}
    {{ return(config.require('built_by') | join(' ')) }}
{%- endmacro %}

{#
  Condition: the row's key is in another relation; not for a key with a NULL. Beside another condition, DuckDB answers
  `exists` by first listing all distinct keys of the rows; `in` needs no list.
#}
{% macro in_relation(alias, relation, key) -%}
    {{ return(adapter.dispatch('in_relation')(alias, relation, key)) }}
{%- endmacro %}

{% macro duckdb__in_relation(alias, relation, key) -%}
    ({{ alias }}.{{ key | join(', ' ~ alias ~ '.') }})
    in (select scope_.{{ key | join(', scope_.') }} from {{ relation }} as scope_)
{%- endmacro %}

{# Condition: it is not; so for a key with a NULL. #}
{% macro not_in_relation(alias, relation, key) -%}
    not exists (select 1 from {{ relation }} as scope_ where {{ join_on(alias, 'scope_', key) }})
{%- endmacro %}

{# Condition: the row is in the model's scope; always true in a full build. #}
{% macro in_scope(alias, key=none) -%}
    {%- if is_incremental() -%}
        {{ in_relation(alias, scope_relation(), key or config.require('scope_key')) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#
  Condition that skips, in an incremental run, days earlier than the whole scope: cheaper than comparing keys.
#}
{% macro since_scope(date, scope_date) -%}
    {%- if is_incremental() -%}
        {{ date }} >= (select min({{ scope_date }}) from {{ scope_relation() }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#
  Runs at the start: drops the changes of the last build, so that a build of some models does not take them
  for its own. Commands that build nothing leave them.
#}
{% macro begin_changes() -%}
    {{ return(adapter.dispatch('begin_changes')('model.' in selected_resources | join(' '))) }}
{%- endmacro %}

{% macro duckdb__begin_changes(builds) -%}
    {%- if builds -%}
        drop schema if exists changes cascade;
    {%- endif %}
    create schema if not exists changes
{%- endmacro %}

{# Table with the changes of a model. #}
{% macro changes_relation(relation) -%}
    {{ return(relation.incorporate(path={'schema': 'changes'})) }}
{%- endmacro %}

{# Rows of a model before and after what this build changed; none of a model that it did not change. #}
{% macro changed_rows(model) -%}
    {%- if is_changed(model) -%}
        {{ return(changes_relation(ref(model))) }}
    {%- endif -%}
    {{ return('(select * from ' ~ ref(model) ~ ' where false)') }}
{%- endmacro %}

{# Table with the scope of the current model, or another part of it. #}
{% macro scope_relation(part='scope') -%}
    {{ return(this.incorporate(path={'schema': 'changes', 'identifier': this.identifier ~ '__' ~ part})) }}
{%- endmacro %}

{#
  Whether this build leaves the table of the current model as it is, since nothing that it is made from
  changed. Only builds that know which inputs changed leave anything: those of the orchestrator that rebuild
  neither everything nor all stages.
#}
{% macro is_left() -%}
    {%- if not leaves_unreached() or load_cached_relation(this) is none -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(not may_read_changes(model, tables_of('changes'))) }}
{%- endmacro %}

{# Names of the tables of a schema now; unlike dbt's cache, this includes tables created by statements of this run. #}
{% macro tables_of(schema) -%}
    {{ return(adapter.dispatch('tables_of')(schema)) }}
{%- endmacro %}

{% macro duckdb__tables_of(schema) -%}
    {{ return(run_query(
        "select table_name from information_schema.tables where table_schema = '" ~ schema ~ "'"
    ).columns[0].values()) }}
{%- endmacro %}

{% macro leaves_unreached() -%}
    {{ return(env_var('AIPL_DBT_CHANGED_INPUTS', 'all') != 'all' and not flags.FULL_REFRESH) }}
{%- endmacro %}

{# Whether a node reads one that changed; of what reads nothing that dbt knows of, nobody knows. #}
{% macro may_read_changes(node, noted) -%}
    {%- for unique_id in node.depends_on.nodes if has_changed(unique_id, noted) -%}
        {{ return(true) }}
    {%- endfor -%}
    {{ return(not node.depends_on.nodes) }}
{%- endmacro %}

{# Whether rows of a node may differ from those before this build; `noted` are the tables in `changes`. #}
{% macro has_changed(unique_id, noted) -%}
    {%- set node = graph.nodes.get(unique_id) -%}
    {%- if node is none -%}
        {%- set input = unique_id.split('.')[2:] | join('.') -%}
        {{ return(input in env_var('AIPL_DBT_CHANGED_INPUTS', 'all').split()) }}
    {%- elif node.resource_type == 'seed' -%}
        {{ return(false) }}
    {%- elif node.config.materialized == 'view' -%}
        {{ return(may_read_changes(node, noted)) }}
    {%- endif -%}
    {{ return(unique_id in selected_resources and node.name ~ '__unchanged' not in noted) }}
{%- endmacro %}

{# Notes that this build changed no row of the current model. #}
{% macro note_unchanged() -%}
    {%- do run_query('create table ' ~ scope_relation('unchanged') ~ ' as select true as is_unchanged') -%}
{%- endmacro %}

{# Whether a select finds a row, or more than `after` rows. #}
{% macro finds_rows(query, after=0) -%}
    {%- set found = 'select count(*) from (' ~ query ~ ' limit ' ~ (after + 1) ~ ') as found' -%}
    {{ return(run_query(found).columns[0].values()[0] > after) }}
{%- endmacro %}

{# Whether this build changed a model incrementally, so that its changes are known. #}
{% macro is_changed(model_name) -%}
    {{ return(table_exists(changes_relation(ref(model_name)))) }}
{%- endmacro %}

{#
  ` and …` that restricts a law to the rows that it must check: in an incremental run those with a changed key
  (a list of columns) or a NULL in it, since the others passed before. All rows of models that are not
  incremental, in a full build, in `dbt test`, and once a week. A view has the changes of the model it shows;
  a model that nothing reaches has none.
#}
{% macro and_changed(relation, key, alias) -%}
    {%- if execute and flags.WHICH == 'build' and not flags.FULL_REFRESH
        and env_var('AIPL_DBT_TEST_SCOPE', 'all') == 'changed' -%}
    {%- set shown = viewed_relation(relation) -%}
    {%- set images = changes_relation(shown) -%}
    {%- if is_unreached_increment(shown) %}
    and false
    {%- elif table_exists(images) -%}
    and (
        {{ in_relation(alias, images, key) }}
        {%- for column in key %}
        or {{ alias }}.{{ column }} is null
        {%- endfor %}
    )
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{%- macro is_unreached_increment(relation) -%}
    {%- set unique_id = 'model.' ~ project_name ~ '.' ~ relation.identifier -%}
    {%- set node = graph.nodes.get(unique_id) -%}
    {{ return(
        leaves_unreached()
        and node is not none
        and node.config.materialized == 'incremental'
        and unique_id not in selected_resources
    ) }}
{%- endmacro -%}

{# The model whose rows a view shows: the only one it reads, or its `shows`; other relations unchanged. #}
{% macro viewed_relation(relation) -%}
    {%- for node in graph.nodes.values()
        if node.name == relation.identifier and node.config.materialized == 'view' -%}
        {%- for id in node.depends_on.nodes -%}
            {%- set shown = graph.nodes.get(id) -%}
            {%- if shown and (loop.length == 1 or shown.name == node.config.get('shows')) -%}
                {{ return(relation.incorporate(path={'schema': shown.schema, 'identifier': shown.name})) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(relation) }}
{%- endmacro %}

{# Whether a table exists now. #}
{% macro table_exists(relation) -%}
    {{ return(relation.identifier in tables_of(relation.schema)) }}
{%- endmacro %}

{# In an incremental run, load dates of the files that changed and are in effect, by source; else none. #}
{% macro changed_load_dates() -%}
    {#- Outside the condition, so that dbt sees the dependency when parsing. -#}
    {%- set changed = ref('int_changed_files') -%}
    {%- if is_incremental() -%}
        {%- set dates = {} -%}
        {%- set query = 'select distinct source_id, load_date from ' ~ changed
            ~ ' where load_date is not null order by 1, 2' -%}
        {%- for source_id, load_date in run_query(query).rows -%}
            {%- do dates.setdefault(source_id, []).append(load_date) -%}
        {%- endfor -%}
        {{ return(dates) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#
  Restricts the staged rows of a source to files changed since the last finished build. Load dates are
  constants beside the semi-join, so that unchanged Parquet files are skipped by their statistics.
#}
{% macro and_changed_files(source_id, load_dates) %}
        and _load_date in (
            {%- for date in load_dates %}cast('{{ date }}' as date){{ ', ' if not loop.last }}{% endfor -%}
        )
        and _file in (
            select c._file from {{ ref('int_changed_files') }} as c where c.source_id = '{{ source_id }}'
        )
{%- endmacro %}
