{#
  What Apache Spark is asked in other words than DuckDB, so that it answers with the same value. Patterns are those of
  Java, in which `$` would let a line break follow; `text_literal` doubles their backslashes.
#}

{% macro spark__text_literal(text) -%}
    '{{ text | replace('\\', '\\\\') | replace("'", "''") }}'
{%- endmacro %}

{% macro spark__add_days(date, days) -%}
    date_add({{ date }}, cast({{ days }} as int))
{%- endmacro %}

{% macro spark__seconds_between(from_time, to_time) -%}
    timestampdiff(second, {{ from_time }}, {{ to_time }})
{%- endmacro %}

{% macro spark__known_at_end(function, value) -%}
    {{ function }}({{ value }}, true)
{%- endmacro %}

{% macro spark__iso_weekday(date) -%}
    extract(dayofweek_iso from {{ date }})
{%- endmacro %}

{#- A sequence of days that ends before it begins is an error to Spark. -#}
{% macro spark__date_series(first_date, last_date) -%}
    select explode(days) as date_day
    from (
        select case when first_day <= last_day then sequence(first_day, last_day, interval 1 day) end as days
        from (select {{ first_date }} as first_day, {{ last_date }} as last_day) as bounds
    ) as series
{%- endmacro %}

{% macro spark__datediff(first_date, second_date, datepart) -%}
    {%- if datepart != 'day' -%}
        {{ exceptions.raise_compiler_error('datediff by ' ~ datepart ~ ' is not written for Spark') }}
    {%- endif -%}
    datediff({{ second_date }}, {{ first_date }})
{%- endmacro %}

{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {%- if datepart != 'year' -%}
        {{ exceptions.raise_compiler_error('dateadd by ' ~ datepart ~ ' is not written for Spark') }}
    {%- endif -%}
    add_months({{ from_date_or_timestamp }}, 12 * ({{ interval }}))
{%- endmacro %}

{% macro spark__split_part(string_text, delimiter_text, part_number) -%}
    split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }})
{%- endmacro %}

{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{%- endmacro %}

{% macro spark__whole_row(alias) -%}
    struct({{ alias }}.*)
{%- endmacro %}

{% macro spark__no_row() -%}
    cast(null as struct<_row: bigint>)
{%- endmacro %}

{% macro spark__as_json(row) -%}
    to_json({{ row }}, map('ignoreNullFields', 'false'))
{%- endmacro %}

{% macro spark__first_of(text, number) -%}
    slice(array_sort(collect_list({{ text }})), 1, {{ number }})
{%- endmacro %}

{% macro spark__hash_of(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__row_of(columns) -%}
    struct({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__stacked(structs) -%}
    inline(array(
        {%- for struct in structs %}
        named_struct(
            {%- for column, expression in struct.items() -%}
            '{{ column }}', {{ expression }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        ){{ ',' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}

{#-
  Spark rounds the shortest text of a double, DuckDB the double itself. A product of more than 38 digits would lose
  some behind the point.
-#}
{% macro spark__decimal_of_double(value, precision, scale) -%}
    cast(
        cast(round(({{ value }}) * 1e{{ scale }}D) as decimal({{ 37 - scale | int }}, 0))
        * cast(1e-{{ scale }} as decimal({{ scale }}, {{ scale }}))
        as decimal({{ precision }}, {{ scale }})
    )
{%- endmacro %}

{% macro spark__round_double(value, digits) -%}
    round(({{ value }}) * 1e{{ digits }}D) / 1e{{ digits }}D
{%- endmacro %}

{% macro spark__cast(field, type) -%}
    cast({{ field }} as {{ spark_type(type) }})
{%- endmacro %}

{#- Contracts name types as DuckDB does. -#}
{% macro spark_type(type) -%}
    {{ return({'varchar': 'string', 'varchar[]': 'array<string>'}.get(type, type)) }}
{%- endmacro %}

{#
  A cast reads a year as a day, an hour as one of today, and a zone behind a time: only what DuckDB reads is cast.
  Years are those from 1 to 9999; `epoch`, `infinity` and years before Christ are read by DuckDB alone.
#}
{% macro spark__try_cast(value, type) -%}
    {%- set text = 'cast(' ~ value ~ ' as string)' -%}
    {#- Of a column this is known before a row is read, and only one branch is left. -#}
    {%- if type in ['date', 'timestamp'] -%}
        case typeof({{ value }}) when '{{ type }}' then try_cast({{ value }} as {{ type }})
        else {{ day_or_time_of_text(text, type) }} end
    {%- elif type in ['integer', 'bigint'] -%}
        case
            when {{ text }} rlike {{ text_literal('^' ~ whole_number_pattern() ~ '\\z') }}
                then try_cast(regexp_replace({{ text }}, {{ text_literal('[.]0*\\s*\\z') }}, '') as {{ type }})
        end
    {%- elif type.startswith('decimal') -%}
        {%- set precision, scale = type[8:-1].split(',') -%}
        case
            when typeof({{ value }}) in ('double', 'float')
                then {{ spark__decimal_of_double('cast(' ~ value ~ ' as double)', precision, scale | trim) }}
            else try_cast(replace({{ text }}, '_', '') as {{ type }})
        end
    {%- else -%}
        try_cast({{ value }} as {{ spark_type(type) }})
    {%- endif -%}
{%- endmacro %}

{# A text as a date or a timestamp, NULL where it is none. #}
{% macro day_or_time_of_text(text, type) -%}
    {%- if type == 'timestamp' -%}
        {{ time_of_text(text) }}
    {%- else -%}
        case
            when {{ text }} rlike {{ text_literal('^\\s*[0-9]{1,6}([-/ \\\\])[0-9]{1,2}\\1[0-9]{1,2}([^0-9]|\\z)') }}
                then try_cast({{ iso_day(text) }} as date)
        end
    {%- endif -%}
{%- endmacro %}

{# The day that a text begins with, as `yyyy-mm-dd`. #}
{% macro iso_day(text) -%}
    {%- set day = '(?s)^\\s*0*([0-9]{1,4})[-/ \\\\]([0-9]{1,2})[-/ \\\\]([0-9]{1,2}).*\\z' -%}
    regexp_replace({{ text }}, {{ text_literal(day) }}, '00$1-$2-$3')
{%- endmacro %}

{#
  A time in UTC of a text, NULL where it is none. The pattern changes each text that it fits, so that it is asked once;
  24:00 is the day after.
#}
{% macro time_of_text(text) -%}
    {%- set day = '(?s)^\\s*([0-9]{1,4})([-/ \\\\])([0-9]{1,2})\\2([0-9]{1,2})' -%}
    {%- set clock = '([ T]+[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:[.][0-9]*)?)?)?\\z' -%}
    {%- set midnight = '[ T]+24:00?(?::00?(?:[.]0*)?)?\\z' -%}
    {%- set time -%}
        coalesce(
            try_cast(nullif(regexp_replace(text_, {{ text_literal(day ~ clock) }}, '00$1-$3-$4$5'), text_) as timestamp),
            try_cast(nullif(regexp_replace(text_, {{ text_literal(day ~ midnight) }}, '00$1-$3-$4'), text_) as timestamp)
            + interval 1 day
        )
    {%- endset -%}
    {{ computed_once('text_', text, time) }}
{%- endmacro %}

{#-
  An expression in which a name stands for a value. Written out wherever it is needed, the value of a value of a value
  grows to a hundred times its size, and each copy is computed.
#}
{% macro computed_once(name, value, expression) -%}
    element_at(transform(array({{ value }}), {{ name }} -> {{ expression }}), 1)
{%- endmacro %}

{#-
  Of an hour that clocks show twice Spark takes the first: the second is as far from the same time of the next day as
  clocks tell. Where clocks do not show it, that is no answer.
#}
{% macro spark__utc_from_zone(local_time, zone) -%}
    {%- set with_offset = text_literal('(?i)^(.*[0-9.]) *(?:z|utc|gmt|([+-][0-9:]+))\\z') -%}
    {%- set absolute -%}
        try_cast(
            cast({{ time_of_text('regexp_extract(text_, ' ~ with_offset ~ ', 1)') }} as string)
            || coalesce(nullif(regexp_extract(text_, {{ with_offset }}, 2), ''), '+00:00')
            as timestamp
        )
    {%- endset -%}
    {%- set later = "(to_utc_timestamp(time_ + interval 1 day, '" ~ zone ~ "') - interval 1 day)" -%}
    {%- set utc -%}
        greatest(
            to_utc_timestamp(time_, '{{ zone }}'),
            case when from_utc_timestamp({{ later }}, '{{ zone }}') = time_ then {{ later }} end
        )
    {%- endset -%}
    {%- set read -%}
        case
            when text_ rlike {{ text_literal('(?i):[0-9.]+ *(z|utc|gmt|[+-][0-9:]+)\\z') }} then
                case
                    when not text_ rlike {{ text_literal('[+-](1[5-9]|[2-9][0-9])[0-9:]*\\z') }}
                        then {{ computed_once('time_', absolute, of_years('time_', 'time_')) }}
                end
            else {{ computed_once(
                'time_', time_of_text('text_'), of_years('time_', 'time_' if zone == 'UTC' else utc)
            ) }}
        end
    {%- endset -%}
    {{ computed_once('text_', 'trim(cast(' ~ local_time ~ ' as string))', read) }}
{%- endmacro %}

{# A value of a time in the years 1 to 9999, but for the days at their ends. #}
{% macro of_years(time, value) -%}
    case
        when {{ time }} between timestamp '0001-01-02 00:00:00' and timestamp '9999-12-31 23:59:59.999999' then {{ value }}
    end
{%- endmacro %}

{% macro spark__utc_from_unix(seconds) -%}
    {%- set number = try_cast(seconds, 'bigint') -%}
    case when {{ number }} between -62135596800 and 253402300799 then timestamp_seconds({{ number }}) end
{%- endmacro %}

{% macro spark__utc_from_milliseconds(milliseconds) -%}
    {%- set number = try_cast(milliseconds, 'bigint') -%}
    case when {{ number }} between -62135596800000 and 253402300799999 then timestamp_millis({{ number }}) end
{%- endmacro %}

{% macro spark__date_in_zone(utc_time, zone) -%}
    cast({{ "from_utc_timestamp(" ~ utc_time ~ ", '" ~ zone ~ "')" if zone != 'UTC' else utc_time }} as date)
{%- endmacro %}

{% macro spark__hour_in_zone(utc_time, zone) -%}
    date_format({{ "from_utc_timestamp(" ~ utc_time ~ ", '" ~ zone ~ "')" if zone != 'UTC' else utc_time }}, 'HH')
{%- endmacro %}

{% macro spark__time_of_pattern(written, pattern) -%}
    {%- set letters = {
        '%Y': 'yyyy', '%y': 'yy', '%m': 'M', '%d': 'd', '%H': 'H', '%I': 'h', '%M': 'm', '%S': 's',
        '%f': 'SSSSSS', '%p': 'a', '%b': 'MMM', '%B': 'MMMM', '%z': 'XX',
    } -%}
    {%- set translated = namespace(text=pattern | replace("'", "''") | replace('T', "''T''")) -%}
    {%- for code, letter in letters.items() -%}
        {%- set translated.text = translated.text | replace(code, letter) -%}
    {%- endfor -%}
    try_to_timestamp(trim(cast({{ written }} as string)), '{{ translated.text }}')
{%- endmacro %}

{% macro spark__plain_number(value, mark) -%}
    {%- set text = 'trim(cast(' ~ value ~ ' as string))' -%}
    {%- set apart = "[ \\x{a0}\\x{202f}\\x{2019}'" ~ ('.' if mark == ',' else ',') ~ ']' -%}
    {%- set written = '^[+-]?([0-9]+|[0-9]{1,3}(' ~ apart ~ '[0-9]{3})+)([' ~ mark ~ '][0-9]*)?\\z' -%}
    case
        when typeof({{ value }}) <> 'string' then {{ text }}
        when {{ text }} rlike {{ text_literal(written) }}
            then replace(regexp_replace({{ text }}, {{ text_literal(apart) }}, ''), ',', '.')
    end
{%- endmacro %}

{% macro spark__clean_id(text) -%}
    {%- set is_clean = '^[!#-&(-\\-/-~]([ !#-&(-\\-/-~]*[!#-&(-\\-/-~])?\\z' -%}
    {%- set guarded = '(?s)^\\p{Z}*(?:="([^"]*)"|"([^"]*)"|\'?(.*?))\\p{Z}*\\z' -%}
    case
        when {{ text }} rlike {{ text_literal(is_clean) }} then {{ text }}
        else
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace({{ text }}, {{ text_literal('[\\p{Cf}\\p{Cc}]') }}, ''),
                        {{ text_literal(guarded) }}, '$1$2$3'
                    ),
                    {{ text_literal('(?s)^\\p{Z}*(.*?)\\p{Z}*\\z') }}, '$1'
                ),
                {{ text_literal('^([0-9]+)\\.0+\\z') }}, '$1'
            )
    end
{%- endmacro %}

{% macro spark__is_scientific(id) -%}
    {{ id }} rlike {{ text_literal('^[0-9](\\.[0-9]+)?[eE]\\+[0-9]+\\z') }}
{%- endmacro %}

{% macro spark__is_currency_code(code) -%}
    {{ code }} rlike {{ text_literal('^[A-Z]{3}\\z') }}
{%- endmacro %}

{% macro spark__json_text(value, path) -%}
    get_json_object({{ value }}, '{{ path | replace("'", "''") }}')
{%- endmacro %}

{% macro spark__is_broken_json(value) -%}
    coalesce(trim({{ value }}) <> '' and get_json_object({{ value }}, '$') is null, false)
{%- endmacro %}

{% macro spark__json_items(relation, column, path, missing_is_empty, name) -%}
    {%- set text = json_text(column, path) -%}
    {%- set object = "from_json(concat('[', " ~ text ~ ", ']'), 'array<string>')" -%}
    {%- set list = 'case when trim(' ~ text ~ ") like '{%' then " ~ object
        ~ ' else from_json(' ~ text ~ ", 'array<string>') end" -%}
    {%- set one = "array(named_struct('item', cast(null as string), 'number', cast(" -%}
    select
        {{ relation }}.*,
        items.{{ name }},
        items.{{ name }}_number
    from {{ relation }}
    lateral view inline(
        case
            when {{ is_broken_json(column) }} then {{ one }} null as bigint)))
            when {{ text }} is null and not {{ missing_is_empty | lower }} then array()
            when {{ text }} is null or size({{ list }}) = 0 then {{ one }} 0 as bigint)))
            when {{ list }} is null then {{ one }} null as bigint)))
            else transform(
                {{ list }}, (item, i) -> named_struct('item', item, 'number', cast(i + 1 as bigint))
            )
        end
    ) items as {{ name }}, {{ name }}_number
{%- endmacro %}
