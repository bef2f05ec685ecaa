"""The mart gate, releases, and queries on them."""
