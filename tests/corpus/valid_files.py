"""One small valid file of every format, as bytes: what the corpus and the fuzzer start from."""

import gzip
import io
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

CSV = b"src,dst,weight\n1,2,0.5\n2,3,1\n3,1,2\n7,8,4\n"
GRAPHML = b"""<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="h" for="node" attr.name="height" attr.type="long"/>
<key id="w" for="edge" attr.name="weight" attr.type="double"/>
<graph edgedefault="undirected">
<node id="a"><data key="h">3</data></node>
<node id="b"><data key="h">5</data></node>
<node id="c"/>
<edge source="a" target="b"><data key="w">0.5</data></edge>
<edge source="b" target="c"><data key="w">2</data></edge>
</graph>
</graphml>
"""
GEXF = b"""<?xml version="1.0" encoding="utf-8"?>
<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">
<graph defaultedgetype="directed" mode="static">
<attributes class="node"><attribute id="0" title="height" type="long"/></attributes>
<nodes>
<node id="a" label="Ann"><attvalues><attvalue for="0" value="3"/></attvalues></node>
<node id="b" label="Bob"/>
<node id="c" label="Cy"/>
</nodes>
<edges>
<edge id="0" source="a" target="b" weight="0.5"/>
<edge id="1" source="b" target="c"/>
</edges>
</graph>
</gexf>
"""
GML = b"""graph
[
  directed 0
  node [ id 1 label "Ann" height 3 ]
  node [ id 2 label "Bob" height 5.5 ]
  node [ id 3 label "Cy" ]
  edge [ source 1 target 2 weight 0.5 ]
  edge [ source 2 target 3 weight 2 ]
]
"""
PAJEK = b"""*Network small
*Vertices 3
1 "Ann" 0.1 0.2
2 "Bob" 0.3 0.4
3 "Cy"
*Arcs
1 2 0.5
*Edges
2 3 2
"""
METIS = b"% small\n3 2 011\n7 2 5\n8 1 5 3 6\n9 2 6\n"
MATRIX_MARKET = b"""%%MatrixMarket matrix coordinate real symmetric
% small
3 3 2
2 1 0.5
3 2 2
"""
OFF = b"OFF\n4 2 0\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n3 0 1 2\n3 1 2 3\n"
PLY = b"""ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
element face 2
property list uchar int vertex_indices
end_header
0 0 0
1 0 0
0 1 0
1 1 0
3 0 1 2
3 1 2 3
"""
OBJ = b"# small\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1 2 3\nf 2/1 3/1 4/1\n"
NODE_LINK = json.dumps(
    {
        "directed": False, "multigraph": False, "graph": {},
        "nodes": [{"id": 1, "height": 3}, {"id": 2, "height": 5}, {"id": 3}],
        "edges": [{"source": 1, "target": 2, "weight": 0.5}, {"source": 2, "target": 3, "weight": 2}],
    }
).encode()  # fmt: skip
CYTOSCAPE = json.dumps(
    {
        "elements": {
            "nodes": [{"data": {"id": "a", "height": 3}}, {"data": {"id": "b"}}],
            "edges": [{"data": {"source": "a", "target": "b", "weight": 0.5}}],
        }
    }
).encode()


DOT = b'graph g { node [shape=box]; a [height=3]; b [height="5"]; a -- b -- {c d} [weight=.5]; }\n'
SIF = b"a pp b c\nb pd d\ne\n"
ADJACENCY = b"# small\n1 2 3\n2 3\n3 4\n4\n"
GAL = b"4\n1 2\n2 3\n2 2\n1 3\n3 2\n1 2\n4 0\n\n"
GWT = b"0 3 small id\n1 2 0.5\n2 1 0.5\n2 3 2\n3 2 2\n"
MATRIX = b",A,B,C\nA,0,1,0\nB,1,0,2.5\nC,0,2.5,0\n"
STL = b"""solid small
facet normal 0 0 1
outer loop
vertex 0 0 0
vertex 1 0 0
vertex 0 1 0
endloop
endfacet
endsolid small
"""


ASC = b"ncols 3\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9\n1 2 3\n4 -9 6\n"
GIFTI = b"""<?xml version="1.0"?><GIFTI>
<DataArray Intent="NIFTI_INTENT_POINTSET" DataType="NIFTI_TYPE_FLOAT32" Dim0="3" Dim1="3" Encoding="ASCII">
<Data>0 0 0 1 0 0 0 1 0</Data></DataArray>
<DataArray Intent="NIFTI_INTENT_TRIANGLE" DataType="NIFTI_TYPE_INT32" Dim0="1" Dim1="3" Encoding="ASCII">
<Data>0 1 2</Data></DataArray></GIFTI>
"""


def mat():
    """Bytes of a sparse matrix as MATLAB saves it."""
    import scipy.io
    import scipy.sparse

    stream = io.BytesIO()
    matrix = scipy.sparse.csc_array(np.array([[0, 1, 0], [1, 0, 2], [0, 2, 0]], float))
    scipy.io.savemat(stream, {"A": matrix})
    return b"MATLAB 5.0 MAT-file".ljust(116) + stream.getvalue()[116:]  # its head names no day


def binary_ply():
    """Bytes of a mesh of a triangle and a square, little-endian."""
    import struct

    head = PLY.partition(b"end_header")[0].replace(b"ascii", b"binary_little_endian")
    places = struct.pack("<12f", 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0)
    return head + b"end_header\n" + places + struct.pack("<B3iB4i", 3, 0, 1, 2, 4, 0, 1, 3, 2)


def parquet():
    """Bytes of a Parquet edge table, the same at every call."""
    import duckdb

    edges = "select * from (values ('a', 'b', 0.5::double), ('b', 'c', 2)) t(src, dst, weight)"
    with tempfile.TemporaryDirectory() as folder:
        duckdb.sql(f"copy ({edges}) to '{folder}/g.parquet' (format parquet)")
        return (Path(folder) / "g.parquet").read_bytes()


def npz():
    """Bytes of an NPZ file of `write_graph`."""
    from graphmax import Graph, write_graph

    graph = Graph.from_edges(
        [0, 1], [1, 2], weights=[0.5, 2], labels=["a", "b", "c"], attributes={"height": [3, 5, 4]}
    )
    with tempfile.TemporaryDirectory() as folder:
        write_graph(graph, Path(folder) / "g.npz")
        return (Path(folder) / "g.npz").read_bytes()


def sparse_npz():
    """Bytes of an NPZ file of SciPy."""
    import scipy.sparse

    stream = io.BytesIO()
    scipy.sparse.save_npz(
        stream, scipy.sparse.csr_array(np.array([[0, 1, 0], [1, 0, 2], [0, 2, 0]]))
    )
    return stream.getvalue()


def torch_file():
    """Bytes of a PyG ``Data`` saved by ``torch.save``."""
    import torch
    from torch_geometric.data import Data

    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    stream = io.BytesIO()
    torch.save(Data(edge_index=edge_index, height=torch.tensor([3, 5, 4])), stream)
    return stream.getvalue()


PIXELS = np.array([[0, 50, 100, 7], [200, 250, 3, 7], [9, 9, 9, 7]], np.uint8)


def image(kind):
    """Bytes of a gray image."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    return stream.getvalue()


def npy():
    """Bytes of an array."""
    stream = io.BytesIO()
    np.save(stream, PIXELS)
    return stream.getvalue()


GRAPHOLOGY = json.dumps(
    {
        "options": {"type": "mixed", "multi": False},
        "nodes": [{"key": "a", "attributes": {"height": 3}}, {"key": "b"}],
        "edges": [{"source": "a", "target": "b", "undirected": True, "attributes": {"weight": 2}}],
    }
).encode()
VIS_JS = json.dumps(
    {
        "nodes": [{"id": 1, "label": "Ann", "value": 3}, {"id": 2, "label": "Bob"}],
        "edges": [{"from": 1, "to": 2, "arrows": "to"}],
    }
).encode()
JSON_GRAPH = json.dumps(
    {
        "graph": {
            "directed": True,
            "nodes": {"a": {"label": "Ann", "metadata": {"height": 3}}, "b": {}},
            "edges": [{"source": "a", "target": "b", "metadata": {"weight": 0.5}}],
        }
    }
).encode()
D3 = json.dumps(
    {
        "nodes": [{"name": "Ann", "group": 1}, {"name": "Bob", "group": 2}],
        "links": [{"source": 0, "target": 1, "value": 3}],
    }
).encode()
GRAPHSON = (
    b'{"id":{"@type":"g:Int32","@value":1},"label":"person","outE":{"knows":[{"id":7,"inV":2,'
    b'"properties":{"weight":0.5}}]},"properties":{"name":[{"id":0,"value":"Ann"}]}}\n'
    b'{"id":2,"label":"person","properties":{"name":[{"id":1,"value":"Bob"}]}}\n'
)
ADJACENCY_DATA = json.dumps(
    {
        "directed": False, "multigraph": False, "graph": [["name", "small"]],
        "nodes": [{"height": 3, "id": 1}, {"id": 2}, {"id": 3}],
        "adjacency": [[{"weight": 2, "id": 2}], [{"weight": 2, "id": 1}, {"id": 3}], [{"id": 2}]],
    }
).encode()  # fmt: skip
JSON_LINES = b'{"id": 1, "height": 3}\n{"id": 2}\n{"source": 1, "target": 2, "weight": 0.5}\n'
KONECT = b"% asym posweighted\n% 3 3 4\n1 2 0.5\n2 3 1\n3 1 2\n"
GEPHI = b"Source;Target;Type;Id;Label;Weight\na;b;Directed;0;;1.5\nb;c;Undirected;1;x;2\n"
NEO4J = b"source:START_ID(P),since:int,target:END_ID(P),:TYPE\n1,2,7,KNOWS\n7,5,1,KNOWS\n"
QUOTED = b'id,"from, id",to,score\r\n0,"a ""b""",c,1.5\r\n1,c,"d\ne",2\r\n'
SQUARE = b"0;1;0;0;2\n1;0;1;0;0\n0;1;0;1;0\n0;0;1;0;1\n2;0;0;1;0\n"
DICTS = b"a b {'weight': 1.5}\nb c {'weight': 2, 'color': 'red'}\n"
NODE_TABLE = b"id,name,height\n1,Ann,3\n2,Bob,\n3,Cy,5.5\n7,Di,1\n8,Ed,2\n"
TWO_MODE = b'*Vertices 4 2\n1 "a"\n2 "b"\n3 "x"\n4 "y"\n*Matrix\n1 0\n2.5 1\n'
RELATIONS = b'*Vertices 3\n1 a\n2 b\n3 c\n*Arcslist :1 "likes"\n1 2 3\n*Edgeslist :1 "likes"\n2 3\n'
RECTANGLE = b"%%MatrixMarket matrix coordinate integer general\n%\n2 3 3\n1 1 -1\n1 3 2\n2 2 3\n"
YED = b"""<?xml version="1.0"?><!DOCTYPE graphml><graphml xmlns:y="http://www.yworks.com/xml/graphml">
<key for="node" id="d0" yfiles.type="nodegraphics"/><key for="node" id="d1" attr.name="h" attr.type="string"/>
<graph edgedefault="directed"><node id="n0"><data key="d0"><y:ShapeNode><y:NodeLabel>Ann</y:NodeLabel></y:ShapeNode>
</data><data key="d1"> 3 </data><graph id="n0:" edgedefault="directed"><node id="n0::n0"/></graph></node>
<node id="n1"/><edge source="n0::n0" target="n1" directed="false"/></graph></graphml>
"""
GEXF_13 = b"""<gexf xmlns="http://gexf.net/1.3" xmlns:viz="http://gexf.net/1.3/viz" version="1.3">
<graph defaultedgetype="undirected" mode="dynamic" timeformat="date"><attributes class="node">
<attribute id="b" title="born" type="date"/><attribute id="s" title="size" type="short"/>
<attribute id="l" title="tags" type="liststring"/></attributes>
<nodes><node id="1" label="Ann"><viz:position x="1" y="2"/><attvalues><attvalue for="b" value="2001-02-03"/>
<attvalue for="s" value="1" start="2001"/><attvalue for="s" value="2" start="2002"/>
<attvalue for="l" value="[a, b]"/></attvalues></node><node id="2"/></nodes>
<edges><edge source="1" target="2" type="mutual"/><edge source="2" target="1" type="directed"/></edges></graph></gexf>
"""
DOT_PORTS = b"""// small
strict digraph "a b" { rankdir=LR; subgraph cluster_0 { label="x"; a:n -> b:s [weight=2, label=<<b>y</b>>]; }
  "c d" [label="C\\nD", height=3]; b -> "c d" -> {e; f} /* end */; # done
}
"""
SCALAR_PLY = PLY.replace(
    b"property float z\n", b"property float z\nproperty float quality\n"
).replace(b" 0\n", b" 0 0.5\n", 4)


def graphmlz():
    """Bytes of GraphML as igraph packs it."""
    return gzipped(GRAPHML)


def h5ad():
    """Bytes of cells with a neighbor graph."""
    import anndata
    import scipy.sparse

    matrix = scipy.sparse.csr_matrix(np.array([[0, 0.5, 0], [0.5, 0, 1], [0, 1, 0]]))
    cells = anndata.AnnData(np.zeros((3, 1)), obs={"height": [3.0, 5.0, 4.0]})
    cells.obsp["connectivities"] = matrix
    with tempfile.TemporaryDirectory() as folder:
        cells.write_h5ad(f"{folder}/cells.h5ad")
        return Path(folder, "cells.h5ad").read_bytes()


def adj_data(**changed):
    """Bytes of a matrix in parts, as collections of node classification ship it."""
    stream = io.BytesIO()
    parts = {
        "adj_data": np.ones(4, np.float32), "adj_indices": np.array([1, 0, 2, 1]),
        "adj_indptr": np.array([0, 1, 3, 4]), "adj_shape": np.array([3, 3]),
        "labels": np.array([0, 1, 1]),
    }  # fmt: skip
    np.savez(stream, **{**parts, **changed})
    return stream.getvalue()


def collated():
    """Bytes of two graphs of PyG as a data set stores them."""
    import torch
    from torch_geometric.data import Data, InMemoryDataset

    pairs = [torch.tensor([[0, 1], [1, 0]]), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])]
    graphs = [
        Data(edge_index=pair, x=torch.ones(n, 1)) for n, pair in zip((2, 3), pairs, strict=True)
    ]
    stream = io.BytesIO()
    torch.save(InMemoryDataset.collate(graphs), stream)
    return stream.getvalue()


def geo_tiff():
    """Bytes of a TIFF with a place on a map and a value for nothing."""
    from PIL import Image, TiffImagePlugin

    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, kind, value in (
        (33550, 12, (10.0, 10.0, 0.0)),
        (33922, 12, (0.0, 0.0, 0.0, 500.0, 900.0, 0.0)),
        (42113, 2, "7"),
    ):
        tags.tagtype[tag] = kind
        tags[tag] = value
    stream = io.BytesIO()
    Image.fromarray(PIXELS.astype(np.float32)).save(stream, "TIFF", tiffinfo=tags)
    return stream.getvalue()


def masked_tiff():
    """Bytes of a TIFF with a mask page as GDAL writes it."""
    from tiff_writer import MAP, MASK, tiff

    pixels = PIXELS.astype(np.float32)
    mask = (pixels > pixels.min()).astype(np.uint8)
    return tiff((pixels, {**MAP, 42113: (2, "7")}), (mask, {**MASK, 262: (3, (4,))}))


def binary_stl():
    """Bytes of one triangle."""
    import struct

    return bytes(80) + struct.pack("<I12fH", 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0)


def packed_gifti():
    """Bytes of a surface whose arrays are compressed."""
    import base64
    import zlib

    def packed(array):
        return base64.b64encode(zlib.compress(array.tobytes()))

    places = packed(np.array([0, 0, 0, 1, 0, 0, 0, 1, 0], np.float32))
    corners = packed(np.arange(3, dtype=np.int32))
    data = GIFTI.replace(b'"ASCII"', b'"GZipBase64Binary" Endian="LittleEndian"')
    return data.replace(b"0 0 0 1 0 0 0 1 0", places).replace(b"0 1 2", corners)


# Where the fuzzed file of each name in the table of formats is found.
NAMED = {
    "edge list": "csv", "Parquet edge table": "parquet", "adjacency matrix": "matrix",
    "GraphML": "graphml", "GEXF": "gexf", "GML": "gml", "Pajek": "net", "Matrix Market": "mtx",
    "METIS": "graph", "DOT": "dot", "PyG Data": "pt", "mesh": "off", "node-link": "json",
    "D3": "d3.json", "adjacency": "adjacency.json", "Cytoscape": "cyjs", "graphology": "graphology.json", "vis.js": "vis.json",
    "JSON Graph": "jgf.json", "GraphSON": "graphson.json", "adjacency list": "adjlist",
    "SIF": "sif", "GAL": "gal", "GWT": "gwt", "graph6": "g6", "sparse6": "s6", "digraph6": "d6",
    "graphmax": "npz", "SciPy": "scipy.npz", "adj_data": "adj.npz", "GIfTI surface": "gii",
    "AnnData": "h5ad", "MATLAB": "mat", "image": "png", "array": "npy", "ESRI grid": "asc",
}  # fmt: skip
# Endings that say the same to a reader.
ALIASES = {
    "edges": "txt", "edgelist": "txt", "ncol": "txt", "snap": "txt", "pajek": "net", "paj": "net", "metis": "graph",
    "gv": "dot", "graph6": "g6", "sparse6": "s6", "tiff": "tif",
}  # fmt: skip
# What a fuzzed file is read with, and what lies beside it and is opened instead.
OPTIONS = {"rectangle.mtx": {"bipartite": True}}
BESIDE = {"nodes.csv": ("graph.csv", CSV)}


def fuzzed_files():
    """Return the files that the fuzzer mutates: beside the valid ones other kinds of their format.

    The key is the ending of the file; ``nodes.csv`` is a node table beside edges.
    """
    return {
        **valid_files(),
        "mat": mat(),
        "h5ad": h5ad(),
        "graphmlz": graphmlz(),
        "d6": b"&DI?AO?\n",
        "konect": KONECT,
        "d3.json": D3,
        "graphology.json": GRAPHOLOGY,
        "vis.json": VIS_JS,
        "jgf.json": JSON_GRAPH,
        "graphson.json": GRAPHSON,
        "adjacency.json": ADJACENCY_DATA,
        "lines.json": JSON_LINES,
        "gephi.csv": GEPHI,
        "neo4j.csv": NEO4J,
        "quoted.csv": QUOTED,
        "square.csv": SQUARE,
        "nodes.csv": NODE_TABLE,
        "dicts.edgelist": DICTS,
        "two-mode.net": TWO_MODE,
        "relations.paj": RELATIONS,
        "rectangle.mtx": RECTANGLE,
        "yed.graphml": YED,
        "v13.gexf": GEXF_13,
        "ports.gv": DOT_PORTS,
        "scipy.npz": sparse_npz(),
        "adj.npz": adj_data(),
        "collated.pt": collated(),
        "geo.tif": geo_tiff(),
        "masked.tif": masked_tiff(),
        "binary.ply": binary_ply(),
        "scalars.ply": SCALAR_PLY,
        "binary.stl": binary_stl(),
        "packed.gii": packed_gifti(),
    }


def gzipped(data, level=9):
    """Compress to the same bytes under every Python: the tenth names the system, or none."""
    packed = gzip.compress(data, level, mtime=0)
    return packed[:9] + b"\x03" + packed[10:]


def valid_files():
    """Return the bytes of one valid file for each ending."""
    return {
        "csv": CSV,
        "tsv": CSV.replace(b",", b"\t"),
        "txt": b"# FromNodeId\tToNodeId\n1\t2\n2\t3\n3\t1\n",
        "csv.gz": gzipped(CSV),
        "parquet": parquet(),
        "graphml": GRAPHML,
        "gexf": GEXF,
        "gml": GML,
        "net": PAJEK,
        "json": NODE_LINK,
        "cyjs": CYTOSCAPE,
        "mtx": MATRIX_MARKET,
        "graph": METIS,
        "npz": npz(),
        "pt": torch_file(),
        "off": OFF,
        "ply": PLY,
        "obj": OBJ,
        "png": image("PNG"),
        "tif": image("TIFF"),
        "npy": npy(),
        "dot": DOT,
        "sif": SIF,
        "adjlist": ADJACENCY,
        "gal": GAL,
        "gwt": GWT,
        "matrix": MATRIX,
        "stl": STL,
        "asc": ASC,
        "gii": GIFTI,
        "g6": b"Dhc\n",
        "s6": b":Fa@x^\n",
    }
