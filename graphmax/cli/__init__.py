"""The command ``graphmax``: every command is one call of the library.

Modules that compute are imported by the command that needs them, so that ``--help`` is immediate
and no command on files waits for torch.
"""

from typing import TYPE_CHECKING

from graphmax.cli.application import app, main
from graphmax.lazy_imports import public_names

__all__ = ["app", "main"]

if not TYPE_CHECKING:  # to a type checker a name that is not there stays an error
    __getattr__, __dir__ = public_names(__name__)
