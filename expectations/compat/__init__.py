"""What relies on private parts of a library: the version it was made for, and what needs it."""
