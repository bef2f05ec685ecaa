with files as (
    select source_id, file, version, load_date from {{ source('arrival', 'files') }}
),

applied as (
    select source_id, file, version, load_date from {{ source('arrival', 'applied') }}
),

known as (
    select source_id, file from files
    union
    select source_id, file from applied
),

-- A file may be new, gone, have other content under the same name, or have moved to another load date.
differing as (
    select known.source_id, known.file
    from known
    left join files on {{ join_on('known', 'files', ['source_id', 'file']) }}
    left join applied on {{ join_on('known', 'applied', ['source_id', 'file']) }}
    where
        files.version is distinct from applied.version
        or files.load_date is distinct from applied.load_date
),

-- Staging of a static dump may join its tables: one changed file changes the whole source.
whole_sources as (
    select distinct differing.source_id
    from differing
    inner join {{ source('arrival', 'sources') }} as sources on differing.source_id = sources.source_id
    where sources.feed = 'static'
)

select
    known.source_id,
    known.file as _file,
    files.load_date
from known
left join {{ source('arrival', 'files') }} as files on {{ join_on('known', 'files', ['source_id', 'file']) }}
where
    known.source_id in (select whole_sources.source_id from whole_sources)
    or exists (
        select 1 from differing
        where differing.source_id = known.source_id and differing.file = known.file
    )
