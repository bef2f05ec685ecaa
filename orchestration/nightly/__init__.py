"""One run from the command line, and the operations on a whole home."""
