{#
  The engine of increments.

  An incremental model names in its configuration `scope`, a list of what changed upstream (`changed`,
  `moved_keys`, `changed_periods`, `by_macro`), and `scope_key`, the columns that say which of its rows that
  concerns. In an incremental run the materialization makes the table of these keys; the model selects the
  new rows of the scope only (`in_scope`); the strategy deletes what stood for the scope, and what shares
  the model's `unique_key` with a new row, and inserts the new rows. The rows before and after are kept
  until the next build as `changes.<model>`: from these the models downstream derive their own scope. Since
  a row's scope depends on content alone, the incremental tables equal a full build; a build that did not
  finish is rebuilt in full by the orchestrator, so that no scope is ever lost.
#}

{# Part of a scope: what another model changed in this build.
   model: the changed model, named here so that dbt sees the dependency
   key: the scope key as expressions of it, where its columns are named otherwise
   where: condition on its changed rows
   through, on: the key is that of rows of `through` that share the columns `on` with a changed row #}
{% macro changed(model, key=none, where=none, through=none, on=none) -%}
    {%- if not execute -%}
        {%- for needed in [model, through] if needed %}{% do ref(needed) %}{% endfor -%}
    {%- endif -%}
    {{ return({'model': model, 'key': key, 'where': where, 'through': through, 'on': on}) }}
{%- endmacro %}

{# Part of a scope: rows of a model whose key belongs to somebody else than before, at some time. #}
{% macro moved_keys(through, key=none) -%}
    {{ return(changed('int_key_persons', key, through=through, on=['source_key'])) }}
{%- endmacro %}

{# Parts of a scope: the periods of a person in which a model changed, by its columns of dates. #}
{% macro changed_periods(model, dates) -%}
    {%- set parts = [] -%}
    {%- for date in dates %}{% for type in period_types() -%}
        {%- set key = ['brand_id', 'person_id', "'" ~ type ~ "'", period_start(type, date)] -%}
        {%- do parts.append(changed(model, key)) -%}
    {%- endfor %}{% endfor -%}
    {{ return(parts) }}
{%- endmacro %}

{# Part of a scope that is more than changes: a macro that gives its select, and the models that it reads. #}
{% macro by_macro(name, models) -%}
    {%- if not execute %}{% for model in models %}{% do ref(model) %}{% endfor %}{% endif -%}
    {{ return({'macro': name}) }}
{%- endmacro %}

{# Select of the keys in the scope of the model that is built. #}
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
    {%- set target = arguments.target_relation -%}
    {%- set fresh = arguments.temp_relation -%}
    {%- set columns = get_quoted_csv(arguments.dest_columns | map(attribute='name')) -%}
    {#- One at a time: DuckDB decides about `exists … or exists …` several times as slowly. -#}
    {%- set conditions = [in_relation(target, scope_relation(), config.require('scope_key'))] -%}
    {%- if arguments.unique_key -%}
        {%- do conditions.append(in_relation(target, fresh, arguments.unique_key)) -%}
    {%- endif %}
    create table {{ changes_relation(target) }} as
    with images as (
        {%- for condition in conditions %}
        select 'before' as _image, {{ columns }} from {{ target }}
        where {{ condition }}{{ ' and not ' ~ conditions[0] if not loop.first }}
        union all
        {%- endfor %}
        select 'after' as _image, {{ columns }} from {{ fresh }}
    )
    {%- if config.get('only_differences') %}

    select min(_image) as _image, {{ columns }} from images
    group by {{ columns }}
    having min(_image) = max(_image);
    {%- else %}

    select * from images;
    {%- endif %}

    {%- for condition in conditions %}

    delete from {{ target }} where {{ condition }};
    {%- endfor %}

    insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }};
{%- endmacro %}

{# Condition: the row's key stands in another relation. A key with a NULL stands nowhere. #}
{% macro in_relation(alias, relation, key) -%}
    exists (select 1 from {{ relation }} as scope_ where {{ join_on(alias, 'scope_', key) }})
{%- endmacro %}

{# Condition: in an incremental run the row is of the model's scope; in a full one every row is. #}
{% macro in_scope(alias, key=none) -%}
    {%- if is_incremental() -%}
        {{ in_relation(alias, scope_relation(), key or config.require('scope_key')) }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#
  Condition that leaves out, in an incremental run, what is earlier than all of the scope: days are compared before
  keys.
#}
{% macro since_scope(date, scope_date) -%}
    {%- if is_incremental() -%}
        {{ date }} >= (select min({{ scope_date }}) from {{ scope_relation() }})
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#
  Run at the start: forgets the changes of the last build, so that a build of some models takes none of
  another night's for its own. What builds nothing leaves them as they are.
#}
{% macro begin_changes() -%}
    {%- if 'model.' in selected_resources | join(' ') -%}
        drop schema if exists changes cascade;
    {%- endif %}
    create schema if not exists changes
{%- endmacro %}

{# Where the changes of a model are kept. #}
{% macro changes_relation(relation) -%}
    {{ return(relation.incorporate(path={'schema': 'changes'})) }}
{%- endmacro %}

{# Where the scope of the model that is built is kept, and what is read for it. #}
{% macro scope_relation(part='scope') -%}
    {{ return(this.incorporate(path={'schema': 'changes', 'identifier': this.identifier ~ '__' ~ part})) }}
{%- endmacro %}

{# Whether this build changed a model by an increment: its changes are known. #}
{% macro is_changed(model_name) -%}
    {{ return(table_exists(changes_relation(ref(model_name)))) }}
{%- endmacro %}

{#
  ` and …` that keeps the rows of a relation that a law has to look at: in an incremental run those whose
  key, a list of columns, was changed by it, and those whose key holds a NULL. The rest stands as the laws
  found it before. All rows of what is not incremental, in a full build, in `dbt test`, and where all are
  asked for, once a week. A view of one model alone has the changes of that model.
#}
{% macro and_changed(relation, key, alias) -%}
    {%- if execute and flags.WHICH == 'build' and not flags.FULL_REFRESH
        and env_var('AIPL_DBT_TEST_SCOPE', 'all') == 'changed' -%}
    {%- set images = changes_relation(viewed_relation(relation)) -%}
    {%- if table_exists(images) -%}
    and (
        {{ in_relation(alias, images, key) }}
        {%- for column in key %}
        or {{ alias }}.{{ column }} is null
        {%- endfor %}
    )
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The relation that a view of one model alone shows; any other relation is what it is. #}
{% macro viewed_relation(relation) -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == relation.identifier -%}
        {%- set shown = graph.nodes.get(node.depends_on.nodes[0]) if node.depends_on.nodes | length == 1 -%}
        {%- if shown and node.config.materialized == 'view' -%}
            {{ return(relation.incorporate(path={'schema': shown.schema, 'identifier': shown.name})) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(relation) }}
{%- endmacro %}

{# Whether a table stands in the warehouse now; unlike dbt's cache it sees what this run made by hand. #}
{% macro table_exists(relation) -%}
    {%- set found = run_query(
        "select count(*) from information_schema.tables where table_schema = '" ~ relation.schema
        ~ "' and table_name = '" ~ relation.identifier ~ "'"
    ) -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}

{#
  In an incremental run: restricts staged rows to the files that changed since the last finished build. The
  load dates stand as constants beside the semi-join, so that unchanged Parquet files are skipped by their
  statistics.
#}
{% macro only_changed_files(source_id) -%}
    {#- Named outside the condition, or dbt would not see at parse time that the model needs it. -#}
    {%- set changed = ref('int_changed_files') -%}
    {%- if is_incremental() %}
        {%- set dates = run_query('select distinct load_date from ' ~ changed ~ ' where load_date is not null and source_id = ' ~ source_id ~ ' order by 1').columns[0].values() %}
        and _load_date in (cast(null as date){% for date in dates %}, cast('{{ date }}' as date){% endfor %})
        and _file in (select c._file from {{ changed }} as c where c.source_id = {{ source_id }})
    {%- endif -%}
{%- endmacro %}
