"""Stage 3: the gate between the marts and their readers."""
