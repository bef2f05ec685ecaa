"""An erasure: a person is taken out of everything that the home holds."""
