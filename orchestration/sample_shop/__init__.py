"""A made-up shop of several brands with known truth, for trying the warehouse and for testing it.

Every figure is a hash of (seed, what, number): a person's whole life is a function of the seed and the
person's number, so the dumps are the same bytes in whatever order they are made.
"""

from orchestration.sample_shop.dumps import collect, render, write_dumps
from orchestration.sample_shop.world import World

__all__ = ["World", "collect", "render", "write_dumps"]
