"""How Sphinx builds the manual: ``python -m sphinx -W docs site``, without a network."""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from site_parts import gallery, offline_search, plain_text, reference  # beside this file
from sphinx_gallery.sorting import ExplicitOrder

import graphmax

HERE = Path(__file__).parent

project = "graphmax"
author = "The graphmax developers"
copyright = author
version = release = graphmax.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_examples", "_templates", "api/examples"]
templates_path = ["_templates"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]  # functions below are configuration too

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # numpydoc tells the types in words
autodoc_member_order = "groupwise"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

sphinx_gallery_conf = {
    "examples_dirs": "_examples",
    "gallery_dirs": "gallery",
    "filename_pattern": rf"/(?!{'|'.join(gallery.NOT_RUN)})\w+\.py$",
    "ignore_pattern": r"^$",
    "image_scrapers": (gallery.take_pictures,),
    "reset_modules": (),
    "subsection_order": ExplicitOrder([f"_examples/{name}" for name in gallery.FOLDERS]),
    "within_subsection_order": ExplicitOrder([f"{name}.py" for name in gallery.SCRIPTS]),
    "doc_module": ("graphmax",),
    "backreferences_dir": "api/examples",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "only_warn_on_example_error": False,
    "min_reported_time": 1e9,
    "default_thumb_file": str(HERE / "_static" / "mark.png"),
}
# `GRAPHMAX_GALLERY=none` builds the text in seconds; a regular expression runs those that match.
if (chosen := os.environ.get("GRAPHMAX_GALLERY", "all")) != "all":
    sphinx_gallery_conf["filename_pattern"] = r"^$" if chosen == "none" else chosen

html_theme = "pydata_sphinx_theme"
html_title = "graphmax"
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_favicon = "_static/mark.png"
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_sidebars = {"*": [], "api": ["sidebar-nav-bs"]}  # single pages have no section to walk in
html_theme_options = {
    "logo": {"text": "graphmax"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 5,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def link_examples(_app: object, page: str, source: list[str]) -> None:
    """Turn links to scripts into links to their gallery pages; they hold in the checkout too."""
    up = "../" * page.count("/")

    def gallery_page(link: re.Match[str]) -> str:
        page = f"{gallery.GROUP_OF[link[1]]}/{link[1]}" if link[1] else "index"
        return f"]({up}gallery/{page}.rst)"

    source[0] = re.sub(r"\]\((?:\.\./)+examples(?:/(\w+)\.py)?\)", gallery_page, source[0])


def include_pages(_app: object, _page: str, source: list[str]) -> None:
    """Put a page of the checkout's root in place; its links lead to its sisters here."""
    if found := re.fullmatch(r":::\{include\} (\.\./\w+\.md)\n:::\n", source[0]):
        text = (HERE / found[1]).read_text(encoding="utf-8")
        source[0] = re.sub(r"\]\(\w+\.md\)", lambda link: link[0].lower(), text)


def name_thumbnails(
    _app: object, _page: str, _template: str, context: dict[str, str], _tree: object
) -> None:
    """Give the small pictures of the gallery an alternative text: the name of their script."""
    found = r'<img alt="" (src="[^"]*sphx_glr_(\w+)_thumb\.png")'
    if "body" in context:
        context["body"] = re.sub(found, r'<img alt="\2" \1', context["body"])


def setup(app: object) -> None:
    """Write what is made from the code before Sphinx looks for pages."""
    gallery.write_scripts(HERE.parent / "examples", HERE / "_examples")
    reference.write_pages(HERE / "api")
    app.connect("source-read", include_pages)
    app.connect("source-read", link_examples)
    app.connect("html-page-context", name_thumbnails)
    app.connect("html-page-context", offline_search.load)
    app.connect("build-finished", offline_search.write)
    app.connect("build-finished", plain_text.write)
