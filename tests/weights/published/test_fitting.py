"""Which entries of a network a file has, by name and shape."""

from minicv.weights.published import OtherShape, fit_of

WANTED = {"conv.weight": (8, 3, 3, 3), "conv.bias": (8,), "bn.num_batches_tracked": ()}


def test_all_is_there():
    fit = fit_of({"conv.weight": (8, 3, 3, 3), "conv.bias": (8,), "more": (1,)}, WANTED)
    assert fit.fits and (fit.needed, fit.there, fit.prefix) == (2, 2, "")


def test_what_is_missing_or_of_another_shape():
    fit = fit_of({"conv.weight": (8, 1, 3, 3)}, WANTED)
    assert not fit.fits and fit.there == 0
    assert fit.missing == {"conv.bias": (8,)}
    assert fit.others == [OtherShape("conv.weight", (8, 1, 3, 3), (8, 3, 3, 3))]


def test_a_fully_connected_layer_fits_its_convolution():
    assert fit_of({"fc6.weight": (4, 12)}, {"fc6.weight": (4, 3, 2, 2)}).fits
    assert not fit_of({"fc6.weight": (4, 13)}, {"fc6.weight": (4, 3, 2, 2)}).fits
    assert not fit_of({"fc6.weight": (4, 3, 2, 2)}, {"fc6.weight": (4, 12)}).fits


def test_a_prefix_is_found_even_if_an_entry_is_missing():
    found = {"model.net.conv.weight": (8, 3, 3, 3), "model.head.weight": (1,)}
    fit = fit_of(found, WANTED)
    assert fit.prefix == "model.net." and list(fit.missing) == ["conv.bias"]


def test_of_several_prefixes_that_with_most_entries_counts():
    found = {"a.conv.weight": (8, 3, 3, 3), "b.conv.weight": (8, 3, 3, 3), "b.conv.bias": (8,)}
    assert fit_of(found, WANTED).prefix == "b." and fit_of(found, WANTED).fits
    both = {**found, "a.conv.bias": (8,), **WANTED}
    assert fit_of(both, WANTED).prefix == ""


def test_nothing_in_common_and_nothing_needed():
    assert fit_of({"x": (1,)}, WANTED).there == 0
    assert not fit_of({"x": (1,)}, {}).fits  # nothing is no network
    assert fit_of({".".join("a" * 5000): (1,)}, WANTED).there == 0
