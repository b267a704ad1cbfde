"""A data set examined before any training: what is in it, and what is wrong with it.

`examine` goes once over every sample of every split. `sample.py` looks at one sample, `census.py`
counts a split, `comparisons.py` compares splits and classes, `findings.py` collects what is wrong.
"""

from minicv.data.doctor.census import Census
from minicv.data.doctor.examine import Report, examine
from minicv.data.doctor.findings import Finding, Findings, Kind

__all__ = ["Census", "Finding", "Findings", "Kind", "Report", "examine"]
