"""Where are the joints of the one person whom a picture shows?"""

from minicv.models.pose.deep_pose import DeepPose, DeepPoseSettings
from minicv.models.pose.mean_pose import MeanPose

__all__ = ["DeepPose", "DeepPoseSettings", "MeanPose"]
