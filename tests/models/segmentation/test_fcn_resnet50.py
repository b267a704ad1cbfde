"""FCNResNet50: torchvision's names, the size of the image, what it does to one."""

import numpy as np
import pytest
from segmenter_checks import check_gradients, check_size, check_stages

from minicv import functional as F
from minicv.autograd import Tensor, no_grad
from minicv.models.segmentation import FCNResNet50, FCNResNet50Settings

AS_IT_IS = FCNResNet50Settings(min_size=None, max_size=None)


@pytest.fixture(scope="module")
def model():
    return FCNResNet50(("cow", "duck", "sky"), AS_IT_IS, rng=np.random.default_rng(0))


def test_names_and_shapes_are_torchvisions(model):
    """Those of `torchvision.models.segmentation.fcn_resnet50`, without its second head."""
    state = {name: array.shape for name, array in model.state_dict().items()}
    assert len(state) == 318 + 1 + 5 + 2  # of a ResNet-50 without its last layer, and the head
    head = {name: shape for name, shape in state.items() if name.startswith("classifier")}
    assert head == {
        "classifier.0.weight": (512, 2048, 3, 3),
        "classifier.1.weight": (512,),
        "classifier.1.bias": (512,),
        "classifier.1.running_mean": (512,),
        "classifier.1.running_var": (512,),
        "classifier.1.num_batches_tracked": (),
        "classifier.4.weight": (3, 512, 1, 1),
        "classifier.4.bias": (3,),
    }
    assert state["backbone.layer4.2.conv3.weight"] == (2048, 512, 1, 1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (33, 40), (40, 17)])
def test_logits_have_the_size_of_the_image(model, height, width):
    check_size(model, height, width)


def test_stages(model):
    check_stages(model, (33, 40), maps=("feature_map",))


def test_gradients_reach_every_parameter(model):
    check_gradients(model)


def test_scores_of_cells_are_enlarged_between_the_centres_of_cells(model):
    """In evaluation, layer by layer as torchvision's FCNHead has them."""
    x = Tensor(np.random.default_rng(1).normal(size=(1, 3, 33, 40)).astype("f4"))
    with no_grad():
        model.eval()
        features = model.backbone(x)
        assert features.shape == (1, 2048, 5, 5)
        wanted = F.resize_bilinear(model.classifier(features), (33, 40)).data
        found = model(x).data
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())


def test_a_photograph_comes_to_520_pixels(model):
    assert FCNResNet50Settings() == FCNResNet50Settings(min_size=520, max_size=1333)
    small = FCNResNet50(
        ("a", "b"), FCNResNet50Settings(min_size=24, max_size=48), rng=np.random.default_rng(0)
    )
    stages = small.stages(np.full((3, 60, 90), 0.5, "f4"))
    assert stages[0].arrays["image"].shape == (3, 24, 36)
    assert stages[-1].arrays["segmentation"].shape == (60, 90)
