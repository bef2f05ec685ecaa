"""Great Expectations suites as code, and the runner that validates them."""
