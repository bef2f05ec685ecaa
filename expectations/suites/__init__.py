"""What is expected of the data: one module a subject, rules only; the runner evaluates them."""
