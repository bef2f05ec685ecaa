"""The mart gate."""
