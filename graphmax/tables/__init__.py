"""The same definition as SQL, for edges that do not fit in memory or on one machine."""

from typing import TYPE_CHECKING

from graphmax.lazy_imports import public_names
from graphmax.tables.answer import Stage, TableAnswer
from graphmax.tables.labels import local_maxima_tables

__all__ = ["Stage", "TableAnswer", "local_maxima_tables"]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
