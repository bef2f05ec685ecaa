"""Names that the job, its assets and whoever starts it share."""

NIGHTLY = "nightly"
MART_GATE = "mart_gate"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
