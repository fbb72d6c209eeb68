"""GEXF, read by networkx after a look by `checked_xml`."""

import warnings
from typing import Any

import networkx

from graphmax.files.errors import flawed
from graphmax.files.nodes_and_edges import NodeEdgeData, scalars, without_echo
from graphmax.files.opening import ReadOptions, Source
from graphmax.files.xml_graphs import checked_xml
from graphmax.graph import Graph


def read(source: Source, options: ReadOptions) -> Graph:
    """Read GEXF; positions, colors and values that change over time are left out."""
    checked_xml(source, options)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: Any = networkx.read_gexf(source.file)
    except Exception as error:  # noqa: BLE001 - networkx raises whatever its code trips over
        raise flawed(source.name, "GEXF", error) from None
    node_default = scalars(found.graph.get("node_default", {}))
    edge_default = scalars(found.graph.get("edge_default", {}))
    ids = list(found)
    data = [{**node_default, **scalars(data)} for _, data in found.nodes(data=True)]
    return NodeEdgeData(
        ids,
        without_echo(data, ids, ("label",)),
        list(found.edges()),
        [{**edge_default, **scalars(data)} for _, _, data in found.edges(data=True)],
        found.is_directed(),
        missing_weight=1.0,  # as the format says
    ).to_graph(source, options)
