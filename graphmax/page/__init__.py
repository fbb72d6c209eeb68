"""One HTML file that lets a person explore the peaks of a graph, offline."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.page.report_file import report

__all__ = ["report"]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
