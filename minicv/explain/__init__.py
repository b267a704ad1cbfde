"""Floor 6.2: a page that shows what a system does with one photograph, stage by stage."""

from minicv.explain.page import explain

__all__ = ["explain"]
