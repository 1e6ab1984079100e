"""Measurements that a reader can repeat: each module here is one, run with ``python -m benchmarks.NAME``."""
