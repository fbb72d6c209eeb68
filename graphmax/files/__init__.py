"""Graph files: `read_graph`, `read_graphs`, `write_graph`, `write_table`; a format is a module."""

from typing import TYPE_CHECKING

from graphmax.files.errors import GraphFileError
from graphmax.files.reading import FileSource, read_graph, read_graphs
from graphmax.files.writing import write_graph, write_table
from graphmax.lazy_imports import public_names

__all__ = [
    "FileSource",
    "GraphFileError",
    "read_graph",
    "read_graphs",
    "write_graph",
    "write_table",
]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
