"""Arrival: dumps listed, landed, read, judged, and let into raw."""
