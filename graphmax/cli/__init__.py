"""The command ``graphmax``: every command is one call of the library, in a file of its own.

Modules that compute are imported by the command that needs them, so that ``--help`` is immediate
and no command on files waits for torch.
"""

from graphmax.cli.application import app, main

__all__ = ["app", "main"]
