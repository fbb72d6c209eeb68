"""From what a user holds to the answer, against the cheapest thing a user could write instead.

    pytest tests/benchmarks/test_bench_door.py --benchmark-only -s

Whole calls: the conversion is part of both. Each row prints the median of the ratios peer / us of
rounds in which one runs right after the other, and how our time grows with the edges (1: linear).
"""

import gc
import time
from statistics import median

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from torch_geometric.data import Data
from torch_geometric.utils import scatter

import graphmax as gm

EDGES = (10**4, 10**5, 10**6)
DEGREE = 10


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compared(ours, theirs, rounds=5):
    """Return the median of theirs / ours, and our best time."""
    ours()
    theirs()
    gc.collect()  # and leave it on, as users do: conversions that make tuples pay for it
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return median(peer / own for own, peer in pairs), min(own for own, _ in pairs)


def random_edges(count, seed=0):
    rng = np.random.default_rng(seed)
    nodes = max(2, count // DEGREE * 2)
    pairs = np.unique(np.sort(rng.integers(0, nodes, (count, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return rng.permutation(pairs), nodes, rng.random(nodes)


def by_scatter(edge_index, x):
    """What PyG users write."""
    highest = scatter(x[edge_index[0]], edge_index[1], dim_size=x.numel(), reduce="max")
    return x > highest


def by_loops(G, values):
    """What networkx users write."""
    return {v for v in G if all(values[v] > values[u] for u in G[v])}


def by_sparse(G, values):
    """The quick way of networkx: through its SciPy matrix."""
    A = nx.to_scipy_sparse_array(G)
    column = np.array([values[v] for v in G])
    highest = np.maximum.reduceat(column[A.indices], A.indptr[:-1].clip(max=A.nnz - 1))
    return column > highest


def networkx_of(count):
    pairs, nodes, x = random_edges(count)
    G = nx.Graph()
    G.add_nodes_from(range(nodes))
    G.add_edges_from(pairs.tolist())
    return G, dict(zip(G, x.tolist(), strict=True))


def both_ways(pairs):
    shuffled = np.random.default_rng(1).permutation(np.concatenate([pairs, pairs[:, ::-1]]))
    return torch.from_numpy(np.ascontiguousarray(shuffled.T))


def case_networkx_and_a_dict(count):
    G, values = networkx_of(count)
    return lambda: gm.local_maxima(G, values), lambda: by_sparse(G, values)


def case_networkx_alone(count):
    G, _ = networkx_of(count)
    return lambda: gm.as_graph(G), lambda: nx.to_scipy_sparse_array(G)


def case_networkx_with_weights(count):
    G, _ = networkx_of(count)
    nx.set_edge_attributes(G, dict.fromkeys(G.edges, 1.5), "weight")
    return lambda: gm.as_graph(G), lambda: nx.to_scipy_sparse_array(G)


def case_networkx_of_text(count):
    G, _ = networkx_of(count)
    H = nx.relabel_nodes(G, {v: f"node {v}" for v in G})
    return lambda: gm.as_graph(H), lambda: nx.to_scipy_sparse_array(H)


def case_to_networkx(count):
    pairs, nodes, _ = random_edges(count)
    graph = gm.Graph.from_edges(*pairs.T, nodes)
    matrix = graph.to_scipy()
    return graph.to_networkx, lambda: nx.from_scipy_sparse_array(matrix)


def case_networkx_and_a_series(count):
    G, values = networkx_of(count)
    series = pd.Series(values).sample(frac=1, random_state=0)
    return lambda: gm.local_maxima(G, series), lambda: by_sparse(G, series.to_dict())


def case_edge_index(count):
    pairs, _, x = random_edges(count)
    edge_index, values = both_ways(pairs), torch.from_numpy(x)
    return lambda: gm.local_maxima(edge_index, values), lambda: by_scatter(edge_index, values)


def case_data(count):
    pairs, nodes, x = random_edges(count)
    data = Data(edge_index=both_ways(pairs), h=torch.from_numpy(x), num_nodes=nodes)
    return lambda: gm.local_maxima(data, "h"), lambda: by_scatter(data.edge_index, data.h)


def case_pair_of_arrays(count):
    pairs, _, x = random_edges(count)
    src, dst = both_ways(pairs).numpy()

    def by_maximum_at():
        highest = np.full(x.size, -np.inf)
        np.maximum.at(highest, dst, x[src])
        return x > highest

    return lambda: gm.local_maxima((src, dst), x), by_maximum_at


def _matrix(count):
    pairs, nodes, x = random_edges(count)
    src, dst = both_ways(pairs).numpy()
    return sp.coo_array((np.ones(src.size, bool), (src, dst)), shape=(nodes, nodes)), x


def case_scipy_coo(count):
    matrix, x = _matrix(count)

    def by_rows():
        rows = matrix.tocsr()
        highest = np.maximum.reduceat(x[rows.indices], rows.indptr[:-1].clip(max=rows.nnz - 1))
        return x > highest

    return lambda: gm.local_maxima(matrix, x, direction="in"), by_rows


def case_scipy_csr(count):
    matrix, x = _matrix(count)
    rows = matrix.tocsr()

    def by_reduceat():
        highest = np.maximum.reduceat(x[rows.indices], rows.indptr[:-1].clip(max=rows.nnz - 1))
        return x > highest

    return lambda: gm.local_maxima(rows, x, direction="in"), by_reduceat


def case_igraph(count):
    igraph = pytest.importorskip("igraph")
    pairs, nodes, x = random_edges(count)
    graph = igraph.Graph(n=nodes, edges=pairs.tolist())
    values = x.tolist()

    def by_neighbors():
        return [v for v in range(nodes) if all(values[v] > values[u] for u in graph.neighbors(v))]

    return lambda: gm.local_maxima(graph, x), by_neighbors


def case_to_igraph(count):
    igraph = pytest.importorskip("igraph")
    pairs, nodes, _ = random_edges(count)
    graph = gm.Graph.from_edges(*pairs.T, nodes)
    return graph.to_igraph, lambda: igraph.Graph(n=nodes, edges=pairs.tolist())


def case_torch_sparse(count):
    matrix, x = _matrix(count)
    coo = matrix.tocoo()
    ones = torch.ones(coo.nnz, dtype=torch.float64)
    ends = torch.from_numpy(np.stack([coo.row, coo.col]))
    tensor = torch.sparse_coo_tensor(ends, ones, coo.shape, check_invariants=True).coalesce()
    values = torch.from_numpy(x)
    return (
        lambda: gm.local_maxima(tensor, values, direction="in"),
        lambda: by_scatter(tensor.indices(), values),
    )


def case_anndata(count):
    anndata = pytest.importorskip("anndata")
    matrix, x = _matrix(count)
    rows = sp.csr_matrix(matrix, dtype=float)
    cells = anndata.AnnData(sp.csr_matrix((x.size, 1)), obs={"h": x}, obsp={"connectivities": rows})

    def by_reduceat():
        found = cells.obsp["connectivities"]
        column = cells.obs["h"].to_numpy()
        first = found.indptr[:-1].clip(max=found.nnz - 1)
        return column > np.maximum.reduceat(column[found.indices], first)

    return lambda: gm.local_maxima(cells, "h"), by_reduceat


def case_trimesh(count):
    trimesh = pytest.importorskip("trimesh")
    side = max(2, int((count / 3) ** 0.5))
    corner = np.arange(side * side).reshape(side, side)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1],
                                            corner[1:, 1:]))  # fmt: skip
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    grid = np.stack(np.unravel_index(np.arange(side * side), (side, side)), 1).astype(float)
    x = np.random.default_rng(0).random(side * side)
    mesh = trimesh.Trimesh(np.column_stack([grid, x]), faces, process=False)

    def by_maximum_at():
        src, dst = trimesh.Trimesh(mesh.vertices, faces, process=False).edges_unique.T
        highest = np.full(x.size, -np.inf)
        np.maximum.at(highest, dst, x[src])
        np.maximum.at(highest, src, x[dst])
        return x > highest

    def ours():
        return gm.local_maxima(trimesh.Trimesh(mesh.vertices, faces, process=False), x)

    return ours, by_maximum_at


def case_libpysal(count):
    graphs = pytest.importorskip("libpysal.graph")
    matrix, x = _matrix(count)
    src, dst = matrix.coords
    alone = np.setdiff1d(np.arange(x.size), src)
    order = np.lexsort((np.r_[dst, alone], np.r_[src, alone]))
    ends = np.r_[src, alone][order], np.r_[dst, alone][order]
    graph = graphs.Graph.from_arrays(*ends, np.r_[np.ones(src.size), np.zeros(alone.size)][order])
    series = pd.Series(x)

    def by_groups():
        ends = graph.adjacency.index
        highest = series.take(ends.get_level_values(1)).groupby(ends.get_level_values(0)).max()
        return series > highest

    return lambda: gm.local_maxima(graph, series), by_groups


def case_rustworkx(count):
    rustworkx = pytest.importorskip("rustworkx")
    pairs, nodes, x = random_edges(count)
    graph = rustworkx.PyGraph()
    graph.add_nodes_from([None] * nodes)
    graph.add_edges_from_no_data([tuple(pair) for pair in pairs.tolist()])
    values = x.tolist()

    def by_neighbors():
        return [v for v in range(nodes) if all(values[v] > values[u] for u in graph.neighbors(v))]

    return lambda: gm.local_maxima(graph, x), by_neighbors


def case_networkit(count):
    networkit = pytest.importorskip("networkit")
    matrix, x = _matrix(count)
    graph = networkit.GraphFromCoo((np.ones(matrix.nnz), matrix.coords), n=x.size)
    values = x.tolist()

    def by_neighbors():
        near = graph.iterNeighbors
        return [v for v in range(x.size) if all(values[v] > values[u] for u in near(v))]

    return lambda: gm.local_maxima(graph, x), by_neighbors


def case_table_of_edges(count):
    pairs, nodes, x = random_edges(count)
    frame = pd.DataFrame(pairs, columns=["src", "dst"])
    values = dict(zip(range(nodes), x.tolist(), strict=True))
    present = pd.unique(frame.to_numpy().ravel())
    known = {node: values[node] for node in present.tolist()}

    def by_merge():
        both = pd.concat([frame, frame.rename(columns={"src": "dst", "dst": "src"})])
        highest = both["src"].map(known).groupby(both["dst"]).max()
        return highest.index[highest.index.map(known) > highest]

    return lambda: gm.local_maxima(gm.as_graph(frame), known), by_merge


CASES = {
    name.removeprefix("case_"): (call, floor)
    for name, call, floor in (
        ("case_networkx_and_a_dict", case_networkx_and_a_dict, 1),
        ("case_networkx_alone", case_networkx_alone, 4),
        ("case_networkx_with_weights", case_networkx_with_weights, 2),
        ("case_networkx_of_text", case_networkx_of_text, 2),
        ("case_to_networkx", case_to_networkx, 1),
        ("case_networkx_and_a_series", case_networkx_and_a_series, 1),
        ("case_edge_index", case_edge_index, 4),
        ("case_data", case_data, 4),
        ("case_pair_of_arrays", case_pair_of_arrays, 1),
        ("case_scipy_coo", case_scipy_coo, 1),
        ("case_scipy_csr", case_scipy_csr, 1),
        ("case_igraph", case_igraph, 1),
        ("case_to_igraph", case_to_igraph, 1),
        ("case_torch_sparse", case_torch_sparse, 1),
        ("case_anndata", case_anndata, 1),
        ("case_trimesh", case_trimesh, 1),
        ("case_libpysal", case_libpysal, 1),
        ("case_rustworkx", case_rustworkx, 1),
        ("case_networkit", case_networkit, 1),
        ("case_table_of_edges", case_table_of_edges, 1),
    )
}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_input(benchmark, name):
    case, floor = CASES[name]
    told, best = [], []
    for count in EDGES:
        ours, theirs = case(count)
        ratio, own = compared(ours, theirs)
        told.append(ratio)
        best.append(own)
    growth = np.log(best[-1] / best[0]) / np.log(EDGES[-1] / EDGES[0])
    benchmark.extra_info.update(ratios=told, growth=growth)
    benchmark.pedantic(ours, rounds=1)
    shown = ", ".join(f"{ratio:.1f}" for ratio in told)
    print(f"\n{name}: {shown} times at 10^4, 10^5, 10^6 edges (floor {floor}); growth {growth:.2f}")


@pytest.mark.parametrize("entries", [10**6, 16 * 10**6])
def test_an_edge_index_of_a_million_nodes(benchmark, entries):
    rng = np.random.default_rng(0)
    edge_index = torch.from_numpy(rng.integers(0, 10**6, (2, entries)))
    x = torch.from_numpy(rng.random(10**6))
    ratio, _ = compared(lambda: gm.local_maxima(edge_index, x), lambda: by_scatter(edge_index, x))
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(lambda: gm.local_maxima(edge_index, x), rounds=1)
    print(f"\n{entries:,} entries: {ratio:.2f} times faster than PyG's scatter (floor 4, aim 10)")
