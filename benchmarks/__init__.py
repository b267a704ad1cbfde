"""Measurements that take too long for a test; their results are kept in benchmarks/results/."""
