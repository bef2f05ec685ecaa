"""A person erased from a home, everywhere and for good."""
