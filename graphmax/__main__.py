"""The command line as ``python -m graphmax``."""

from graphmax.cli import main

main()
