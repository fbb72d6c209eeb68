"""One assertion: two graphs are the same in everything that a file should give back."""

import numpy as np


def assert_same_graph(found, expected):
    """Compare direction, edges, weights, labels and attributes, dtypes and masks included."""
    assert found.directed == expected.directed
    assert found.num_nodes == expected.num_nodes
    np.testing.assert_array_equal(found.edges(), expected.edges())
    assert (found.weights is None) == (expected.weights is None)
    if expected.weights is not None:
        np.testing.assert_array_equal(found.edge_weights(), expected.edge_weights())
    assert (found.labels is None) == (expected.labels is None)
    if expected.labels is not None:
        assert_same_column(found.labels, expected.labels)
    assert list(found.attributes) == list(expected.attributes)
    for name, column in expected.attributes.items():
        assert_same_column(found.attributes[name], column)


def assert_same_column(found, expected):
    """Compare dtype, mask and entries; NaN and NaT equal themselves, signs of zero count."""
    assert found.dtype == expected.dtype
    missing = np.ma.getmaskarray(expected)
    np.testing.assert_array_equal(np.ma.getmaskarray(found), missing)
    left, right = np.ma.getdata(found)[~missing], np.ma.getdata(expected)[~missing]
    np.testing.assert_array_equal(left, right)
    if left.dtype.kind == "f":
        known = ~np.isnan(right)
        np.testing.assert_array_equal(np.signbit(left[known]), np.signbit(right[known]))
    if left.dtype == object:
        assert [type(item) for item in left] == [type(item) for item in right]
