"""The page in a browser: sliders give the rows of `find_peaks`, and nothing leaves the file."""

import csv
import io
import itertools

import networkx as nx
import numpy as np
import pytest
from browser import Page, browsers, needs_browser
from test_cli_report import HOSTILE, hostile_graph

import graphmax as gm
from graphmax.machine import dataset_path

pytestmark = [needs_browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def start():
    with browsers() as start:
        yield start


@pytest.fixture(scope="module")
def browser(start):
    return start()


def drawn_values(count, high, seed):
    return np.random.default_rng(seed).integers(0, high, count)


def graphs():
    countries = gm.read_graph(dataset_path("countries/countries.graphml"))
    tied = gm.as_graph(nx.gnp_random_graph(300, 0.02, seed=2))
    grid = gm.grid_graph((40, 30), 4)
    return {
        "countries": (countries, "gdp", {}),
        "tied": (tied, drawn_values(300, 12, 1), {"isolated": False}),
        "strict minima": (grid, drawn_values(1200, 300, 3), {"ties": "strict", "extremum": "min"}),
    }


@pytest.fixture(params=list(graphs()))
def opened(request, browser, tmp_path):
    graph, values, fields = graphs()[request.param]
    gm.report(graph, values, tmp_path / "r.html", **fields)
    page = Page(browser, tmp_path / "r.html")
    yield page, graph, values, fields
    page.close()


def spread(values):
    return values[:: len(values) // 6 + 1].tolist()


def test_sliders_give_the_rows_of_find_peaks(opened):
    page, graph, values, fields = opened
    for hops in range(1, 9):
        peaks = gm.find_peaks(graph, values, hops, **fields)
        assert page.slide("hops", hops) == len(peaks)
        assert page.labels == [str(name) for name in peaks.label[:100]]
    page.slide("hops", 2)
    everything = gm.find_peaks(graph, values, 2, **fields)
    for threshold in spread(np.unique(everything.prominence)):
        expected = len(gm.find_peaks(graph, values, 2, min_prominence=threshold, **fields))
        assert page.slide("prominence", threshold) == expected
        assert page.slide("prominence-number", threshold) == expected
    page.slide("prominence-number", "")
    for isolation in (0, 3, 4.5):
        expected = gm.find_peaks(graph, values, 2, min_isolation=isolation, **fields)
        assert page.slide("isolation", isolation) == len(expected)
    page.slide("isolation-number", "")
    for height in spread(everything.value):
        expected = gm.find_peaks(graph, values, 2, min_height=height, **fields)
        assert page.slide("height-number", height) == len(expected)
    page.slide("height-number", "")
    together = {"min_prominence": float(np.median(everything.prominence)), "num_peaks": 7}
    page.slide("prominence-number", together["min_prominence"])
    peaks = gm.find_peaks(graph, values, 2, **together, **fields)
    assert page.slide("number", 7) == len(peaks)
    shown = page.columns("parent", "basin_size")
    parents = [str(graph.label_of(v)) if v >= 0 else "\u2013" for v in peaks.parent]
    sizes = [f"{size:,}" for size in peaks.basin_size]
    assert shown == [list(pair) for pair in zip(parents, sizes, strict=True)]


def test_click_search_keyboard_sort_and_export(browser, tmp_path):
    graph = gm.read_graph(dataset_path("countries/countries.graphml"))
    gm.report(graph, ["gdp", "population"], tmp_path / "r.html")
    opened = Page(browser, tmp_path / "r.html", accept_downloads=True)
    page = opened.page
    page.click("#peaks tbody tr:nth-child(2)")
    detail = page.inner_text("#detail")
    for words in ("United States of America", "18,560,000", "China", "Nicaragua", "13 hops"):
        assert words in detail
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#detail h2") == "Japan"
    page.keyboard.press("Escape")
    assert page.is_hidden("#detail")
    page.keyboard.press("/")
    page.keyboard.type("franc")
    page.keyboard.press("Enter")
    detail = page.inner_text("#detail")
    witness = graph.label_of(gm.isolation(graph, "gdp").witness[list(graph.labels).index("France")])
    assert "a node higher is 1 hop away" in detail
    assert witness in detail
    assert opened.labels == []
    page.fill("#search", "")
    page.click("th[data-key=prominence] button")
    prominences = gm.find_peaks(graph, "gdp")
    order = np.argsort(-prominences.prominence, kind="stable")
    assert opened.labels == prominences.label[order].tolist()
    assert page.get_attribute("th[data-key=prominence]", "aria-sort") == "descending"
    opened.slide("hops", 4)
    with page.expect_download() as download:
        page.click("#export")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert [row["label"] for row in rows] == opened.labels
    assert float(rows[0]["prominence"]) == prominences.prominence.max()
    page.select_option("#values", "1")
    assert opened.count == len(gm.find_peaks(graph, "population", 4))
    opened.close()


def test_the_fragment_keeps_the_state(browser, tmp_path):
    graph = gm.read_graph(dataset_path("countries/countries.graphml"))
    gm.report(graph, ["gdp", "population"], tmp_path / "r.html")
    first = Page(browser, tmp_path / "r.html")
    first.page.select_option("#values", "1")
    first.slide("hops", 3)
    first.slide("prominence-number", 1e7)
    first.page.select_option("#color", "value")
    first.page.click("#peaks tbody tr:nth-child(1)")
    url, labels = first.page.url, first.labels
    first.close()
    second = Page(browser, tmp_path / "r.html", fragment="#" + url.partition("#")[2])
    expected = gm.find_peaks(graph, "population", 3, min_prominence=1e7)
    assert second.labels == labels == expected.label.tolist()
    assert second.page.inner_text("#detail h2") == labels[0]
    assert second.page.input_value("#color") == "value"
    second.page.click("#reset")
    assert second.count == len(gm.find_peaks(graph, "population"))
    second.close()


def test_hostile_names_are_shown_and_nothing_runs(browser, tmp_path):
    gm.report(hostile_graph(), "</style><script>", tmp_path / "r.html", title=HOSTILE[0])
    opened = Page(browser, tmp_path / "r.html")
    page = opened.page
    assert opened.labels == [name[:200] for name in HOSTILE[1::2]]
    for row in range(len(opened.labels)):
        page.click(f"#peaks tbody tr:nth-child({row + 1})")
        assert page.text_content("#detail h2") == HOSTILE[1::2][row][:500]
    page.fill("#search", "onerror")
    page.keyboard.press("Enter")
    assert page.text_content("#detail h2") == HOSTILE[2]
    assert page.text_content("h1") == HOSTILE[0]
    # The policy stops what somebody would add.
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit=1\">')"
    )
    page.evaluate(
        "(() => { const s = document.createElement('script'); s.text = 'window.hit=1'; document.body.append(s); })()"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.hit") is None
    assert all("Content Security Policy" in line for line in opened.said)
    opened.said.clear()
    opened.close()


def test_without_javascript_and_on_a_phone(browser, tmp_path):
    graph = gm.read_graph(dataset_path("countries/countries.graphml"))
    gm.report(graph, "gdp", tmp_path / "r.html")
    plain = Page(browser, tmp_path / "r.html", java_script_enabled=False)
    assert plain.page.is_visible("svg")
    assert plain.page.locator("#peaks tbody tr").count() == 42
    assert plain.page.is_hidden("#controls")
    assert plain.page.is_hidden("#map")
    assert "Rule: hops 1, ties plateau" in plain.page.inner_text("#foot")
    assert plain.page.get_by_role("table").count() == 1
    plain.close()
    phone = Page(
        browser, tmp_path / "r.html", viewport={"width": 390, "height": 844}, has_touch=True
    )
    width = phone.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    phone.close()


def test_without_webgl_there_is_a_canvas(start, tmp_path):
    gm.report(gm.grid_graph((6, 6)), drawn_values(36, 9, 0), tmp_path / "r.html")
    browser = start("--disable-gpu", "--disable-webgl", "--disable-3d-apis")
    opened = Page(browser, tmp_path / "r.html")
    assert "without WebGL" in opened.page.inner_text("#map-note")
    assert opened.page.locator("#map canvas.plain").count() == 1
    opened.slide("hops", 2)
    place = opened.page.evaluate(
        "(() => { const p = map.place(14), r = box.getBoundingClientRect(); "
        "return [p.x + r.x, p.y + r.y]; })()"
    )
    opened.page.mouse.click(*place)
    assert opened.page.inner_text("#detail h2") == "14"
    opened.close()


def test_groups_keep_their_own_first_peaks(browser, tmp_path):
    graph, values = gm.grid_graph((12, 12), 4), drawn_values(144, 90, 6)
    groups = np.arange(144) // 48
    gm.report(graph, values, tmp_path / "r.html", groups=groups)
    opened = Page(browser, tmp_path / "r.html")
    for hops in (1, 2):
        opened.slide("hops", hops)
        for number in (1, 2, 5):
            peaks = gm.find_peaks(graph, values, hops, num_peaks=number, groups=groups)
            assert opened.slide("number", number) == len(peaks)
        opened.slide("number-number", "")
    opened.close()


def test_a_model_in_three_colors(browser, tmp_path):
    graph = gm.grid_graph((5, 5))
    values = drawn_values(25, 40, 4)
    truth = gm.local_maxima(graph, values)
    chance = np.where(truth, 0.9, 0.1)
    chance[np.flatnonzero(truth)[0]] = 0.2
    gm.report(graph, values, tmp_path / "r.html", probability=chance)
    opened = Page(browser, tmp_path / "r.html")
    opened.page.select_option("#color", "model")
    assert "missed maximum" in opened.page.inner_text("#legend")
    assert opened.page.locator("th[data-key=probability]").count() == 1
    colors = opened.page.evaluate("[...Array(25).keys()].map(v => colorOf(current(), v))")
    missed = opened.page.evaluate("MISSED_COLOR")
    assert [c == missed for c in colors] == (truth & (chance < 0.5)).tolist()
    opened.close()


def test_the_table_is_a_grid_with_one_stop(browser, tmp_path):
    graph = gm.grid_graph((30, 30), 4)
    gm.report(graph, drawn_values(900, 400, 2), tmp_path / "r.html")
    opened = Page(browser, tmp_path / "r.html")
    page, grid = opened.page, opened.page.get_by_role("grid")
    count = len(gm.find_peaks(graph, drawn_values(900, 400, 2)))
    assert grid.get_attribute("aria-rowcount") == str(count + 1)
    assert grid.get_by_role("columnheader").count() == int(grid.get_attribute("aria-colcount"))
    assert grid.get_by_role("row").count() == 1 + 100
    assert grid.get_by_role("gridcell").count() == 100 * 10
    rows = "rows => rows.map(row => [row.ariaRowIndex, row.tabIndex, row.ariaSelected])"
    before = page.eval_on_selector_all("#peaks tbody tr", rows)
    assert [int(row[0]) for row in before] == list(range(2, 102))
    assert [row[1] for row in before] == [0] + 99 * [-1]
    assert {row[2] for row in before} == {"false"}
    page.focus("#peaks tbody tr")
    for key, row in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("End", 99), ("Home", 0)):
        page.keyboard.press(key)
        after = page.eval_on_selector_all("#peaks tbody tr", rows)
        assert [i for i, state in enumerate(after) if state[1] == 0] == [row]
        assert [i for i, state in enumerate(after) if state[2] == "true"] == [row]
        assert page.evaluate("document.activeElement.ariaRowIndex") == str(row + 2)
    unnamed = """() => [...document.querySelectorAll("input, select, button, canvas[role]")].filter(
        field => !field.closest("[hidden]") && !(field.labels?.length || field.ariaLabel
            || field.textContent.trim())).map(field => field.id)"""
    assert page.evaluate(unnamed) == []
    for label in ("Hops", "Least prominence", "Least isolation", "Least value", "Most peaks"):
        assert page.get_by_label(label, exact=True).count() == 1
    opened.close()


def test_chance_follows_the_slider(browser, tmp_path):
    graph = gm.as_graph(nx.gnp_random_graph(300, 0.02, seed=2))
    gm.report(graph, drawn_values(300, 10**6, 1), tmp_path / "r.html")
    opened = Page(browser, tmp_path / "r.html")
    counts = opened.page.evaluate("current().chance.count")
    for hops in range(1, 9):
        opened.slide("hops", hops)
        text = opened.page.inner_text("#chance")
        assert text.endswith(f"at {hops} hop{'s' if hops > 1 else ''}")
        told = float(text.split()[3].replace(",", ""))
        assert told == pytest.approx(counts[hops - 1], rel=0.05, abs=0.05)
    opened.close()


def test_saddle_values_and_groups_are_columns(browser, tmp_path):
    graph, values = gm.grid_graph((12, 12), 4), drawn_values(144, 90, 6)
    groups = np.array(["north", "middle", "<b>south"])[np.arange(144) // 48]
    gm.report(graph, values, tmp_path / "r.html", groups=groups)
    opened = Page(browser, tmp_path / "r.html")
    peaks = gm.find_peaks(graph, values, groups=groups)
    shown = opened.columns("key_saddle_value", "group")
    expected = zip(peaks.key_saddle_value.tolist(), peaks.group.tolist(), strict=True)
    assert shown == [[str(value), group] for value, group in expected]
    opened.page.click("#peaks tbody tr:nth-child(2)")
    detail = opened.page.inner_text("#detail")
    assert ("value of the saddle" in detail) == bool(peaks.key_saddle[1] >= 0)
    assert str(peaks.group[1]) in detail
    opened.page.click("th[data-key=key_saddle_value] button")
    order = np.argsort(-peaks.key_saddle_value, kind="stable")
    assert opened.labels == [str(name) for name in peaks.label[order][:100]]
    opened.close()


def larger():
    graph = gm.grid_graph((150, 150), 4)
    names = [f"place {v}" for v in range(graph.num_nodes)]
    return graph.replace(labels=names), drawn_values(graph.num_nodes, 1000, 8)


@pytest.mark.parametrize("kind", ["webgl", "canvas", "quick canvas"])
def test_every_node_of_a_large_graph_is_found(browser, tmp_path, kind):
    graph, values = larger()
    gm.report(graph, values, tmp_path / "r.html")
    fragment = "" if kind == "quick canvas" else f"#map={kind}"
    opened = Page(browser, tmp_path / "r.html", fragment=fragment)
    page = opened.page
    assert page.evaluate("map.kind") == kind
    assert "Search finds" not in page.inner_text("#map-note")
    listed = set(page.evaluate("DATA.ids"))
    hidden = [v for v, name in enumerate(graph.labels) if name not in listed]
    nearest, basins = gm.isolation(graph, values, ties="plateau"), gm.basins(graph, values)
    for node in hidden[:: len(hidden) // (2 if kind == "webgl" else 5)]:
        page.fill("#search", graph.labels[node])
        page.keyboard.press("Enter")
        detail = page.inner_text("#detail")
        assert page.inner_text("#detail h2") == graph.labels[node]
        assert str(values[node]) in detail
        if basins[node] != node and nearest.distance[node] <= 1:
            assert f"a node higher is {int(nearest.distance[node])} hop" in detail
            assert f"witness\n{graph.labels[nearest.witness[node]]}" in detail
            assert f"in the basin of\n{graph.labels[basins[node]]}" in detail
    url = page.url
    opened.close()
    again = Page(browser, tmp_path / "r.html", fragment="#" + url.partition("#")[2])
    assert again.page.inner_text("#detail h2") == graph.labels[node]
    again.close()


def test_the_page_says_what_search_does_not_find(browser, tmp_path, monkeypatch):
    monkeypatch.setattr("graphmax.page.page_data.MOST_BYTES", 10_000)
    gm.report(*larger(), tmp_path / "r.html")
    opened = Page(browser, tmp_path / "r.html")
    count = opened.page.evaluate("DATA.ids.length")
    said = f"Search finds the {count:,} nodes that are drawn or named in the table, not the others"
    assert said in opened.page.inner_text("#map-note")
    opened.close()


def test_the_way_to_the_witness_is_a_certificate(opened):
    page, graph, values, fields = opened
    rule = {"ties": "plateau", **fields, "isolated": True}
    nearest = gm.isolation(graph, values, **{k: rule[k] for k in ("ties", "extremum") if k in rule})
    column = graph.attributes[values] if isinstance(values, str) else np.asarray(values)
    neighbors = graph.to_networkx().adj
    names = list(neighbors)
    for node in range(0, graph.num_nodes, 7):
        path = page.page.evaluate("([a, b]) => pathTo(a, b)", [node, int(nearest.witness[node])])
        if nearest.witness[node] < 0:
            assert path is None
            continue
        assert (path[0], path[-1]) == (node, nearest.witness[node])
        assert all(names[b] in neighbors[names[a]] for a, b in itertools.pairwise(path))
        outside = path[1:]
        if rule["ties"] == "plateau":
            while outside and column[outside[0]] == column[node]:
                outside = outside[1:]
        assert len(outside) == nearest.distance[node]
