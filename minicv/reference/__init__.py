"""The loop-level twin of every layer: slow, obvious, for reading and for tests."""
