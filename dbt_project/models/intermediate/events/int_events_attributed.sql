{{ config(materialized='view') }}

{{ attributed_events(ref('int_events')) }}
