"""Data: the Farmyard, readers of real sets, joint transforms, the loader."""

from minicv.data.camvid import CamVid
from minicv.data.checks import check_targets
from minicv.data.class_folder import ClassFolder
from minicv.data.class_list import ClassList
from minicv.data.coco import CocoDetection
from minicv.data.farmyard import Farmyard
from minicv.data.idx_files import IdxImages
from minicv.data.image_files import (
    AnnotationError,
    DatasetWarning,
    ImageError,
    ImageFolder,
    read_image,
    read_label_map,
)
from minicv.data.leeds_sports import LeedsSports
from minicv.data.loader import DataLoader, Dataset, SampleError
from minicv.data.mask_folder import MaskFolder
from minicv.data.object_crops import ObjectCrops
from minicv.data.one_object import OneObject
from minicv.data.penn_fudan import PennFudan
from minicv.data.person_crops import PersonCrops
from minicv.data.sources import SOURCES, Source, Splits, open_data, sources_help
from minicv.data.voc import VOCDetection
from minicv.data.voc_segmentation import VOCSegmentation
from minicv.data.wrapped import Cached, Relabelled, Subset, Transformed
from minicv.data.yolo import YoloDetection

__all__ = [
    "SOURCES",
    "AnnotationError",
    "Cached",
    "CamVid",
    "ClassFolder",
    "ClassList",
    "CocoDetection",
    "DataLoader",
    "Dataset",
    "DatasetWarning",
    "Farmyard",
    "IdxImages",
    "ImageError",
    "ImageFolder",
    "LeedsSports",
    "MaskFolder",
    "ObjectCrops",
    "OneObject",
    "PennFudan",
    "PersonCrops",
    "Relabelled",
    "SampleError",
    "Source",
    "Splits",
    "Subset",
    "Transformed",
    "VOCDetection",
    "VOCSegmentation",
    "YoloDetection",
    "check_targets",
    "open_data",
    "read_image",
    "read_label_map",
    "sources_help",
]
