"""Stage 1: pull dumps, and let the arrival gate accept or refuse their loads."""
