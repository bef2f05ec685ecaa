"""Suppression of regions with few persons, and an attack on what is published of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

LEAST = 5
SMALL = "(small cells)"


def hidden(persons: Mapping[str, Collection[str]]) -> set[str]:
    """Regions that are told together only: those of few, and the smallest other one where these are too few.

    A region with rows of nobody who is known counts as one person.
    """
    few = {region for region, who in persons.items() if max(len(who), 1) < LEAST}
    shown = sorted(persons.keys() - few, key=lambda region: (len(persons[region]), region))
    if few and shown and (len(few) == 1 or _held(persons, few) < LEAST):
        few.add(shown[0])
    return few


def _held(persons: Mapping[str, Collection[str]], regions: Collection[str]) -> int:
    nobody = sum(not persons[region] for region in regions)
    return nobody + len({person for region in regions for person in persons[region]})


def determined(equations: Sequence[Sequence[int]]) -> set[int]:
    """Unknowns that a system of linear equations, given by its coefficients, has only one value for.

    An unknown is determined if the equation that holds it alone follows from the others.
    """
    rows = [[Fraction(value) for value in row] for row in equations]
    width, rank = len(equations[0]) if equations else 0, 0
    for column in range(width):
        pivot = next((n for n in range(rank, len(rows)) if rows[n][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        rows[rank] = [value / rows[rank][column] for value in rows[rank]]
        for n in range(len(rows)):
            if n != rank and rows[n][column]:
                factor = rows[n][column]
                rows[n] = [own - factor * other for own, other in zip(rows[n], rows[rank], strict=True)]
        rank += 1
    alone = [[n for n, value in enumerate(row) if value] for row in rows[:rank]]
    return {columns[0] for columns in alone if len(columns) == 1}
