"""Every example in a docstring of the installed package runs and prints what it says."""

import doctest
import pkgutil
from importlib import import_module

import pytest

import graphmax

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(graphmax.__path__, "graphmax.")
    if module.name != "graphmax.__main__"
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_module(name):
    result = doctest.testmod(import_module(name))
    assert result.failed == 0


def test_public_objects_have_an_example():
    lacking = [
        name for name in graphmax.__all__ if ">>>" not in (getattr(graphmax, name).__doc__ or "")
    ]
    assert lacking == []
