"""Names shared by the job, its assets and the code that starts it."""

NIGHTLY = "nightly"
MART_GATE = "mart_gate"
