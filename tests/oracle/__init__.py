"""Brute force from the dumps themselves, to hold against the warehouse.

Standard library only, and nothing imported from the project: what it shares with the warehouse is the
written definition, not code. Slow and literal on purpose; no running sums, no interval arithmetic.
"""
