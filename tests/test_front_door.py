"""The front door: names only, imported on first use, and none of them hidden by a module."""

import os
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import graphmax

HEAVY = ("torch", "torch_geometric", "networkx", "scipy", "matplotlib", "duckdb", "numba")


def test_import_is_cheap():
    code = f"import graphmax, sys; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_exact_half_needs_no_torch():
    code = (
        "import graphmax as gm, sys; gm.local_maxima(gm.Graph.from_edges([0], [1]), [1, 2], 2);"
        "gm.isolation(gm.grid_graph((2, 2)), [1, 2, 3, 4]); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_names_survive_the_import_of_every_module():
    for module in pkgutil.walk_packages(graphmax.__path__, "graphmax."):
        if module.name != "graphmax.__main__":
            import_module(module.name)
    for name in graphmax.__all__:
        value = getattr(graphmax, name)
        assert callable(value), f"{name} is {value!r}"


def test_every_name_is_listed_once():
    assert len(set(graphmax.__all__)) == len(graphmax.__all__)
    assert set(graphmax.__all__) <= set(dir(graphmax))


PACKAGES = (
    "", ".benchmark", ".cli", ".convert", ".datasets", ".extract", ".files", ".generators", ".images", ".maxima",
    ".nn", ".page", ".peaks", ".plotting", ".posterior", ".symmetry", ".tables", ".training",
)  # fmt: skip


def test_dir_lists_the_public_names_and_no_others():
    for module in pkgutil.walk_packages(graphmax.__path__, "graphmax."):
        if module.name != "graphmax.__main__":
            import_module(module.name)
    for package in map(import_module, (f"graphmax{name}" for name in PACKAGES)):
        modules = set(dir(package)) - set(package.__all__)
        assert dir(package) == sorted({*package.__all__, *modules})
        assert modules == (set(graphmax._MODULES) if package is graphmax else set())
        for name in dir(package):
            assert getattr(package, name) is not None


@pytest.mark.parametrize("name", PACKAGES)
def test_a_mistyped_name_gets_the_near_ones(name):
    package = import_module(f"graphmax{name}")
    for wanted in package.__all__:
        with pytest.raises(AttributeError, match=rf"no attribute .*; did you mean .*'{wanted}'"):
            getattr(package, wanted + "x")
    with pytest.raises(AttributeError, match="has no attribute '_private'$"):
        package._private  # noqa: B018


def test_pictures_are_reached_from_the_front_door():
    code = "import graphmax as gm; print(callable(gm.plotting.plot_maxima))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="an editable install is fine by hand")
def test_the_installed_copy_is_tested():
    checkout = Path(__file__).resolve().parents[1]
    assert checkout not in Path(graphmax.__file__).resolve().parents


def test_nobody_inside_imports_the_front_door():
    package = Path(graphmax.__file__).parent
    front_door = re.compile(r"^\s*(import graphmax\s*$|from graphmax import)", re.MULTILINE)
    sources = package.rglob("*.py")
    guilty = [str(path) for path in sources if front_door.search(path.read_text())]
    assert guilty == []
