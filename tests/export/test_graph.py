"""The list of nodes: names, and constants that are kept once."""

import numpy as np

from minicv.export.graph import Graph, GraphBuilder, Node, is_same


def test_values_are_named_after_their_operator():
    builder = GraphBuilder()
    first = builder.add("Relu", "image")
    assert builder.add_with_outputs(2, "MaxPool", first) == ("maxpool_1", "maxpool_2")
    assert builder.add("Relu", first) == "relu_2"
    assert [node.inputs for node in builder.nodes] == [("image",), ("relu_1",), ("relu_1",)]


def test_an_array_is_kept_once_under_the_name_that_the_model_gives_it():
    weight = np.ones((2, 3), "f")
    builder = GraphBuilder({id(weight): "conv1.weight"})
    assert builder.constant(weight) == builder.constant(weight) == "conv1.weight"
    assert list(builder.constants) == ["conv1.weight"]
    assert builder.constants["conv1.weight"] is weight  # no copy


def test_another_array_of_a_name_gets_another_name():
    builder = GraphBuilder()
    assert builder.constant(np.ones(2), "w") == "w"
    assert builder.constant(np.ones(2), "w") == "w"
    assert builder.constant(np.zeros(2), "w") == "w__1"
    assert builder.constants["w__1"].tolist() == [0, 0]


def test_floats_become_float32_and_whole_numbers_stay():
    builder = GraphBuilder()
    builder.constant(np.ones(2), "floats")
    builder.constant(np.arange(2), "whole")
    assert {name: a.dtype.name for name, a in builder.constants.items()} == {
        "floats": "float32",
        "whole": "int64",
    }


def test_numbers_and_lengths_are_kept_once():
    builder = GraphBuilder()
    assert builder.lengths(0, -1) == builder.lengths(0, -1) != builder.lengths(0)
    assert builder.number(6) == builder.number(6.0) == "number_6"
    assert builder.number(0.1) != builder.number(0.2)


def test_same_means_the_same_nodes_and_constants():
    nodes, shapes = (Node("Add", ("image", "w"), ("y",)),), {"image": (1,), "y": (1,)}
    graph = Graph(nodes, {"w": np.ones(1)}, shapes)
    assert is_same(graph, Graph(nodes, {"w": np.ones(1)}, {"image": (2,), "y": (2,)}))
    assert not is_same(graph, Graph(nodes, {"w": np.zeros(1)}, shapes))
    assert not is_same(graph, Graph(nodes, {"w": np.ones(2)}, shapes))
    assert not is_same(graph, Graph(nodes, {}, shapes))
    other = (Node("Add", ("image", "w"), ("y",), {"axis": 1}),)
    assert not is_same(graph, Graph(other, graph.constants, shapes))
    assert graph.outputs == ("y",)
