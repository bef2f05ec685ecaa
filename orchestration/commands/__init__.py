"""The commands of `aipl`, a module a topic."""
