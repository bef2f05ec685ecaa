"""The recent course of a figure: a line without axes, for the foot of a tile."""

from __future__ import annotations

from collections.abc import Sequence

# Lengths of the picture, which the page stretches; a line of 2 pixels keeps its thickness.
WIDTH, HEIGHT, EDGE = 100, 32, 2


def course(values: Sequence[float], colour: str) -> str:
    """An SVG of at least two values from left to right, the least at the bottom; equal ones in the middle."""
    least, greatest = min(values), max(values)
    room, span = HEIGHT - 2 * EDGE, greatest - least
    across = WIDTH / (len(values) - 1)
    points = " ".join(
        f"{number * across:.2f},{EDGE + room * ((greatest - value) / span if span else 0.5):.2f}"
        for number, value in enumerate(values)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none">'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round"'
        ' vector-effect="non-scaling-stroke"/></svg>'
    )
