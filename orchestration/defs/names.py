"""Names that the job, its assets and whoever starts it share."""

NIGHTLY = "nightly"
MART_GATE = "mart_gate"
