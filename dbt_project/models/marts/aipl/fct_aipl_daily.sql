{{ config(materialized='view') }}

select * from {{ ref('int_daily_stock') }}
