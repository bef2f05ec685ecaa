"""One run from the command line: plan, progress, and what it tells."""
