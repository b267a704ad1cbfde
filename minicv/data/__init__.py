"""Data: the Farmyard, readers of real sets, joint transforms, the loader."""

from minicv.data.cached import Cached
from minicv.data.camvid import CamVid
from minicv.data.checks import check_targets
from minicv.data.coco import CocoDetection
from minicv.data.errors import AnnotationError, DatasetWarning
from minicv.data.farmyard import Farmyard
from minicv.data.image_folder import ImageError, ImageFolder, read_image
from minicv.data.label_map_files import read_label_map
from minicv.data.loader import DataLoader, Dataset, SampleError
from minicv.data.penn_fudan import PennFudan
from minicv.data.sources import SOURCES, Source, Splits, open_data, sources_help
from minicv.data.subset import Subset
from minicv.data.transformed import Transformed
from minicv.data.voc import VOCDetection
from minicv.data.voc_segmentation import VOCSegmentation

__all__ = [
    "SOURCES",
    "AnnotationError",
    "Cached",
    "CamVid",
    "CocoDetection",
    "DataLoader",
    "Dataset",
    "DatasetWarning",
    "Farmyard",
    "ImageError",
    "ImageFolder",
    "PennFudan",
    "SampleError",
    "Source",
    "Splits",
    "Subset",
    "Transformed",
    "VOCDetection",
    "VOCSegmentation",
    "check_targets",
    "open_data",
    "read_image",
    "read_label_map",
    "sources_help",
]
