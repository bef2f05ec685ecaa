"""Random small worlds in the sample shop's dump format, and random ways for them to arrive.

A world has brands, visitors, members, orders and products that nobody else uses: many worlds share one set of
dumps and never meet.
"""
