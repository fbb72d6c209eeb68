"""Edges as a stream: one compiled pass a hop, whatever their order and however they are cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from oracles import isolation, levels, local_maxima, rival, steps
from strategies import masks, networks, with_gaps

from graphmax.kernels import compiled, stream, stream_rounds
from graphmax.kernels.compare import INDEX, STRICT, WEAK
from graphmax.tables.stream_engine import SavedHops
from graphmax.values import order_key

TIES = {"strict": STRICT, "weak": WEAK, "index": INDEX}
WAYS = {"in": stream.FORWARD, "out": stream.BACKWARD, "both": stream.BOTH_WAYS}
NOBODY = np.zeros(0, np.bool_)


def ends_of(network, dtype=np.int64):
    edges = np.array(network.edges, dtype).reshape(-1, 2)
    return edges[:, 0], edges[:, 1]  # not contiguous, as the columns of a table may be


def keyed(values, where):
    key, nan = order_key(values)
    absent = np.zeros(key.size, np.bool_) if nan is None else nan
    if where is not None:
        absent = absent | ~where
    return key, absent if absent.any() else NOBODY


# --- known


def test_path_by_eye():
    """0 -> 1 -> 2 with values 1, 3, 2: against the arrow 2 sees 1, and 1 sees 0."""
    src, dst, key = np.array([0, 1]), np.array([1, 2]), np.array([1, 3, 2])
    expected = {"in": [True, True, False], "out": [False, True, True], "both": [False, True, False]}
    for direction, mask in expected.items():
        found, neighbors = stream.one_hop(src, dst, key, NOBODY, STRICT, WAYS[direction])
        assert_array_equal(found, mask)
        assert neighbors is None


@pytest.mark.parametrize(("ties", "mask"), [("strict", [False, False]), ("weak", [True, True]), ("index", [True, False])])  # fmt: skip
def test_tie_by_eye(ties, mask):
    ends, key = (np.array([0, 1, 1]), np.array([1, 0, 1])), np.array([7, 7])
    assert_array_equal(stream.one_hop(*ends, key, NOBODY, TIES[ties], stream.FORWARD)[0], mask)


@pytest.mark.parametrize("key", [[], [5]])
def test_no_edges(key):
    none = np.zeros(0, np.int32)
    found, neighbors = stream.one_hop(
        none, none, np.array(key, np.int64), NOBODY, STRICT, stream.BOTH_WAYS, neighbors=True
    )
    assert_array_equal(found, [True] * len(key))
    assert_array_equal(neighbors, [False] * len(key))


# --- oracle


@given(st.data())
def test_against_the_oracle(data):
    network = data.draw(networks(weighted=False, directed=True))
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    ties, direction = data.draw(st.sampled_from(sorted(TIES))), data.draw(st.sampled_from(sorted(WAYS)))  # fmt: skip
    key, absent = keyed(values, where)
    dtype = data.draw(st.sampled_from([np.int32, np.int64]))
    found, neighbors = stream.one_hop(
        *ends_of(network, dtype), key, absent, TIES[ties], WAYS[direction], neighbors=True
    )
    expected = local_maxima(network, values, ties=ties, direction=direction, where=where)
    assert_array_equal(found, expected)
    assert_array_equal(neighbors, [len(row) > 0 for row in steps(network, direction)])


def by_sums(src, dst, values, ties, direction):
    """Larger cases in NumPy: the best of the neighbors, and the lowest index that has it."""
    pairs = {"in": [(src, dst)], "out": [(dst, src)], "both": [(src, dst), (dst, src)]}[direction]
    u, v = (np.concatenate([pair[i] for pair in pairs]) for i in (0, 1))
    wins = values[u] > values[v]
    equal = (values[u] == values[v]) & (u != v)
    wins |= {"strict": equal, "weak": equal & False, "index": equal & (u < v)}[ties]
    mask = np.ones(values.size, np.bool_)
    mask[v[wins]] = False
    joined = np.zeros(values.size, np.bool_)
    joined[v[u != v]] = True
    return mask, joined


VALUES = {
    "few levels": lambda r, n: r.integers(0, 3, n),
    "normal": lambda r, n: r.normal(size=n),
    "float32": lambda r, n: r.random(n, np.float32),
    "one far away": lambda r, n: np.where(np.arange(n) == 7, 2**62, r.integers(0, 9, n)),
    "whole range": lambda r, n: r.integers(-(2**63), 2**63 - 1, n, endpoint=True),
    "both ends of it": lambda r, n: r.choice([-(2**63), 2**63 - 1, 2**63 - 2], n),
    "close by": lambda r, n: 2**53 + r.integers(0, 2**20, n),
}


@pytest.mark.compiled
@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("cut", [1 << 30, 3001])
def test_many_edges_a_node_in_any_cut(name, cut):
    """With 30 edges a node the bits of the beaten decide; one batch or many, the same answer."""
    draw = np.random.default_rng(5)
    n, m = 3000, 90_000
    values = VALUES[name](draw, n)
    src, dst = draw.integers(0, n, m), draw.integers(0, n, m)
    src[src == 11], dst[dst == 11] = 12, 12
    src[::97] = dst[::97]
    for ties in TIES:
        for direction in WAYS:
            key = order_key(values).key
            hop = stream.OneHop(key, NOBODY, TIES[ties], WAYS[direction], neighbors=True)
            for start in range(0, m, cut):
                batch = slice(start, start + cut)
                assert hop.take(src[batch], dst[batch]) == stream.NO_EDGE
            mask, joined = by_sums(src, dst, values, ties, direction)
            assert_array_equal(hop.unchallenged(), mask)
            assert_array_equal(hop.has_neighbor(), joined)


# --- several hops


def hop_by_hop(src, dst, key, absent, ties, ways, hops, *, cut=10**9, last=False):
    rounds = stream_rounds.Hops(stream.ranked(key, absent), key.size, ties, ways, neighbors=True)
    for hop in range(hops):
        rounds.begin(last=last and hop == hops - 1)
        for start in range(0, src.size, cut):
            batch = slice(start, start + cut)
            assert rounds.take(src[batch], dst[batch]) == stream.NO_EDGE
        rounds.end()
        yield rounds


@given(st.data())
def test_hops_against_the_oracle(data):
    """Masks, rivals, and the first round that meets a challenger: isolation up to the last hop."""
    network = data.draw(networks(weighted=False, directed=True))
    values = data.draw(with_gaps(network.num_nodes))
    where = data.draw(masks(network.num_nodes))
    fields = {"direction": data.draw(st.sampled_from(sorted(WAYS)))}
    ties, cut = data.draw(st.sampled_from(sorted(TIES))), data.draw(st.integers(1, 9))
    key, absent = keyed(values, where)
    level = levels(values, where=where)
    distance, _ = isolation(network, values, ties=ties, where=where, **fields)
    ends = *ends_of(network), key, absent, TIES[ties], WAYS[fields["direction"]]
    for hop, rounds in enumerate(hop_by_hop(*ends, 4, cut=cut), 1):
        assert_array_equal(rounds.open, [far > hop for far in distance])
        own = [v for v in range(network.num_nodes) if level[v] is not None]
        expected = [rival(network, level, v, hops=hop, **fields) for v in own]
        assert_array_equal(rounds.rivals()[own], expected)
        assert_array_equal(rounds.joined, [len(row) > 0 for row in steps(network, fields["direction"])])  # fmt: skip
        *_, short = hop_by_hop(*ends, hop, cut=cut, last=True)
        assert_array_equal(short.open, [far > hop for far in distance])


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("step", [1 << 22, 700])
def test_order_of_many(name, step, monkeypatch):
    """Also where the top bits of the keys tie, in runs short and long; and in buckets."""
    monkeypatch.setattr(stream, "NODES_PER_CALL", step)
    monkeypatch.setattr(stream, "LEAST_BUCKET", step)
    key = order_key(VALUES[name](np.random.default_rng(7), 5000)).key
    absent = np.arange(5000) % 7 == 3
    order, tied = stream.ranked(key, absent)
    present = np.flatnonzero(~absent)
    assert_array_equal(order, present[np.lexsort((present, ~key[present]))])
    assert_array_equal(tied[1:], key[order[1:]] == key[order[:-1]])


def test_many_hops_settle():
    """A path of 40: balls stop growing, and what was found stays."""
    path = np.arange(39), np.arange(1, 40), np.arange(40)[::-1].copy()
    *_, rounds = hop_by_hop(*path, NOBODY, STRICT, stream.BOTH_WAYS, 45)
    assert rounds.settled
    assert_array_equal(np.flatnonzero(rounds.open), [0])
    assert_array_equal(rounds.rivals(), [1] + [0] * 39)


@pytest.mark.compiled
@pytest.mark.parametrize("hubs", [1, 3])
@pytest.mark.parametrize("rising", [False, True])
def test_threads_at_a_hub_lose_no_offer(hubs, rising, monkeypatch):
    """Every edge offers to the same few nodes; where offers rise, each one is taken."""
    n, m = 60_000, 200_000
    draw = np.random.default_rng(8)
    src = draw.integers(hubs, n, m)
    if rising:
        src.sort()
    ends = src, draw.integers(0, hubs, m), np.arange(n), NOBODY, STRICT, stream.BOTH_WAYS
    *_, together = hop_by_hop(*ends, 2)
    monkeypatch.setattr(compiled, "ENTRIES_WORTH_THREADS", 10**9)
    first, *_ = ((rounds.two, rounds.open.copy()) for rounds in hop_by_hop(*ends, 2))
    *_, alone = hop_by_hop(*ends, 2)
    assert_array_equal(together.two, alone.two)
    assert_array_equal(together.open, alone.open)
    for hub in range(hubs):
        best = np.unique(src[ends[1] == hub])[-2:][::-1]
        assert [first[0][hub] >> 32, first[0][hub] & 0xFFFFFFFF] == (n - 1 - best).tolist()


def test_a_hop_saved_in_another_form_is_made_again(tmp_path):
    path = np.arange(3), np.arange(1, 4), np.array([1, 4, 2, 3])
    *_, rounds = hop_by_hop(*path, NOBODY, STRICT, stream.BOTH_WAYS, 1)
    SavedHops(tmp_path, rounds).save()
    fresh = stream_rounds.Hops(
        stream.ranked(path[2], NOBODY), 4, STRICT, stream.BOTH_WAYS, neighbors=True
    )
    SavedHops(tmp_path, fresh).restore()
    assert fresh.hops == 1
    assert_array_equal(fresh.two, rounds.two)
    with (tmp_path / "hop-1").open("wb") as file:  # as version 0.1 did
        for array in (np.zeros((4, 2), np.int32), rounds.open, rounds.joined):
            np.save(file, array)
    fresh.hops = 0
    SavedHops(tmp_path, fresh).restore()
    assert fresh.hops == 0


# --- refusals


@pytest.mark.compiled
@pytest.mark.parametrize("bad", [-1, 4000, 2**31 - 1, -(2**31), 2**40, -(2**62)])
@pytest.mark.parametrize("at", [0, 5, 79_999])
def test_a_bad_index_is_found_and_never_used(bad, at):
    """Also late, where only the bits of the beaten are looked at."""
    draw = np.random.default_rng(6)
    src, dst = draw.integers(0, 4000, (2, 80_000))
    for end in (src, dst):
        before = end[at]
        end[at] = bad
        key = draw.integers(0, 99, 4000)
        for ways in WAYS.values():
            assert stream.one_hop(src, dst, key, NOBODY, STRICT, ways, neighbors=True) == at
            for last in (False, True):
                ranking = stream.ranked(key, NOBODY)
                rounds = stream_rounds.Hops(ranking, key.size, STRICT, ways)
                rounds.begin(last=last)
                assert rounds.take(src, dst) == at
        end[at] = before
