import copy

import numpy as np
import pytest

from minicv import Tensor
from minicv.backend import DeviceError, gpu_status
from minicv.nn import (
    BatchNorm2d,
    Buffer,
    Conv2d,
    Dropout,
    FrozenBatchNorm2d,
    Identity,
    Linear,
    Module,
    ModuleList,
    ReLU,
    Sequential,
)


def network(seed=0):
    rng = np.random.default_rng(seed)
    return Sequential(
        Conv2d(3, 4, 3, padding=1, bias=False, rng=rng),
        BatchNorm2d(4),
        ReLU(),
        Sequential(Conv2d(4, 2, 1, rng=rng), Dropout(0.5, rng=rng)),
    )


NAMES = ["0.weight", "1.weight", "1.bias", "3.0.weight", "3.0.bias"]


class Shared(Module):
    """One parameter and one module under two names each."""

    def __init__(self):
        self.first = Linear(2, 2, rng=np.random.default_rng(0))
        self.second = self.first
        self.weight = self.first.weight
        self.scale = Buffer(np.ones(1, np.float32))
        self.again = self.scale


class TestParts:
    def test_names_and_order(self):
        net = network()
        assert [name for name, _ in net.named_parameters()] == NAMES
        assert [name for name, _ in net.named_buffers()] == [
            "1.running_mean",
            "1.running_var",
            "1.num_batches_tracked",
        ]
        assert [name for name, _ in net.named_children()] == ["0", "1", "2", "3"]
        assert [name for name, _ in net.named_modules()] == ["", "0", "1", "2", "3", "3.0", "3.1"]
        assert next(net.modules()) is net
        assert [type(child) for child in net.children()] == [Conv2d, BatchNorm2d, ReLU, Sequential]
        assert len(list(net.buffers())) == 3

    def test_the_parameters_of_a_part(self):
        net = network()
        assert list(net[3].parameters()) == list(net.parameters())[3:]

    def test_what_is_shared_comes_once_but_is_saved_under_each_name(self):
        shared = Shared()
        assert [name for name, _ in shared.named_modules()] == ["", "first"]
        assert [name for name, _ in shared.named_parameters()] == ["weight", "first.bias"]
        assert [name for name, _ in shared.named_buffers()] == ["scale"]
        assert set(shared.state_dict()) == {
            *("first.weight", "first.bias", "second.weight", "second.bias"),
            *("weight", "scale", "again"),
        }
        shared.load_state_dict(shared.state_dict())

    def test_a_part_can_be_replaced_or_taken_away(self):
        net = network()
        setattr(net, "3", Identity())
        assert [name for name, _ in net.named_parameters()] == NAMES[:3]
        net[1].bias = None
        assert [name for name, _ in net.named_parameters()] == NAMES[:2]

    def test_an_array_cannot_take_the_place_of_a_parameter_or_buffer(self):
        norm = BatchNorm2d(2)
        with pytest.raises(TypeError, match=r"BatchNorm2d.weight is a Parameter .* ndarray; set"):
            norm.weight = np.ones(2)
        with pytest.raises(TypeError, match=r"running_mean is a Buffer and cannot become a Tensor"):
            norm.running_mean = Tensor([1.0, 2.0])

    @pytest.mark.parametrize("hold", [list, lambda modules: dict(enumerate(modules))])
    def test_modules_in_a_list_are_not_lost_in_silence(self, hold):
        holder = Module()
        holder.layers = hold([ReLU()])
        with pytest.raises(TypeError, match=r"Module.layers is a .* ModuleList"):
            list(holder.parameters())
        holder.layers = ModuleList([ReLU()])
        holder.sizes = [1, 2]
        assert list(holder.parameters()) == []

    def test_forward_is_asked_for(self):
        with pytest.raises(NotImplementedError, match="Module: forward is not written"):
            Module()(1)


class TestModes:
    def test_train_and_eval_reach_every_part(self):
        net = network()
        assert all(module.training for module in net.modules())
        assert net.eval() is net
        assert not any(module.training for module in net.modules())
        net[3].train()
        assert [module.training for module in net.modules()] == [False] * 4 + [True] * 3
        assert Module.training is True  # the mode belongs to the instance

    def test_requires_grad_freezes_a_part(self):
        net = network()
        assert net[0].requires_grad_(False) is net[0]
        net.eval()(Tensor(np.ones((1, 3, 2, 2), np.float32))).sum().backward()
        grads = {name: parameter.grad for name, parameter in net.named_parameters()}
        assert grads["0.weight"] is None
        assert grads["1.weight"] is not None
        net.requires_grad_()
        assert all(parameter.requires_grad for parameter in net.parameters())

    def test_zero_grad_forgets(self):
        net = network().eval()
        net(Tensor(np.ones((1, 3, 2, 2), np.float32))).sum().backward()
        net.zero_grad()
        assert all(parameter.grad is None for parameter in net.parameters())

    def test_astype_converts_floating_point_arrays_only(self):
        net = network().eval()
        net(Tensor(np.ones((1, 3, 2, 2), np.float32))).sum().backward()
        net.astype("float64")
        assert {parameter.dtype for parameter in net.parameters()} == {np.dtype("float64")}
        assert {parameter.grad.dtype for parameter in net.parameters()} == {np.dtype("float64")}
        assert net[1].running_mean.dtype == np.float64
        assert net[1].num_batches_tracked.dtype == np.int64
        assert net(Tensor(np.ones((1, 3, 2, 2)))).dtype == np.float64

    def test_to_moves_arrays_and_gradients(self, monkeypatch):
        net = network()
        parameter = next(net.parameters())
        parameter.grad = np.ones_like(parameter.data)
        moved = []

        def to_device(array, device):
            moved.append(device)
            return array + 0

        monkeypatch.setattr("minicv.nn.module.to_device", to_device)
        before = parameter.data
        assert net.to("cuda:1") is net
        assert parameter.data is not before
        assert moved == ["cuda:1"] * (5 + 3 + 1)

    def test_to_a_device_that_is_not_there(self):
        if gpu_status()[0]:
            pytest.skip("there is a CUDA device")
        with pytest.raises(DeviceError, match="cannot be used"):
            network().to("cuda")


class TestState:
    def test_goes_around(self):
        source, target = network(seed=1), network(seed=2)
        source(Tensor(np.random.default_rng(0).standard_normal((2, 3, 4, 4), np.float32)))
        state = source.state_dict()
        assert all(type(value) is np.ndarray for value in state.values())
        assert target.load_state_dict(state) == ([], [])
        for key, value in target.state_dict().items():
            assert np.array_equal(value, state[key]), key
        assert target[1].num_batches_tracked.data == 1

    def test_goes_through_a_file(self, tmp_path):
        source, target = network(seed=1), network(seed=2)
        np.savez(tmp_path / "state.npz", **source.state_dict())
        with np.load(tmp_path / "state.npz") as state:
            target.load_state_dict(state)
        assert np.array_equal(target[0].weight.data, source[0].weight.data)

    def test_is_a_copy_both_ways(self):
        net = network()
        state = net.state_dict()
        before = copy.deepcopy(state)
        net[0].weight.data += 1
        assert np.array_equal(state["0.weight"], before["0.weight"])
        net.load_state_dict(state)
        net[0].weight.data += 1
        assert np.array_equal(state["0.weight"], before["0.weight"])

    def test_keeps_the_dtype_of_the_module_and_contiguous_memory(self):
        net = network()
        state = {k: np.array(v, float, order="F") for k, v in net.state_dict().items()}
        net.load_state_dict(state)
        assert net[0].weight.dtype == np.float32
        assert net[0].weight.data.flags.c_contiguous

    def test_a_state_that_does_not_fit_is_described_in_full_and_nothing_is_loaded(self):
        net = network()
        before = net.state_dict()
        state = {**before, "4.weight": np.zeros((5, 6)), "0.weight": np.zeros((4, 1, 3, 3))}
        state["1.weight"] = state["1.weight"] + 1
        del state["3.0.bias"], state["1.running_mean"]
        with pytest.raises(ValueError) as error:
            net.load_state_dict(state)
        assert str(error.value).splitlines() == [
            "load_state_dict: the state does not fit Sequential; nothing was loaded.",
            "  missing: 1.running_mean (4,)",
            "  missing: 3.0.bias (2,)",
            "  unexpected: 4.weight (5, 6)",
            "  mismatched: 0.weight is (4, 3, 3, 3) in the module but (4, 1, 3, 3) in the state",
        ]
        for key, value in net.state_dict().items():
            assert np.array_equal(value, before[key]), key

    def test_not_strict_takes_what_fits_and_tells_the_rest(self):
        net = network()
        state = {"0.weight": np.ones((4, 3, 3, 3)), "head.bias": np.ones(2)}
        result = net.load_state_dict(state, strict=False)
        assert result.unexpected_keys == ["head.bias"]
        assert result.missing_keys == [key for key in net.state_dict() if key != "0.weight"]
        assert (net[0].weight.data == 1).all()

    def test_a_wrong_shape_is_refused_even_when_not_strict(self):
        with pytest.raises(ValueError, match=r"mismatched: 0.weight is \(4, 3, 3, 3\)"):
            network().load_state_dict({"0.weight": np.ones(3)}, strict=False)

    def test_a_frozen_norm_takes_the_state_of_a_trained_one(self):
        frozen = Sequential(FrozenBatchNorm2d(4))
        state = Sequential(BatchNorm2d(4)).state_dict()
        assert "0.num_batches_tracked" in state
        assert frozen.load_state_dict(state) == ([], [])

    def test_numbers_in_a_plain_list_are_taken(self):
        layer = FrozenBatchNorm2d(1)
        layer.load_state_dict({**layer.state_dict(), "running_var": [2.0]})
        assert layer.running_var.data.tolist() == [2.0]
