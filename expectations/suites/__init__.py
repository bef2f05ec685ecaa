"""What is expected of the data, rules only: marts in YAML, arrival in code; the runner evaluates them."""
