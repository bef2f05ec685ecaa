"""Stage 4: the release."""
