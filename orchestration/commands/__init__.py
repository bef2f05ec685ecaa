"""The commands of `aipl`, one module per topic."""
