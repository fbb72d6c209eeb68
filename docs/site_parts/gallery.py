"""The gallery: example scripts as sphinx-gallery wants them, and the pictures that they write."""

import re
import shutil
from pathlib import Path
from typing import Any

# Minutes of training: shown as text, run by the tests (`pytest -m slow tests/test_examples.py`).
NOT_RUN = {"is_the_window_centered"}

# The sections of the gallery: folder, title, scripts in the order they are shown.
GROUPS = (
    ("first", "First answers",
     "quickstart ties_and_plateaus why_was_my_peak_not_found economic_powers"),
    ("peaks", "Peaks",
     "summits peaks_of_an_image peaks_per_region density_modes tree_tops matrix_dots "
     "surface_peaks_in_mm strongest_ties"),
    ("noise", "Noise", "how_sure_is_this_peak peaks_of_a_group"),
    ("learning", "Learning",
     "hidden_attribute unknown_radius train_on_your_files bring_your_own_network "
     "your_own_training_loop why_networks_fail"),
    ("windows", "Centered or shifted",
     "is_the_window_centered pixels_are_a_graph centered_and_shifted "
     "is_your_network_equivariant"),
    ("scale", "Scale", "larger_than_memory"),
)  # fmt: skip
GROUP_OF = {name: folder for folder, _, names in GROUPS for name in names.split()}
FOLDERS = [folder for folder, _, _ in GROUPS]
SCRIPTS = list(GROUP_OF)


def write_scripts(examples: Path, folder: Path) -> None:
    """Copy every script into the folder of its group, with its question as a docstring."""
    scripts = {path.stem: path for path in examples.glob("*.py")}
    if wrong := set(GROUP_OF) ^ set(scripts):
        raise ValueError(f"GROUPS must name each example once, not so: {sorted(wrong)}")
    shutil.rmtree(folder, ignore_errors=True)
    _write_header(folder, "Gallery", "Every example is a script that answers one question.")
    for name, title, _ in GROUPS:
        _write_header(folder / name, title)
    for name, path in scripts.items():
        text = as_gallery_script(path)
        (folder / GROUP_OF[name] / path.name).write_text(text, encoding="utf-8")


def _write_header(folder: Path, title: str, text: str = "") -> None:
    folder.mkdir()
    header = f"{title}\n{'=' * len(title)}\n\n{text}\n"
    (folder / "GALLERY_HEADER.rst").write_text(header, encoding="utf-8")


def as_gallery_script(path: Path) -> str:
    """Make the leading comment a docstring, and the title of each cell a heading."""
    lines = path.read_text(encoding="utf-8").splitlines()
    length = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    title, *rest = [line.removeprefix("#").strip() for line in lines[:length]]
    head = ['"""', title, "=" * len(title), *rest, '"""']
    body = []
    for line in lines[length:]:
        cell = re.match(r"# %% (.+)", line)
        body += ["# %%", f"# {cell[1]}", f"# {'-' * len(cell[1])}"] if cell else [line]
    return "\n".join(head + body) + "\n"


def take_pictures(_block: Any, variables: dict[str, Any], conf: dict[str, Any], **_: Any) -> str:
    """Move the pictures that a cell has written beside its script into the page."""
    from sphinx_gallery.scrapers import figure_rst

    script = Path(variables["src_file"])
    taken = []
    for picture in sorted(script.parent.glob("*.png"), key=lambda path: path.stat().st_mtime):
        place = Path(next(variables["image_path_iterator"]))
        shutil.move(picture, place)
        taken.append(str(place))
    question = script.read_text(encoding="utf-8").splitlines()[1]
    return figure_rst(taken, conf["src_dir"], question)
