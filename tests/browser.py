"""A headless Chromium for tests of pages, or a visible reason why there is none."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which(os.environ.get("GRAPHMAX_CHROMIUM", "chromium"))


def missing():
    """Say what is missing, if anything."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "needs Playwright (pip install graphmax[browser])"
    return None if CHROMIUM else "needs Chromium (apt-get install chromium)"


needs_browser = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@contextmanager
def browsers():
    """Give a function that starts a browser with more flags."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:

        def start(*flags):
            flags = ["--no-sandbox", "--enable-unsafe-swiftshader", *flags]
            return play.chromium.launch(executable_path=CHROMIUM, args=flags)

        yield start


class Page:
    """A page from a file, with everything that it said and asked for."""

    def __init__(self, browser, path, *, fragment="", **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append("dialog"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.url = Path(path).as_uri()
        self.page.goto(self.url + fragment)
        if options.get("java_script_enabled", True):
            self.page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=60_000)

    def _listen(self, message):
        if message.type == "error":
            self.said.append(message.text)

    def slide(self, name, value):
        """Move a slider or fill a number, as a hand would, and return the count."""
        self.page.evaluate(
            """([id, value]) => { const field = document.getElementById(id);
            field.value = value; field.dispatchEvent(new Event("input", {bubbles: true})); }""",
            [name, value],
        )
        self.page.evaluate("() => new Promise(requestAnimationFrame)")
        return self.count

    @property
    def count(self):
        return int(self.page.inner_text("#count"))

    @property
    def labels(self):
        return self.page.eval_on_selector_all(
            "#peaks tbody tr", "rows => rows.map(row => row.cells[0].textContent)"
        )

    def columns(self, *keys):
        """Return the texts of some columns, a list for each row."""
        return self.page.evaluate(
            """keys => { const heads = [...document.querySelectorAll("#peaks th")];
            const at = keys.map(key => heads.findIndex(head => head.dataset.key === key));
            const rows = [...document.querySelectorAll("#peaks tbody tr")];
            return rows.map(row => at.map(i => row.cells[i].textContent)); }""",
            keys,
        )

    def close(self):
        """Close it; nothing may have been asked of a network, and nothing gone wrong."""
        foreign = [url for url in self.asked if not url.startswith(("file:", "blob:", "data:"))]
        self.context.close()
        assert (self.said, foreign) == ([], [])
