"""Rejects: rows that could not be read, and rows that staging set aside; listed, and accounted for."""
