import pytest

from minicv import Tensor
from minicv.nn import Identity, LeakyReLU, ModuleList, ReLU, Sequential


def test_sequential_calls_its_modules_in_order():
    net = Sequential(LeakyReLU(0.5), LeakyReLU(0.1))
    assert net(Tensor([-20.0])).data.tolist() == [-1.0]
    assert Sequential()(7) == 7


def test_more_than_ten_modules_keep_their_order():
    modules = [ReLU() for _ in range(12)]
    net = Sequential(*modules)
    assert list(net) == modules
    assert [name for name, _ in net.named_children()] == [str(i) for i in range(12)]


def test_indexing_and_slicing_share_the_modules():
    modules = [ReLU(), Identity(), LeakyReLU()]
    net = Sequential(*modules)
    assert net[1] is modules[1]
    assert net[-1] is modules[2]
    assert isinstance(net[1:], Sequential)
    assert list(net[1:]) == modules[1:]
    assert type(ModuleList(modules)[:2]) is ModuleList
    with pytest.raises(IndexError):
        net[3]


def test_module_list_grows():
    layers = ModuleList(ReLU() for _ in range(2))
    layers.append(Identity())
    assert len(layers) == 3
    assert isinstance(layers[2], Identity)


def test_only_modules_go_in():
    with pytest.raises(TypeError, match="Sequential: expected a Module but got list"):
        Sequential([ReLU()])
    with pytest.raises(TypeError, match="ModuleList: expected a Module but got function"):
        ModuleList([lambda x: x])
