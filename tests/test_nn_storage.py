"""Detectors on disk: the same bits back, and every damaged file refused."""

import json
import os
import pickle
import random

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from sklearn.metrics import average_precision_score
from torch_geometric.nn import SAGEConv

import graphmax as gm
from graphmax import sealed
from graphmax.generators import gaussian_field, watts_strogatz
from graphmax.nn import (
    ChoiceHead,
    FeatureScore,
    GraphFilter,
    Head,
    Identity,
    Judged,
    Max,
    NormalHead,
    PeakDetector,
    Score,
    SignHead,
    Sum,
    parts,
    pretrained_names,
)
from graphmax.rule import Rule

pytestmark = pytest.mark.filterwarnings("ignore:the detector is untrained")
PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
KINDS = [
    {},
    {"hops": "learn", "max_hops": 3},
    {"hops": 2, "head": "choice", "rule": Rule(ties="weak", direction="both", isolated=False)},
    {"head": "normal", "denoise": True},
    {"in_channels": 3},
]


@pytest.fixture
def folder(tmp_path):
    detector = PeakDetector(hops=2)
    detector.columns = ("height",)
    detector.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def reseal(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    config.update(changes)
    try:
        tensors = load_file(folder / "model.safetensors")
    except SafetensorError:
        tensors = {}
    config["sha256"] = sealed.digest(config, tensors)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("options", KINDS)
def test_the_same_bits_come_back(options, tmp_path):
    detector = PeakDetector(**options)
    detector.reset_parameters(7)
    detector.save_pretrained(tmp_path)
    found = PeakDetector.from_pretrained(tmp_path)
    assert found.describe() == detector.describe()
    assert not found.training
    for name, tensor in detector.state_dict().items():
        assert torch.equal(found.state_dict()[name], tensor)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_names_of_attributes_come_back(folder):
    assert PeakDetector.from_pretrained(folder).columns == ("height",)


def test_an_encoder_is_given_again(tmp_path):
    detector = PeakDetector(3, encoder=SAGEConv(3, 4))
    detector.save_pretrained(tmp_path)
    x = torch.randn(4, 3)
    found = PeakDetector.from_pretrained(tmp_path, encoder=SAGEConv(3, 4))
    assert torch.equal(found.predict_proba((PATH, x)), detector.predict_proba((PATH, x)))
    with pytest.raises(ValueError, match="`encoder` must be the kind .* SAGEConv, got None"):
        PeakDetector.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="of this architecture, got .*score.encoder"):
        PeakDetector.from_pretrained(tmp_path, encoder=SAGEConv(3, 5))


class Doubled(Score):
    """A score of one's own: twice the attribute, plus a learned share of the degree."""

    def __init__(self, power=1.0):
        super().__init__()
        self.power = power
        self.share = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x, steps):
        return 2 * x.double().reshape(-1) + self.share * steps.degree**self.power

    def config(self):
        return {"power": self.power}


class Softest(Head):
    """A head of one's own: the margin against the mean of the others."""

    def judge(self, scores, steps, hops):
        source, target = steps.pairs(hops)
        total = torch.zeros_like(scores.mean).index_add(0, target, scores.mean[source])
        count = torch.bincount(target, minlength=steps.num_nodes)[:, None]
        return Judged(scores.mean - total / count.clamp(min=1), count > 0)


COMPOSED = {
    "usual parts": (FeatureScore(2, width=4, members=1), ChoiceHead(1), {}),
    "own score": (Doubled(2.0), SignHead("learn", 3), {"score": Doubled}),
    "own head": (Identity(), Softest(2), {"head": Softest(2)}),
    "sum": (
        Sum([FeatureScore(2, width=4, members=3), FeatureScore(2, width=3, members=1)]),
        SignHead(2),
        {},
    ),
    "maximum": (Max([Identity(), GraphFilter(2)]), ChoiceHead("learn"), {}),
    "filter of order 3": (GraphFilter(3), NormalHead(2), {}),
}


@pytest.mark.parametrize("name", list(COMPOSED))
def test_detectors_of_ones_own_parts_are_kept(name, tmp_path):
    score, head, given = COMPOSED[name]
    detector = PeakDetector.composed(score, head, Rule(ties="weak"))
    detector.save_pretrained(tmp_path)
    found = PeakDetector.from_pretrained(tmp_path, **given)
    assert found.describe() == detector.describe()
    x = torch.randn(4, score.in_channels, dtype=torch.float64)
    assert torch.equal(found.predict_proba((PATH, x)), detector.predict_proba((PATH, x)))


def test_a_part_of_ones_own_is_refused_unless_it_is_given(tmp_path):
    PeakDetector.composed(Doubled(), Softest(1)).save_pretrained(tmp_path)
    assert '"kind": "test_nn_storage:Doubled"' in (tmp_path / "config.json").read_text()
    with pytest.raises(ValueError, match="score test_nn_storage:Doubled.*from_pretrained.*score="):
        PeakDetector.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match="`head` must be given"):
        PeakDetector.from_pretrained(tmp_path, score=Doubled)
    with pytest.raises(ValueError, match="the kind that was saved, test_nn_storage:Doubled, got"):
        PeakDetector.from_pretrained(tmp_path, score=Identity(), head=Softest)
    assert PeakDetector.from_pretrained(tmp_path, score=Doubled, head=Softest).hops_ == 1


def test_no_module_that_a_file_names_is_imported(tmp_path, folder, monkeypatch):
    (tmp_path / "hostile.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    reseal(folder, score={"kind": "hostile:Score"})
    with pytest.raises(ValueError, match="files import nothing"):
        PeakDetector.from_pretrained(folder)


@pytest.mark.parametrize(
    "parts",
    [
        {"score": {"kind": "features", "in_channels": 10**9}},
        {"score": {"kind": "features", "in_channels": 10**30}},
        {"head": {"kind": "sign", "hops": "learn", "max_hops": 10**12}},
    ],
)
def test_a_config_that_asks_for_more_memory_than_there_is(folder, parts):
    reseal(folder, **parts)
    with pytest.raises(ValueError, match="`name` must"):
        PeakDetector.from_pretrained(folder)


def test_weights_that_are_no_numbers_are_neither_saved_nor_loaded(folder):
    detector = PeakDetector(hops=2)
    with torch.no_grad():
        detector.head.log_scale.fill_(torch.nan)
    with pytest.raises(ValueError, match="finite weights, got head.log_scale"):
        detector.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["head.log_scale"].fill_(torch.nan)
    save_file(tensors, folder / "model.safetensors")
    reseal(folder)
    with pytest.raises(ValueError, match="finite weights, got head.log_scale"):
        PeakDetector.from_pretrained(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_files_that_are_no_files(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(ValueError, match="which is no regular file"):
        PeakDetector.from_pretrained(folder)
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    with pytest.raises(ValueError, match="which is no regular file"):
        PeakDetector.from_pretrained(folder)


def test_every_shipped_detector_loads_and_together_they_are_small():
    for name in pretrained_names():
        assert PeakDetector.from_pretrained(name).trained
        assert (parts.SHIPPED / name / "README.md").is_file()
    files = [path for path in parts.SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 200_000


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_the_shipped_detectors_of_noisy_attributes_know_more_than_the_raw_rule(sigma):
    rng = np.random.default_rng(5)
    graph = watts_strogatz(3_000, 6, 0.2, generator=rng)
    field = gaussian_field(graph, 0.5, generator=rng)
    field /= field.std()
    y = field + sigma * rng.normal(size=field.size)
    truth = gm.local_maxima(graph, field)
    detector = PeakDetector.from_pretrained(f"noisy-{sigma:g}")
    learned = average_precision_score(truth, detector.predict_proba((graph, y)))
    raw = average_precision_score(truth, PeakDetector().predict_proba((graph, y)))
    assert learned > raw + 0.01
    assert detector.predict_proba((graph, y)).sum() == pytest.approx(truth.sum(), rel=0.15)


# --- damage


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_any_flipped_bit_is_noticed(folder, name):
    content = (folder / name).read_bytes()
    generator = random.Random(0)
    for _ in range(150):
        place, bit = generator.randrange(len(content)), 1 << generator.randrange(8)
        damaged = bytearray(content)
        damaged[place] ^= bit
        (folder / name).write_bytes(damaged)
        try:
            found = PeakDetector.from_pretrained(folder)
        except ValueError:
            continue
        # white space of the JSON document may change without a change of meaning
        assert name == "config.json"
        assert chr(content[place]).isspace()
        assert found.describe()["head"] == {"kind": "sign", "hops": 2}


def test_a_name_that_stands_twice_is_refused(folder):
    text = (folder / "config.json").read_text(encoding="utf-8")
    for doubled in ('{"format_version": 1,' + text[1:], '{"rule": {},' + text[1:]):
        (folder / "config.json").write_text(doubled, encoding="utf-8")
        with pytest.raises(ValueError, match="without a readable JSON document"):
            PeakDetector.from_pretrained(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_files_cut_short(folder, name):
    content = (folder / name).read_bytes()
    for size in range(0, len(content) - 1, 7):
        (folder / name).write_bytes(content[:size])
        with pytest.raises(ValueError, match="`name` must"):
            PeakDetector.from_pretrained(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format_version": 1}, "of version 1 where this is 2; use the graphmax that wrote it"),
        ({"format": "other"}, "of another format"),
        ({"extra": 1}, r"with \['extra'\]"),
        ({"head": {"kind": "sign", "hops": 2.5}}, "`hops` must be an integer .*, got 2.5"),
        ({"head": {"kind": "sign", "hops": "learn", "max_hops": True}}, "`max_hops` must be an"),
        ({"head": {"kind": "sign", "hops": 2, "radius": 3}}, "unexpected keyword argument"),
        ({"head": {"kind": "soft"}}, "a known head, got 'soft'"),
        ({"head": {"kind": ["sign"]}}, "the kind of its head, got"),
        ({"head": "sign"}, "a valid 'head', got 'sign'"),
        ({"score": {"kind": "encoder", "in_channels": 1, "encoder": "GCN"}}, "with, GCN, got None"),
        ({"rule": {"ties": "plateau"}}, "'strict' or 'weak'"),
        ({"rule": {"colour": 1}}, "the fields of a rule"),
        ({"score": {"kind": "features", "in_channels": 3}}, "of this architecture"),
    ],
)
def test_configs_that_are_refused(folder, changes, words):
    reseal(folder, **changes)
    with pytest.raises(ValueError, match=words):
        PeakDetector.from_pretrained(folder)


@pytest.mark.parametrize("content", ["[1]", "nonsense", "[" * 100_000, "\ud800"])
def test_configs_that_are_no_objects(folder, content):
    (folder / "config.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match="`name` must be a detector"):
        PeakDetector.from_pretrained(folder)


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def test_pickles_are_never_opened(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("model.pt", "model.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
        with pytest.raises(ValueError, match="never opened"):
            PeakDetector.from_pretrained(tmp_path / name)
    (folder / "model.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ValueError, match="holds no safetensors"):
        PeakDetector.from_pretrained(folder)
    reseal(folder)
    with pytest.raises(ValueError, match="never opened"):
        PeakDetector.from_pretrained(folder)
    assert not (tmp_path / "exploded").exists()


def test_weights_of_another_detector_are_noticed(folder, tmp_path):
    tensors = load_file(folder / "model.safetensors")
    tensors["head.log_scale"] += 1
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ValueError, match="SHA-256 differs"):
        PeakDetector.from_pretrained(folder)


def test_what_is_not_there(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="comes with graphmax, got 'atribute'"):
        PeakDetector.from_pretrained("atribute")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="model.safetensors"):
        PeakDetector.from_pretrained(folder)
    with pytest.raises(FileNotFoundError, match="config.json"):
        PeakDetector.from_pretrained(tmp_path)


# --- writing


def test_a_failed_write_keeps_what_was_there(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        PeakDetector(hops=3).save_pretrained(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="`folder` must be a folder, got the file"):
        PeakDetector().save_pretrained(tmp_path / "file")
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(PermissionError):
            PeakDetector().save_pretrained(tmp_path / "closed" / "model")
