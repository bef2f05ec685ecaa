"""The way in: look at the dumps of a new source, write its first declaration and staging, try it alone."""
