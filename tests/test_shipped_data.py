import hashlib

import networkx as nx
import pytest

from graphmax import machine
from graphmax.machine import dataset_path

DATASETS = dataset_path("CHECKSUMS").parent
CARDS = {"README.md", "CHECKSUMS"}
FILES = sorted(path for path in DATASETS.rglob("*") if path.is_file() and path.name not in CARDS)


def recorded() -> dict[str, str]:
    lines = (DATASETS / "CHECKSUMS").read_text().splitlines()
    return {
        name.removeprefix("./"): digest for digest, name in (line.split("  ") for line in lines)
    }


def test_every_data_file_has_a_checksum_and_every_checksum_a_file():
    assert set(recorded()) == {path.relative_to(DATASETS).as_posix() for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_checksum(path):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == recorded()[path.relative_to(DATASETS).as_posix()]


def test_every_set_has_a_card_and_no_python():
    folders = [path for path in DATASETS.iterdir() if path.is_dir()]
    assert {path.name for path in folders} >= {"countries", "golden"}
    assert [path.name for path in folders if not (path / "README.md").is_file()] == []
    assert list(DATASETS.rglob("*.py")) == []


def test_an_unknown_name_is_refused():
    with pytest.raises(FileNotFoundError, match=r"`name` must be a data set .*got 'atlantis'"):
        dataset_path("atlantis")


def test_an_installed_copy_reads_share_graphmax_and_not_a_folder_called_datasets(
    tmp_path, monkeypatch
):
    packages, data = tmp_path / "site-packages", tmp_path / "share" / "graphmax"
    for folder in (packages / "datasets", data):
        folder.mkdir(parents=True)
        (folder / "CHECKSUMS").write_text("")
    monkeypatch.setattr(machine, "__file__", str(packages / "graphmax" / "machine.py"))
    monkeypatch.setattr(machine.sysconfig, "get_path", lambda name, scheme: str(tmp_path))
    assert dataset_path("CHECKSUMS") == data / "CHECKSUMS"


def test_a_checkout_reads_its_own_shelf_first(tmp_path, monkeypatch):
    checkout = tmp_path / "checkout"
    for folder in (checkout / "datasets", tmp_path / "share" / "graphmax"):
        folder.mkdir(parents=True)
        (folder / "CHECKSUMS").write_text("")
    (checkout / "pyproject.toml").write_text("")
    monkeypatch.setattr(machine, "__file__", str(checkout / "graphmax" / "machine.py"))
    monkeypatch.setattr(machine.sysconfig, "get_path", lambda name, scheme: str(tmp_path))
    assert dataset_path("CHECKSUMS") == checkout / "datasets" / "CHECKSUMS"


@pytest.fixture(scope="module")
def countries():
    return nx.read_graphml(dataset_path("countries/countries.graphml"))


@pytest.fixture(scope="module")
def card():
    return dataset_path("countries/README.md").read_text()


def test_the_card_of_the_countries_counts_right(countries, card):
    sizes = [len(part) for part in nx.connected_components(countries)]
    islands = sum(degree == 0 for _, degree in countries.degree)
    largest = max(countries, key=countries.degree)
    assert f"{len(countries)} nodes, {countries.size()} edges, no self-loops" in card
    assert f"{len(sizes)} connected components: one of {max(sizes)}, three of 2, and" in card
    assert f"and {islands} countries\nwithout a land neighbor" in card
    assert sizes.count(2) == 3
    assert f"largest degree {countries.degree[largest]} ({largest})" in card


@pytest.mark.parametrize("attribute", ["gdp", "population"])
def test_the_card_of_the_countries_counts_the_maxima_right(countries, card, attribute):
    value = nx.get_node_attributes(countries, attribute)
    assert len(set(value.values())) == len(countries)
    row = next(line for line in card.splitlines() if line.startswith(f"| `{attribute}` | "))
    told = [int(field.split()[0]) for field in row.split("|")[2:8]]
    for hops in (1, 2, 3):
        maxima = [
            node
            for node in countries
            if max(nx.ego_graph(countries, node, hops), key=value.get) == node
        ]
        bordering = [node for node in maxima if countries.degree[node]]
        assert told[2 * hops - 2 : 2 * hops] == [len(maxima), len(bordering)]


def test_the_card_names_the_regional_powers(countries, card):
    gdp = nx.get_node_attributes(countries, "gdp")
    powers = [
        node
        for node in sorted(countries, key=gdp.get, reverse=True)
        if countries.degree[node] and max([node, *countries[node]], key=gdp.get) == node
    ]
    assert len(powers) == 21
    assert ", ".join(powers) in card.replace("\n", " ")


def test_every_country_has_a_place(countries):
    lines = dataset_path("countries/places.csv").read_text(encoding="utf-8").splitlines()
    assert [line.rsplit(",", 2)[0] for line in lines[1:]] == list(countries)
