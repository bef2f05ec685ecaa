"""Builds on Apache Spark, on a server or a cluster of this machine."""
