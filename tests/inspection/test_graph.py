from minicv.autograd import Tensor
from minicv.functional.arithmetic import add, multiply
from minicv.inspection import draw_graph


def leaf():
    return Tensor([1.0, 2.0], requires_grad=True)


def test_leaf_and_constant_alone():
    assert draw_graph(leaf()) == "leaf (2,)"
    assert draw_graph(Tensor([[1.0]])) == "constant (1, 1)"


def test_shared_tensor_is_drawn_once():
    x = leaf()
    text = draw_graph(add(multiply(x, x), x))
    assert text.count("leaf (2,)") == 1
    assert text.count("see [1]") == 2
    assert text.splitlines()[0] == "Add (2,)"


def test_freed_graph_says_so():
    x = leaf()
    y = multiply(x, x)
    z = add(y, y)
    z.backward(z.data)
    assert "freed by backward" in draw_graph(z)


def test_deep_graph_is_cut_and_does_not_overflow():
    y = leaf()
    for _ in range(1500):
        y = add(y, 1.0)
    assert draw_graph(y, max_depth=3).count("Add") == 4
    assert "…" in draw_graph(y, max_depth=3)
    assert draw_graph(y, max_depth=2000).count("Add") == 1500
