"""One small graph as networkx, igraph, Gephi and people write it, in every format: read alike.

And every valid file, converted into every writable format, is the same graph.
"""

import gzip
import json
import sys
import warnings
from pathlib import Path

import igraph
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse
import torch
from same_graph import assert_same_graph
from torch_geometric.data import Data

from graphmax import Graph, read_graph, write_graph
from graphmax.files.errors import GraphFileError
from graphmax.files.reading import written_endings

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


MATRIX = np.zeros((4, 4))
for first, second, entry in EDGES:
    MATRIX[[ord(first) - 97, ord(second) - 97], [ord(second) - 97, ord(first) - 97]] = entry
PAIRS = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
STRENGTHS = torch.tensor([2.0, 2.0, 1.5, 1.5, 3.0, 3.0])


def rows(text, each=None):
    """Return a header and a line per edge, or per node with `each` "node"."""
    if each == "node":
        return "".join(
            text.format(i=i, j=i + 1, n=n, h=h) for i, (n, h) in enumerate(HEIGHT.items())
        )
    return "".join(
        text.format(i=i, u=u, v=v, w=w, a=ord(u) - 97, b=ord(v) - 97, c=ord(u) - 96, d=ord(v) - 96)
        for i, (u, v, w) in enumerate(EDGES)
    )


def as_json(nodes, edges, **more):
    """Return a JSON file with a dictionary per node and per edge."""
    listed = [nodes(i, n, h) for i, (n, h) in enumerate(HEIGHT.items())]
    return json.dumps({"nodes": listed, "edges": [edges(*edge) for edge in EDGES], **more})


def by_scanpy(path):
    anndata = pytest.importorskip("anndata")
    obs = pd.DataFrame({"height": list(HEIGHT.values())}, index=list(HEIGHT))
    obsp = {"connectivities": scipy.sparse.csr_matrix(MATRIX)}
    anndata.AnnData(np.zeros((4, 1)), obs=obs, obsp=obsp).write_h5ad(path)


def by_igraph_packed(path):
    by_igraph().write_graphml(str(path))  # its own write_graphmlz leaves a file open
    path.write_bytes(gzip.compress(path.read_bytes()))


def table():
    """Return the edges as a table of pandas."""
    return nx.to_pandas_edgelist(by_networkx())


# Of each: what is in it beside the edges, "w" weights, "h" heights, and what writes it: a text, or
# a function of the path.
MAKERS = {
    "networkx.graphml.gz": ("wh", lambda path: nx.write_graphml(by_networkx(), path)),
    "networkx.gml.gz": ("wh", lambda path: nx.write_gml(by_networkx(), path)),
    "links.json": ("wh", json.dumps(nx.node_link_data(by_networkx(), edges="links"))),
    "adjacency.json": ("wh", json.dumps(nx.adjacency_data(by_networkx()))),
    "networkx.g6": ("", lambda path: nx.write_graph6(by_networkx(), path)),
    "networkx.s6": ("", lambda path: nx.write_sparse6(by_networkx(), path)),
    "data.edgelist": ("", lambda path: nx.write_edgelist(by_networkx(), path, data=["weight"])),
    "scipy.mtx": ("w", lambda path: scipy.io.mmwrite(path, scipy.sparse.coo_array(MATRIX))),
    "symmetric.mtx": ("w", lambda path: scipy.io.mmwrite(path, scipy.sparse.coo_array(MATRIX), symmetry="symmetric")),
    "csr.npz": ("w", lambda path: scipy.sparse.save_npz(path, scipy.sparse.csr_array(MATRIX))),
    "csc.npz": ("w", lambda path: scipy.sparse.save_npz(path, scipy.sparse.csc_array(MATRIX))),
    "coo.npz": ("w", lambda path: scipy.sparse.save_npz(path, scipy.sparse.coo_array(MATRIX))),
    "sparse.mat": ("w", lambda path: scipy.io.savemat(path, {"A": scipy.sparse.csc_array(MATRIX)})),
    "dense.mat": ("w", lambda path: scipy.io.savemat(path, {"A": MATRIX})),
    "pandas.csv": ("w", lambda path: table().to_csv(path, index=False)),
    "index.csv": ("w", lambda path: table().to_csv(path)),
    "pandas.tsv": ("w", lambda path: table().to_csv(path, index=False, sep="\t")),
    "pandas.parquet": ("w", lambda path: table().to_parquet(path, index=False)),
    "index.parquet": ("w", lambda path: table().to_parquet(path)),
    "matrix.csv": ("w", lambda path: nx.to_pandas_adjacency(by_networkx()).to_csv(path)),
    "igraph.graphmlz": ("wh", by_igraph_packed),
    "igraph.edgelist": ("", lambda path: by_igraph().write_edgelist(str(path))),
    "igraph.ncol": ("", lambda path: by_igraph().write_ncol(str(path))),
    "igraph.csv": ("w", lambda path: by_igraph().get_edge_dataframe().to_csv(path)),
    "scanpy.h5ad": ("h", by_scanpy),
    "pyg.pt": ("wh", lambda path: torch.save(Data(edge_index=PAIRS, edge_weight=STRENGTHS, height=torch.tensor(list(HEIGHT.values())), num_nodes=4), path)),
    "gephi.csv": ("w", "Source,Target,Type,Id,Label,timeset,Weight\n" + rows("{u},{v},Undirected,{i},,,{w}\n")),
    "gephi_matrix.csv": ("w", ";a;b;c;d\na;0;2;0;0\nb;2;0;1.5;0\nc;0;1.5;0;3\nd;0;0;3;0\n"),
    "gephi.gexf": ("wh", '<?xml version="1.0" encoding="UTF-8"?><gexf xmlns="http://gexf.net/1.3" version="1.3" xmlns:viz="http://gexf.net/1.3/viz">'
        '<meta lastmodifieddate="2024-01-01"><creator>Gephi 0.10</creator></meta><graph defaultedgetype="undirected" idtype="string" mode="static">'
        '<attributes class="node" mode="static"><attribute id="height" title="height" type="integer"/></attributes><nodes count="4">'
        + rows('<node id="{n}" label="{n}"><attvalues><attvalue for="height" value="{h}"/></attvalues><viz:size value="10.0"/><viz:color r="1" g="2" b="3"/></node>', "node")
        + '</nodes><edges count="3">' + rows('<edge id="{i}" source="{u}" target="{v}" weight="{w}"/>') + "</edges></graph></gexf>"),
    "gephi.graphml": ("wh", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key attr.name="label" attr.type="string" for="node" id="label"/>'
        '<key attr.name="weight" attr.type="double" for="edge" id="weight"/><key attr.name="Edge Id" attr.type="string" for="edge" id="edgeid"/>'
        '<key attr.name="height" attr.type="int" for="node" id="height"/><graph edgedefault="undirected">'
        + rows('<node id="{n}"><data key="label">{n}</data><data key="height">{h}</data></node>', "node")
        + rows('<edge id="{i}" source="{u}" target="{v}"><data key="edgeid">{i}</data><data key="weight">{w}</data></edge>') + "</graph></graphml>"),
    "gephi.gml": ("h", 'graph\n[\n  Creator "Gephi"\n  directed 0\n' + rows('  node\n  [\n    id {i}\n    label "{n}"\n    graphics\n    [\n      x 1.0\n      fill "#c0c0c0"\n    ]\n    height {h}\n  ]\n', "node")
        + rows("  edge\n  [\n    id {i}\n    source {a}\n    target {b}\n    value {w}\n  ]\n") + "]\n"),
    "gephi.net": ("w", "*Vertices 4\n" + rows('{j} "{n}" 0.1 0.2 0.3\n', "node") + "*Arcs\n*Edges\n" + rows("{c} {d} {w}\n")),
    "gephi.json": ("wh", as_json(lambda i, n, h: {"key": n, "attributes": {"label": n, "height": h}}, lambda u, v, w: {"source": u, "target": v, "attributes": {"weight": w}}, options={"type": "undirected", "multi": False})),
    "vis.json": ("wh", as_json(lambda i, n, h: {"id": i, "label": n, "height": h}, lambda u, v, w: {"from": ord(u) - 97, "to": ord(v) - 97, "weight": w})),
    "names.json": ("wh", as_json(lambda i, n, h: {"name": n, "height": h}, lambda u, v, w: {"source": u, "target": v, "weight": w})),
    "numbers.json": ("wh", as_json(lambda i, n, h: {"name": n, "height": h}, lambda u, v, w: {"source": ord(u) - 97, "target": ord(v) - 97, "weight": w})),
    "jgf.json": ("wh", json.dumps({"graph": {"directed": False, "nodes": {n: {"metadata": {"height": h}} for n, h in HEIGHT.items()}, "edges": [{"source": u, "target": v, "metadata": {"weight": w}} for u, v, w in EDGES]}})),
    "cytoscape.json": ("wh", json.dumps([{"data": {"id": n, "height": h}} for n, h in HEIGHT.items()] + [{"data": {"id": u + v, "source": u, "target": v, "weight": w}} for u, v, w in EDGES])),
    "split.json": ("wh", json.dumps({"elements": {"nodes": [{"data": {"id": n, "height": h}} for n, h in HEIGHT.items()], "edges": [{"data": {"source": u, "target": v, "weight": w}} for u, v, w in EDGES]}})),
    "out.konect": ("", "% sym positive\n% 3 4 4\n" + rows("{c} {d} {w}\n")),
    "hand.graph": ("", "% integers only\n4 3\n2\n1 3\n2 4\n3\n"),
    "hand.gal": ("", "4\na 1\nb\nb 2\na c\nc 2\nb d\nd 1\nc\n"),
    "hand.gwt": ("w", "0 4 g ID\n" + rows("{u} {v} {w}\n{v} {u} {w}\n")),
    "hand.paj": ("wh", "*Network x\n*Vertices 4\n" + rows('{j} "{n}"\n', "node") + "*Edges\n" + rows("{c} {d} {w}\n") + "\n*Vector height\n*Vertices 4\n" + rows("{h}\n", "node")),
    "matrix.net": ("w", "*Vertices 4\n" + rows('{j} "{n}"\n', "node") + "*Matrix\n0 2 0 0\n2 0 1.5 0\n0 1.5 0 3\n0 0 3 0\n"),
    "hand.gv": ("wh", "strict graph g {\n node [shape=box];\n" + rows(' "{n}" [label="{n}", height={h}];\n', "node") + rows(' "{u}" -- "{v}" [weight={w}];\n') + "}\n"),
    "semicolon.csv": ("w", "source;target;weight\n" + rows("{u};{v};{w}\n")),
    "comma.csv": ("w", "source;target;weight\n" + rows("{u};{v};{w}\n").replace(".", ",")),
    "excel.csv": ("w", "\ufeffsource,target,weight\r\n" + rows("{u},{v},{w}\r\n")),
    "bar.txt": ("w", "source|target|weight\n" + rows("{u}|{v}|{w}\n")),
    "r.csv": ("w", '"","from","to","weight"\n' + rows('"{i}","{u}","{v}",{w}\n')),
}  # fmt: skip


@pytest.mark.parametrize("name", MAKERS)
def test_other_makers(tmp_path, name):
    holds, made = MAKERS[name]
    if isinstance(made, str):
        (tmp_path / name).write_text(made, encoding="utf-8", newline="")
    else:
        made(tmp_path / name)
    graph = read_graph(tmp_path / name)
    # Who writes no names numbers the nodes in their order, from 0 or 1 on.
    names = graph.label_of(np.arange(4)).tolist()
    place = {node: i for i, node in enumerate(sorted(names))}
    ends = [[place[names[end]] for end in pair] for pair in graph.edges().T.tolist()]
    assert graph.num_nodes == 4
    assert not graph.directed
    assert sorted(map(sorted, ends)) == [[0, 1], [1, 2], [2, 3]]
    assert (graph.weights is None) == ("w" not in holds)
    for pair, weight in zip(ends, graph.edge_weights() if "w" in holds else (), strict=False):
        assert weight == MATRIX[tuple(pair)]
    heights = graph.attributes.get("height")
    assert (heights is None) == ("h" not in holds)
    if heights is not None:
        assert [heights[names.index(node)] for node in sorted(names)] == list(HEIGHT.values())


def test_names_and_types_of_neo4j(tmp_path):
    (tmp_path / "edges.csv").write_text(
        ":START_ID,weight:float,:END_ID,:TYPE\n" + rows("{u},{w},{v},K\n")
    )
    (tmp_path / "nodes.csv").write_text(
        "nameId:ID,height:float,:LABEL\n" + rows("{n},{h},P\n", "node")
    )
    graph = read_graph(tmp_path / "edges.csv")
    assert graph.directed
    assert graph.edge_weights().tolist() == [weight for *_, weight in EDGES]
    assert graph.attributes["height"].tolist() == list(HEIGHT.values())


def test_an_attribute_whose_name_has_a_colon_keeps_it(tmp_path):
    graph = Graph.from_edges([0], [1], attributes={"height:float": [1.5, 2.5]})
    write_graph(graph, tmp_path / "a.csv")
    assert list(read_graph(tmp_path / "a.csv").attributes) == ["height:float"]


def test_neptune(tmp_path):
    (tmp_path / "a.csv").write_text(
        "~id,~from,~to,~label,weight:Double\n" + rows("e{i},{u},{v},k,{w}\n")
    )
    graph = read_graph(tmp_path / "a.csv")
    assert graph.directed
    assert graph.edges().T.tolist() == [[0, 1], [1, 2], [2, 3]]
    assert graph.edge_weights().tolist() == [weight for *_, weight in EDGES]


def test_a_name_that_pandas_counts_stands_over_the_column_of_that_name(tmp_path):
    (tmp_path / "a.csv").write_text("city,city.1\nParis,Rome\nRome,Oslo\n")
    assert set(read_graph(tmp_path / "a.csv").label_of([0, 1, 2])) == {"Paris", "Rome", "Oslo"}


def test_lines_of_several_are_no_adjacency_list(tmp_path):
    nx.write_multiline_adjlist(by_networkx(), tmp_path / "a.adjlist")
    with pytest.raises(
        GraphFileError, match="a node and its neighbors in each line.*write_adjlist"
    ):
        read_graph(tmp_path / "a.adjlist")


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


def test_counts_of_off_on_too_few_lines(tmp_path):
    (tmp_path / "a.off").write_bytes(b"OFF\n4\r\n0")
    with pytest.raises(GraphFileError, match="0 lines for 4 elements"):
        read_graph(tmp_path / "a.off")
