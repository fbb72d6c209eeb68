"""Graph files: `read_graph`, `read_graphs`, `write_graph`, `write_table`; a format is a module."""

from graphmax.files.errors import GraphFileError
from graphmax.files.folder import read_graphs
from graphmax.files.reading import read_graph
from graphmax.files.tables import write_table
from graphmax.files.writing import write_graph

__all__ = ["GraphFileError", "read_graph", "read_graphs", "write_graph", "write_table"]
