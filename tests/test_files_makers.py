"""One small graph as networkx, igraph, Gephi and people write it, in every format: read alike.

And every valid file, converted into every writable format, is the same graph.
"""

import sys
import warnings
from pathlib import Path

import igraph
import networkx as nx
import numpy as np
import pytest
from same_graph import assert_same_graph

from graphmax import Graph, read_graph, write_graph
from graphmax.files.formats import written_endings

sys.path.insert(0, str(Path(__file__).parent / "corpus"))
from valid_files import valid_files

HEIGHT = {"a": 3, "b": 5, "c": 1, "d": 4}
EDGES = [("a", "b", 2.0), ("b", "c", 1.5), ("c", "d", 3.0)]


def by_networkx():
    graph = nx.Graph()
    for name, height in HEIGHT.items():
        graph.add_node(name, height=height)
    graph.add_weighted_edges_from(EDGES)
    return graph


def numbered(graph):
    return nx.convert_node_labels_to_integers(graph, first_label=1)


def by_igraph():
    graph = igraph.Graph([(0, 1), (1, 2), (2, 3)])
    graph.vs["name"], graph.vs["height"] = list(HEIGHT), list(HEIGHT.values())
    graph.es["weight"] = [weight for *_, weight in EDGES]
    return graph


NETWORKX = {
    "graphml": nx.write_graphml,
    "gexf": nx.write_gexf,
    "gml": nx.write_gml,
    "net": nx.write_pajek,
    "csv": lambda graph, path: nx.write_edgelist(graph, path, delimiter=",", data=["weight"]),
    "edgelist": nx.write_edgelist,
    "adjlist": nx.write_adjlist,
    "json": lambda graph, path: Path(path).write_text(__import__("json").dumps(nx.node_link_data(graph, edges="edges"))),
    "cyjs": lambda graph, path: Path(path).write_text(__import__("json").dumps(nx.cytoscape_data(graph))),
}  # fmt: skip
IGRAPH = {
    "graphml": lambda graph, path: graph.write_graphml(str(path)),
    "gml": lambda graph, path: graph.write_gml(str(path)),
    "net": lambda graph, path: graph.write_pajek(str(path)),
    "dot": lambda graph, path: graph.write_dot(str(path)),
    "edges": lambda graph, path: graph.write_ncol(str(path), names="name", weights="weight"),
}
HAND = {
    "gexf": """<gexf xmlns="http://www.gexf.net/1.3" version="1.3"><graph defaultedgetype="undirected">
<attributes class="node"><attribute id="height" title="height" type="integer"/></attributes><nodes>{}</nodes>
<edges>{}</edges></graph></gexf>""".format(
        "".join(f'<node id="{n}" label="{n}"><attvalues><attvalue for="height" value="{h}"/></attvalues></node>'
                for n, h in HEIGHT.items()),
        "".join(f'<edge id="{i}" source="{u}" target="{v}" weight="{w}"/>' for i, (u, v, w) in enumerate(EDGES)),
    ),
    "csv": "Source,Target,Type,Id,Label,Weight\n" + "".join(
        f"{u},{v},Undirected,{i},,{w}\n" for i, (u, v, w) in enumerate(EDGES)),
    "tsv": "from\tto\tweight\n" + "".join(f"{u}\t{v}\t{w}\n" for u, v, w in EDGES),
    "dot": "graph {" + "".join(f"{n} [height={h}];" for n, h in HEIGHT.items()) + "".join(
        f"{u} -- {v} [weight={w}];" for u, v, w in EDGES) + "}",
    "gml": "graph [" + "".join(f'node [ id {i} label "{n}" height {h} ]' for i, (n, h) in enumerate(HEIGHT.items()))
    + "".join(f"edge [ source {ord(u) - 97} target {ord(v) - 97} weight {w} ]" for u, v, w in EDGES) + "]",
    "net": "*Vertices 4\n" + "".join(f'{i} "{n}"\n' for i, n in enumerate(HEIGHT, 1)) + "*Edges\n" + "".join(
        f"{ord(u) - 96} {ord(v) - 96} {w}\n" for u, v, w in EDGES),
    "sif": "".join(f"{u} x {v}\n" for u, v, _ in EDGES),
    "matrix": ",a,b,c,d\na,0,2,0,0\nb,2,0,1.5,0\nc,0,1.5,0,3\nd,0,0,3,0\n",
}  # fmt: skip
BARE = {"adjlist", "sif", "csv", "tsv", "edgelist", "edges", "net", "matrix"}
UNWEIGHTED = {"adjlist", "sif"}


def assert_small_graph(graph, ending):
    assert not graph.directed
    assert graph.num_nodes == 4
    labels = graph.label_of(np.arange(4)).tolist()
    if set(labels) != set(HEIGHT):  # igraph keeps names beside its ids
        labels = next(c.tolist() for n, c in graph.attributes.items() if n in ("name", "label"))
    found = {frozenset((labels[u], labels[v])) for u, v in graph.edges().T.tolist()}
    assert found == {frozenset(edge[:2]) for edge in EDGES}
    if ending not in UNWEIGHTED and not (ending == "csv" and graph.weights is None):
        weights = {
            frozenset((labels[u], labels[v])): weight
            for (u, v), weight in zip(graph.edges().T.tolist(), graph.edge_weights(), strict=True)
        }
        assert weights == {frozenset((u, v)): weight for u, v, weight in EDGES}
    if ending not in BARE:
        heights = dict(zip(labels, graph.attributes["height"].tolist(), strict=True))
        assert heights == HEIGHT


@pytest.mark.parametrize("ending", NETWORKX)
def test_networkx(tmp_path, ending):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pajek takes text only
        NETWORKX[ending](by_networkx(), tmp_path / f"g.{ending}")
    graph = read_graph(tmp_path / f"g.{ending}", **({"weight": 2} if ending == "csv" else {}))
    assert_small_graph(graph, ending)


@pytest.mark.parametrize("ending", IGRAPH)
def test_igraph(tmp_path, ending):
    IGRAPH[ending](by_igraph(), tmp_path / f"g.{ending}")
    options = {"weight": 2} if ending == "edges" else {}
    assert_small_graph(read_graph(tmp_path / f"g.{ending}", **options), ending)


@pytest.mark.parametrize("ending", HAND)
def test_people_and_gephi(tmp_path, ending):
    (tmp_path / f"g.{ending}").write_text(HAND[ending])
    assert_small_graph(read_graph(tmp_path / f"g.{ending}"), ending)


def test_numbers_of_numpy_in_gexf(tmp_path):
    graph = nx.Graph()
    graph.add_node(1, n=np.int32(7), x=np.float32(0.5))
    nx.write_gexf(graph, tmp_path / "g.gexf")
    found = read_graph(tmp_path / "g.gexf")
    assert found.attributes["n"].tolist() == [7]
    assert found.attributes["x"].tolist() == [0.5]


@pytest.mark.parametrize("ending", valid_files())
def test_conversions_are_the_same_graph(tmp_path, ending):
    (tmp_path / f"g.{ending}").write_bytes(valid_files()[ending])
    graph = read_graph(tmp_path / f"g.{ending}")
    for other in written_endings().replace(".", "").split(", "):
        write_graph(graph, tmp_path / f"out.{other}")
        found = read_graph(tmp_path / f"out.{other}")
        assert_same_graph(found, graph)
        assert found.shape == graph.shape
        if graph.positions is not None:
            np.testing.assert_array_equal(found.positions, graph.positions)


def test_a_graph_is_what_it_was_after_a_tour(tmp_path):
    graph = Graph.from_edges(
        [0, 2], [1, 3], 5, labels=["1", "x", "1e3", "", "é"], directed=True, weights=[-1.5, 0.1],
        attributes={"h": np.ma.array([1, 2, 3, 4, 5], mask=[0, 1, 0, 0, 0], dtype=np.uint8)},
    )  # fmt: skip
    first = graph
    for other in written_endings().replace(".", "").split(", "):
        write_graph(graph, tmp_path / f"out.{other}")
        graph = read_graph(tmp_path / f"out.{other}")
    assert_same_graph(graph, first)
