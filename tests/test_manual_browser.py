"""The manual in a browser: nothing goes wrong, search finds, phones and dark themes can read it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser import browsers, needs_browser

DOCS = Path(__file__).parents[1] / "docs"
PAGES = ("index.html", "definition.html", "howto/why_not_found.html", "api.html")
PAGES += ("api/generated/graphmax.find_peaks.html", "gallery/peaks/summits.html", "files.html")

pytestmark = [needs_browser, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("sphinx_gallery", reason="needs the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", str(DOCS), str(folder)]
    subprocess.run(command, env={**os.environ, "GRAPHMAX_GALLERY": "none"}, check=True)
    return folder


@pytest.fixture(scope="module")
def browser():
    with browsers() as start:
        yield start()


def opened(browser, address, **options):
    page = browser.new_context(**options).new_page()
    page.said, page.asked = [], []
    page.on("console", lambda m: page.said.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(address)
    return page


@pytest.mark.parametrize("path", PAGES)
def test_nothing_goes_wrong_and_nothing_comes_from_elsewhere(browser, site, path):
    page = opened(browser, (site / path).as_uri())
    assert page.said == []
    assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    unnamed = "images => images.filter(image => !image.alt).map(image => image.src)"
    assert page.eval_on_selector_all("img", unnamed) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_phone_shows_the_whole_width(browser, site, path):
    phone = {"width": 390, "height": 844}
    page = opened(browser, (site / path).as_uri(), viewport=phone)
    assert page.evaluate("document.documentElement.scrollWidth") <= phone["width"]


def test_the_dark_theme_is_dark_and_its_text_light(browser, site):
    page = opened(browser, (site / "index.html").as_uri(), color_scheme="dark")
    color = (
        "name => getComputedStyle(document.body)[name].match(/[\\d.]+/g).slice(0, 3).map(Number)"
    )
    assert max(page.evaluate(color, "backgroundColor")) < 60
    assert min(page.evaluate(color, "color")) > 180


@pytest.mark.parametrize(
    ("word", "title"),
    [("local_maxima", "local_maxima"), ("plateau", "Which definition do I want?")],
)
def test_search_finds_without_a_network(browser, site, word, title):
    page = opened(browser, (site / "search.html").as_uri() + f"?q={word}")
    page.wait_for_selector("#search-results .search-summary", timeout=60_000)
    page.wait_for_function("document.querySelector('#search-results p').textContent.match(/found/)")
    titles = page.eval_on_selector_all("#search-results li a", "a => a.map(b => b.textContent)")
    assert title in titles
    page.wait_for_selector("#search-results p.context")
    extracts = page.eval_on_selector_all("p.context", "p => p.map(b => b.textContent)")
    assert any(word in extract for extract in extracts)
    assert page.said == []
