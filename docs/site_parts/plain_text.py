"""What programs read: ``llms.txt``, a list of pages, and ``api.txt``, a line per public name."""

import inspect
from pathlib import Path
from typing import Any

import graphmax

MODULES = (
    "images", "datasets", "generators", "nn", "training", "posterior", "symmetry", "benchmark",
    "plotting", "tl",
)  # fmt: skip


def write(app: Any, failure: Exception | None) -> None:
    """Write both files beside the pages, once these are built."""
    if failure is None and app.builder.format == "html":
        folder = Path(app.outdir)
        (folder / "llms.txt").write_text(page_list(app.env), encoding="utf-8")
        (folder / "api.txt").write_text(api_summary(), encoding="utf-8")


def page_list(env: Any) -> str:
    """List the title and the address of every page."""
    intro = " ".join((graphmax.__doc__ or "").split("\n\n")[1].split())
    pages = [
        f"- [{env.titles[page].astext()}]({page}.html)"
        for page in sorted(env.found_docs)
        if not page.startswith("api/generated/")
    ]
    summary = "- [every public name in one line](api.txt)"
    return "\n".join(["# graphmax", "", f"> {intro}", "", "## Pages", "", *pages, summary, ""])


def api_summary() -> str:
    """Tell of every public name its call and the first line of its docstring."""
    lines = []
    for home in ("", *MODULES):
        module = getattr(graphmax, home) if home else graphmax
        prefix = f"graphmax.{home}" if home else "graphmax"
        lines += [f"{prefix}.{name}{_call(getattr(module, name))}" for name in module.__all__]
    return "\n".join(lines) + "\n"


def _call(thing: Any) -> str:
    if not callable(thing) or (isinstance(thing, type) and issubclass(thing, Exception | Warning)):
        return ": " + _first_line(thing)
    names = []
    for parameter in inspect.signature(thing).parameters.values():
        default = parameter.default
        shown = "" if default is inspect.Parameter.empty else f"={default!r}"
        names.append(parameter.name + shown)
    return f"({', '.join(names)}): {_first_line(thing)}"


def _first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
