"""The person key, and the list of erased persons."""
