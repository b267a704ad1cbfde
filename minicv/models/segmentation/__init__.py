"""Semantic segmentation, in the order of the lecture: one system a file."""
