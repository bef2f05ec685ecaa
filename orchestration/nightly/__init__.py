"""Runs from the command line, and operations on a whole home."""
