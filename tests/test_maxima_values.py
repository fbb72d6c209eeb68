"""Every kind of value, compared exactly, and answered in kind."""

import subprocess
import sys

import networkx as nx
import numpy as np
import oracles
import pytest
import scipy.sparse
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal
from strategies import TIES, graph_of, networks
from torch_geometric.data import Batch, Data

import graphmax as gm
from graphmax.values import order_key

pytestmark = pytest.mark.usefixtures("one_thread")
PATH = gm.Graph.from_edges([0, 1], [1, 2], 3)
MIDDLE = np.array([False, True, False])
NUMBERS = ["float16", "float32", "float64"]
WIDTHS = [sign + f"int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
TIMES = ["datetime64[s]", "datetime64[ns]", "timedelta64[ms]"]


# --- known: three values of which the middle one is the highest, by as little as can be

HARD = {
    "bool": np.array([False, True, False]),
    "int8": np.array([-128, 127, 126], dtype=np.int8),
    "uint8": np.array([0, 255, 254], dtype=np.uint8),
    "int64 beyond floats": np.array([2**53, 2**53 + 1, 2**53]),
    "int64 ends": np.array([-(2**63), 2**63 - 1, 2**63 - 2]),
    "int64 bottom": np.array([-(2**63), -(2**63) + 1, -(2**63)]),
    "uint64 top": np.array([2**63, 2**64 - 1, 2**64 - 2], dtype=np.uint64),
    "uint64 middle": np.array([2**63 - 1, 2**63, 0], dtype=np.uint64),
    "float16": np.array([0, 5.96e-8, -0.0], dtype=np.float16),
    "float32": np.array([1, np.nextafter(np.float32(1), np.float32(2)), 1], dtype=np.float32),
    "float64 smallest": np.array([0.0, 5e-324, -5e-324]),
    "float64 next": np.array([0.3, 0.1 + 0.2, 0.3]),
    "float64 infinite": np.array([-np.inf, np.inf, np.finfo(np.float64).max]),
    "float64 negative": np.array([-1.0, -np.nextafter(1.0, 0.0), -np.inf]),
    "datetime64[D]": np.array(["0001-01-01", "2020-01-02", "2020-01-01"], dtype="datetime64[D]"),
    "datetime64[ns]": np.array([2**60, 2**60 + 1, 2**60], dtype="datetime64[ns]"),
    "timedelta64": np.array([-(2**53) - 1, -(2**53), -(2**53) - 1], dtype="timedelta64[us]"),
}


@pytest.mark.parametrize("values", HARD.values(), ids=HARD.keys())
def test_a_difference_of_one_unit_is_a_difference(values):
    for ties in TIES:
        assert_array_equal(gm.local_maxima(PATH, values, ties=ties), MIDDLE, strict=True)
    assert_array_equal(gm.local_minima(PATH, values), ~MIDDLE)
    assert np.sign(gm.margin(PATH, values)).tolist() == [-1, 1, -1]
    assert gm.explain(PATH, values, 1).is_maximum is True


@pytest.mark.parametrize("dtype", NUMBERS)
def test_minus_zero_is_zero(dtype):
    values = np.array([0.0, -0.0, 0.0], dtype=dtype)
    assert_array_equal(gm.local_maxima(PATH, values), [False] * 3)
    assert_array_equal(gm.local_maxima(PATH, values, ties="weak"), [True] * 3)
    assert_array_equal(gm.local_minima(PATH, values, ties="plateau"), [True] * 3)
    assert_array_equal(gm.margin(PATH, values), [0.0] * 3)


@pytest.mark.parametrize("kind", ["datetime64[ns]", "timedelta64[D]"])
def test_not_a_time_is_not_a_number(kind):
    values = np.array([1, 2, 1]).astype(kind)
    values[1] = "NaT"
    assert_array_equal(gm.local_maxima(PATH, values, 2, nan="omit"), [False] * 3)
    assert_array_equal(gm.local_maxima(PATH, values, nan="omit"), ~MIDDLE)
    assert_array_equal(gm.local_minima(PATH, values, nan="omit"), ~MIDDLE)
    found = gm.isolation(PATH, values, nan="omit")
    assert_array_equal(found.distance, [2, np.nan, 2])
    assert_array_equal(found.witness, [2, -1, 0])
    with pytest.raises(ValueError, match=r"`values` must not be .* node 1"):
        gm.local_maxima(PATH, values)


def test_nan_of_any_sign_and_payload_is_nan():
    bits = [0x7FF8000000000000, 0xFFF8000000000000, 0x7FF8000000000001, 0xFFFFFFFFFFFFFFFF]
    values = np.concatenate([np.array(bits, np.uint64).view(np.float64), [1.0, -np.inf]])
    graph = gm.Graph.from_edges(range(5), range(1, 6), 6)
    found = gm.local_maxima(graph, values, nan="omit")
    assert_array_equal(found, [False] * 4 + [True, False])


# --- oracle: any numbers of any type


@pytest.mark.parametrize("dtype", ["bool", *WIDTHS, *NUMBERS, *TIMES])
@settings(max_examples=50)
@given(st.data())
def test_any_values_of_every_dtype_are_those_of_the_oracle(dtype, data):
    network = data.draw(networks(max_nodes=5, weighted=False))
    values = data.draw(hnp.arrays(np.dtype(dtype), network.num_nodes))
    graph = graph_of(network)
    asked = {"nan": "omit", "extremum": data.draw(st.sampled_from(["max", "min"]))}
    for ties in ("strict", "plateau"):
        expected = oracles.local_maxima(network, values, ties=ties, **asked)
        assert_array_equal(gm.local_maxima(graph, values, ties=ties, **asked), expected)
    assert_array_equal(gm.margin(graph, values, **asked), oracles.margin(network, values, **asked))


def test_bfloat16_of_numpy():
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    values = np.array([1, 1.0078125, 1], dtype=bfloat16)
    assert_array_equal(gm.local_maxima(PATH, values), MIDDLE)


# --- tensors


@pytest.mark.parametrize("dtype", ["bool", *WIDTHS, *NUMBERS, "bfloat16"])
def test_a_tensor_of_every_dtype_is_answered_by_tensors(dtype):
    values = torch.tensor([0, 1, 0]).to(getattr(torch, dtype))
    mask = gm.local_maxima(PATH, values)
    assert mask.dtype == torch.bool
    assert_array_equal(mask.numpy(), MIDDLE)
    found = gm.isolation(PATH, values)
    assert (found.distance.dtype, found.witness.dtype) == (torch.float64, torch.int64)
    assert found.witness.tolist() == [1, -1, 1]
    margin = gm.margin(PATH, values)
    assert margin.dtype == torch.float64
    assert margin.tolist() == [-1, 1, -1]


def test_tensors_are_exact():
    top = torch.tensor([2**63, 2**64 - 1, 2**64 - 2], dtype=torch.uint64)
    assert gm.local_maxima(PATH, top).tolist() == [False, True, False]
    fine = torch.tensor([1, 1.0078125, 1], dtype=torch.bfloat16)
    assert gm.local_maxima(PATH, fine).tolist() == [False, True, False]
    large = torch.tensor([2**53, 2**53 + 1, 2**53])
    assert gm.margin(PATH, large).tolist() == [-1, 1, -1]


def test_a_tensor_that_learns_or_lies_across_memory_is_read():
    learning = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
    assert gm.local_maxima(PATH, learning).tolist() == [False, True, False]
    across = torch.tensor([[0, 9], [1, 9], [0, 9]])[:, 0]
    assert gm.local_maxima(PATH, across).tolist() == [False, True, False]
    assert gm.local_maxima(PATH, torch.tensor([[0, 5], [1, 4], [0, 5]])).shape == (3, 2)


@pytest.mark.gpu
def test_a_tensor_on_the_device_is_answered_there():
    values = torch.tensor([0.0, 1.0, 0.0], device="cuda")
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]], device="cuda")
    mask = gm.local_maxima(edge_index, values)
    assert mask.device == values.device
    assert mask.tolist() == [False, True, False]
    assert gm.isolation(edge_index, values).distance.device == values.device


# --- memory layouts


def test_arrays_of_any_layout_are_read_and_left_alone():
    base = np.array([0, 7, 1, 7, 0, 7])
    assert_array_equal(gm.local_maxima(PATH, base[::2]), MIDDLE)
    assert_array_equal(gm.local_maxima(PATH, np.array([0, 1, 0], dtype=">i4")), MIDDLE)
    assert_array_equal(gm.local_maxima(PATH, np.array([0, 1, 0], dtype=">f8")), MIDDLE)
    table = np.asfortranarray([[0, 5], [1, 4], [0, 5]])
    assert_array_equal(gm.local_maxima(PATH, table), np.array([MIDDLE, ~MIDDLE]).T)
    frozen = np.array([0.0, -0.0, 1.0])
    frozen.flags.writeable = False
    gm.local_maxima(PATH, frozen)
    assert np.signbit(frozen[1])


@pytest.mark.parametrize("values", [[0, 1, 0], (0, 1, 0), [0.5, 1.5, 0.5], [False, True, False]])
def test_a_sequence_is_answered_by_an_array(values):
    assert_array_equal(gm.local_maxima(PATH, values), MIDDLE, strict=True)


# --- graphs of other libraries, attributes by name


def test_a_name_is_an_attribute_of_the_graph():
    graph = PATH.replace(attributes={"height": np.array([0, 1, 0], dtype=np.uint8)})
    assert_array_equal(gm.local_maxima(graph, "height"), MIDDLE, strict=True)
    assert_array_equal(gm.margin(graph, "height"), [-1, 1, -1])
    assert gm.explain(graph, "height", 1).verify(graph, "height") is True


def test_networkx_takes_a_name_or_a_dict():
    graph = nx.path_graph(["a", "b", "c"])
    heights = {"c": 0, "b": 1, "a": 0}
    nx.set_node_attributes(graph, heights, "height")
    for values in ("height", heights, [0, 1, 0]):
        assert_array_equal(gm.local_maxima(graph, values), MIDDLE, strict=True)


def test_arrows_of_networkx_are_kept():
    graph = nx.DiGraph([(0, 1), (1, 2)])
    assert_array_equal(gm.local_maxima(graph, [1, 3, 2]), [True, True, False])
    assert_array_equal(gm.local_maxima(graph, [1, 3, 2], direction="out"), [False, True, True])
    assert_array_equal(gm.local_maxima(graph, [1, 3, 2], direction="both"), MIDDLE)


def test_data_is_answered_by_a_tensor():
    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    data = Data(edge_index=edge_index, height=torch.tensor([0, 1, 0]), num_nodes=3)
    mask = gm.local_maxima(data, "height")
    assert isinstance(mask, torch.Tensor)
    assert mask.tolist() == [False, True, False]
    assert_array_equal(gm.local_maxima(data, np.array([0, 1, 0])), MIDDLE, strict=True)


def test_a_batch_is_graphs_side_by_side():
    edge_index = torch.tensor([[0, 1], [1, 0]])
    heights = torch.tensor([[1, 2], [9, 8]])
    pairs = [Data(edge_index=edge_index, height=pair, num_nodes=2) for pair in heights]
    batch = Batch.from_data_list(pairs)
    assert gm.local_maxima(batch, "height").tolist() == [False, True, True, False]


def test_an_edge_index_has_as_many_nodes_as_values():
    edge_index = torch.tensor([[0, 1], [1, 0]])
    assert gm.local_maxima(edge_index, torch.tensor([1, 2, -7])).tolist() == [False, True, True]


def test_arrows_of_an_edge_index_point_from_row_0_to_row_1():
    edge_index = torch.tensor([[0, 1], [1, 2]])
    values = torch.tensor([1, 3, 2])
    assert gm.local_maxima(edge_index, values).tolist() == [True, True, False]


def test_scipy_matrices_are_graphs():
    matrix = scipy.sparse.csr_array(np.array([[0, 2, 0], [2, 0, 1], [0, 1, 0]]))
    assert_array_equal(gm.local_maxima(matrix, [0, 1, 0]), MIDDLE)
    found = gm.isolation(matrix, [0, 1, 0], weighted=True)
    assert_array_equal(found.distance, [2, np.inf, 1])


FLUSHED = """
import numpy as np, torch
import graphmax as gm
least = {dtype}(np.finfo({dtype}).smallest_subnormal)
values = np.array([0, 1, 2, 3, 1, -1, -2, -0.0], {dtype}) * least
assert torch.set_flush_denormal(True)
path = gm.Graph.from_edges(range(7), range(1, 8))
print(gm.local_maxima(path, values).astype(int).tolist())
print(gm.local_minima(path, values, 2).astype(int).tolist())
"""


@pytest.mark.parametrize("dtype", ["np.float64", "np.float32", "np.float16"])
def test_subnormal_values_where_the_processor_takes_them_for_zero(dtype):
    done = subprocess.run(
        [sys.executable, "-c", FLUSHED.format(dtype=dtype)], capture_output=True, text=True
    )
    assert done.stdout == "[0, 0, 0, 1, 0, 0, 0, 1]\n[1, 0, 0, 0, 0, 0, 1, 0]\n", done.stderr


@pytest.mark.parametrize("width", [16, 32, 64])
def test_every_bit_pattern_of_a_float_keeps_its_order(width):
    unsigned, signed = np.dtype(f"u{width // 8}"), np.dtype(f"i{width // 8}")
    rng = np.random.default_rng(width)
    bits = rng.integers(0, 2**width, 40_000, unsigned, endpoint=False)
    bits[::7] &= unsigned.type(2 ** {16: 10, 32: 23, 64: 52}[width] - 1)  # subnormal
    values = bits.view(f"f{width // 8}")
    values = np.append(
        values[~np.isnan(values)], np.array([0.0, -0.0, np.inf, -np.inf], values.dtype)
    )
    key, absent = order_key(values)
    assert absent is None
    # Bits of one sign stand in the order of their size: an order that no float is compared for.
    size = values.view(signed).astype(object)
    expected = [int(s) if s >= 0 else -(int(s) + 2 ** (width - 1)) for s in size]
    by_key, by_bits = np.argsort(key, kind="stable"), np.argsort(np.array(expected), kind="stable")
    assert by_key.tolist() == by_bits.tolist()
    assert key[-3] == key[-4]
