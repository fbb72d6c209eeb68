"""Extracts of the pages for the search of a site that is opened from files, without a server.

A browser does not let a page read its neighbors on disk, so that Sphinx's search would show titles
alone and an error for each. The search page loads their texts as a script instead.
"""

import json
from pathlib import Path
from typing import Any

SCRIPT = "page_texts.js"
READER = """
if (location.protocol === "file:") {
  const root = new URL(document.documentElement.dataset.content_root || "", location.href).href;
  const fromServer = window.fetch;
  window.fetch = (address, ...options) => {
    const page = new URL(address, location.href).href.split("#")[0];
    const text = PAGE_TEXTS[page.replace(root, "").replace(/[.]html$/, "")];
    if (text === undefined) return fromServer(address, ...options);
    const shown = document.createElement("div");
    shown.setAttribute("role", "main");
    shown.textContent = text;
    return Promise.resolve(new Response(shown.outerHTML));
  };
}
"""


def load(app: Any, page: str, _template: str, _context: Any, _tree: Any) -> None:
    """Let the search page, and no other, load the script."""
    if page == "search":
        app.add_js_file(SCRIPT)


def write(app: Any, failure: Exception | None) -> None:
    """Write the script, once the pages are built."""
    if failure is None and app.builder.format == "html":
        texts = {page: _text(app.env.get_doctree(page)) for page in sorted(app.env.found_docs)}
        path = Path(app.outdir) / "_static" / SCRIPT
        path.write_text(f"const PAGE_TEXTS = {json.dumps(texts)};\n{READER}", encoding="utf-8")


def _text(tree: Any) -> str:
    return " ".join(tree.astext().split())
