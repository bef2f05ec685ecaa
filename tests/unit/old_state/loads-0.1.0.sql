create table if not exists file_versions (
    version_id integer primary key,
    source_id text not null,
    table_name text not null,
    file text not null,
    load_date text not null,
    version text not null,
    sha256 text not null,
    declaration text not null,
    row_count integer,
    unreadable_count integer not null,
    state text not null,
    reason text,
    decision integer,
    judged_by text
) strict;
create index if not exists file_versions_of_source on file_versions (source_id, file);
create index if not exists file_versions_of_load on file_versions (source_id, load_date);
create table if not exists hints (
    source_id text not null, file text not null, size integer, changed text not null,
    primary key (source_id, file)
) strict;
create table if not exists first_pulls (
    source_id text not null, sha256 text not null, load_date text not null,
    primary key (source_id, sha256)
) strict;
