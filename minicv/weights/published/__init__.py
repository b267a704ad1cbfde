"""Weights that others published: readers of their files, their names, and starting from them."""

from minicv.weights.published.fitting import Fit, OtherShape, fit_of
from minicv.weights.published.name_tables import NameTable, table_of
from minicv.weights.published.names_of_projects import (
    CHAINERCV,
    DETECTRON,
    DETECTRON2,
    TABLES,
)
from minicv.weights.published.reading import (
    WeightsFile,
    form_of,
    read_weights,
    read_weights_file,
)
from minicv.weights.published.starting import (
    EFFICIENTNET_LITE0,
    KNOWN_WEIGHTS,
    as_convolution,
    efficientnet_lite0_weights,
    load_published,
    start_from,
    two_layer_head_weights,
)

__all__ = [
    "CHAINERCV",
    "DETECTRON",
    "DETECTRON2",
    "EFFICIENTNET_LITE0",
    "KNOWN_WEIGHTS",
    "TABLES",
    "Fit",
    "NameTable",
    "OtherShape",
    "WeightsFile",
    "as_convolution",
    "efficientnet_lite0_weights",
    "fit_of",
    "form_of",
    "load_published",
    "read_weights",
    "read_weights_file",
    "start_from",
    "table_of",
    "two_layer_head_weights",
]
