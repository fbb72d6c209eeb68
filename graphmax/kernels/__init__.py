"""Compiled loops over plain arrays; they validate nothing and know no Graph."""
