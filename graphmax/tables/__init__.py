"""The same definition as SQL, for edges that do not fit in memory or on one machine."""

from graphmax.tables.answer import Stage, TableAnswer
from graphmax.tables.labels import local_maxima_tables

__all__ = ["Stage", "TableAnswer", "local_maxima_tables"]
