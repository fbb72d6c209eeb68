"""Peaks: cases readable by eye, then every column against the oracle."""

from math import inf

import oracles_peaks
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import EXTREMA, graph_of, masks, networks, with_gaps

import graphmax as gm

COLUMNS = (
    "node", "value", "isolation", "nearest_higher", "prominence", "key_saddle", "parent",
    "basin_size", "plateau_size",
)  # fmt: skip


def path(size, weights=None, directed=False):
    """The path 0 - 1 - ... as a graph."""
    return gm.Graph.from_edges(
        range(size - 1), range(1, size), size, weights=weights, directed=directed
    )


def assert_table(peaks, expected):
    """Every column, the basins and the mask agree with the oracle's table."""
    for name in COLUMNS:
        assert_array_equal(getattr(peaks, name), expected[name], err_msg=name)
    assert_array_equal(peaks.basins, expected["basins"])


# --- against the oracle


@st.composite
def filters(draw):
    """Draw some thresholds, most of them absent."""
    choices = {
        "min_height": st.integers(0, 3) | st.sampled_from([-inf, 0.5, inf]),
        "min_prominence": st.sampled_from([0, 1, 1.5, 2, inf]),
        "min_isolation": st.sampled_from([0, 1, 2, 3, 0.5, inf]),
        "num_peaks": st.integers(1, 3),
    }
    names = draw(st.lists(st.sampled_from(sorted(choices)), max_size=2, unique=True))
    return {name: draw(choices[name]) for name in names}


@given(st.data())
def test_every_column_is_that_of_the_oracle(data):
    network = data.draw(networks())
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    sizes = [{"hops": hops} for hops in (1, 2, 3)]
    if network.weights is not None:
        sizes += [{"radius": radius} for radius in (0.1, 0.3, 0.6, 1.5)]
    asked = {
        **data.draw(st.sampled_from(sizes)),
        **data.draw(filters()),
        "ties": data.draw(st.sampled_from(["plateau", "strict"])),
        "extremum": data.draw(st.sampled_from(EXTREMA)),
        "isolated": data.draw(st.booleans()),
        "where": where,
    }
    found = gm.find_peaks(graph_of(network), values, direction="both", **asked)
    assert_table(found, oracles_peaks.peak_table(network, values, **asked))
