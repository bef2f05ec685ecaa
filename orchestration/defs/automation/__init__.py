"""When it all runs."""
