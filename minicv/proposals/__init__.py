"""Floor 2, arrays: where in a picture there may be objects, of whatever class."""

from collections.abc import Callable

from minicv.proposals.bing import Bing, BingModel
from minicv.proposals.bing_training import train_bing
from minicv.proposals.cached import CachedProposals
from minicv.proposals.edge_boxes import EdgeBoxes
from minicv.proposals.edge_map import GradientEdges
from minicv.proposals.felzenszwalb import felzenszwalb
from minicv.proposals.objectness import Objectness, ObjectnessModel, train_objectness
from minicv.proposals.proposer import Proposer
from minicv.proposals.selective_search import SelectiveSearch
from minicv.proposals.sliding_window import SlidingWindow

# Those that need no training, by the name that the command line knows.
PROPOSERS: dict[str, Callable[[], Proposer]] = {
    "selective_search": SelectiveSearch.fast,
    "edge_boxes": EdgeBoxes,
    "sliding_window": SlidingWindow,
}

__all__ = [
    "PROPOSERS",
    "Bing",
    "BingModel",
    "CachedProposals",
    "EdgeBoxes",
    "GradientEdges",
    "Objectness",
    "ObjectnessModel",
    "Proposer",
    "SelectiveSearch",
    "SlidingWindow",
    "felzenszwalb",
    "train_bing",
    "train_objectness",
]
