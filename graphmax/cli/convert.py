"""`graphmax convert`: one graph file into another format."""

from pathlib import Path
from typing import Annotated

import typer

from graphmax.cli.console import announce_compilation, print_json, progress
from graphmax.cli.options import Directed, File, Json, Nodes

Out = Annotated[
    Path, typer.Argument(help="File to write: .csv, .parquet, .graphml, .json (node-link) or .npz.")
]


def convert(
    file: File, out: Out, nodes: Nodes = None, directed: Directed = False, json: Json = False
) -> None:
    """Read a graph file in any format and write it in another, with ids and attributes.

    The file appears whole or not at all. A .csv or .parquet file gets a table of the nodes beside
    it.
    """
    announce_compilation("csr")
    from graphmax.files import read_graph, write_graph

    with progress(f"reading {file.name}"):
        graph = read_graph(file, nodes=nodes, directed=True if directed else None)
    write_graph(graph, out)
    told = {"nodes": graph.num_nodes, "edges": graph.num_edges, "directed": graph.directed}
    if json:
        print_json({"file": str(file), "out": str(out), **told})
        return
    typer.echo(f"{graph.num_nodes} nodes and {graph.num_edges} edges written to {out}", err=True)
