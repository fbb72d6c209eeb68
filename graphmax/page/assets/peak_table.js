"use strict";
// The table: sorted, filtered by the search, a page of rows at a time, exported as CSV.
const ROWS_AT_ONCE = 100;
let listed = [], rowsShown = ROWS_AT_ONCE;
const body = document.querySelector("#peaks tbody"), heads = [...document.querySelectorAll("#peaks th")];
const COLUMNS = heads.map((head) => head.dataset.key);
if (IS_MIN) heads.find((head) => head.dataset.key === "nearest_higher").firstChild.textContent = "nearest lower";

function hasProbability() {
  return !!current().probability;
}

// The value of the key saddle, or the sea level that ends the first peak of a component.
const saddleText = (peaks, row) => (peaks.base ? peaks.base[row] : written(peaks.death[row]));

// What a column holds in a row: a number or a text, and how it is written.
function cellOf(key, row, sizes) {
  const each = current(), peaks = each.peaks, node = peaks.node[row];
  switch (key) {
    case "label": return [DATA.ids[node], DATA.ids[node]];
    case "value": return [each.value[node], valueText(each, node)];
    case "prominence": return [peaks.prominence[row], written(peaks.prominence[row])];
    case "isolation": return [peaks.isolation[row], written(peaks.isolation[row])];
    case "nearest_higher": return [nameOf(peaks.nearest[row]), nameOf(peaks.nearest[row])];
    case "key_saddle": return [nameOf(peaks.saddle[row]), nameOf(peaks.saddle[row])];
    case "key_saddle_value": return [peaks.death[row], saddleText(peaks, row)];
    case "group": return [peaks.group_names[peaks.group[row]], peaks.group_names[peaks.group[row]]];
    case "parent": {
      const parent = parentShown(row), name = nameOf(parent < 0 ? -1 : peaks.node[parent]);
      return [name, name];
    }
    case "basin_size": return [sizes[row], written(sizes[row])];
    case "plateau_size": return [peaks.plateau_size[row], written(peaks.plateau_size[row])];
    default: return [each.probability[node], written(each.probability[node])];
  }
}

function columns() {
  return hasProbability() ? [...COLUMNS, "probability"] : COLUMNS;
}

function listRows() {
  const words = state.search.trim().toLowerCase(), ids = DATA.ids, node = current().peaks.node;
  listed = words ? shown.filter((row) => ids[node[row]].toLowerCase().includes(words)) : shown.slice();
  if (state.sort) {
    const sizes = basinSizes(), keys = new Map(listed.map((row) => [row, cellOf(state.sort, row, sizes)[0]]));
    const way = state.up ? 1 : -1;
    listed.sort((a, b) => {
      const x = keys.get(a), y = keys.get(b);
      if (typeof x === "string") return way * x.localeCompare(y) || a - b;
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return x === y ? a - b : x < y ? -way : way;
    });
  }
}

function drawTable() {
  listRows();
  const sizes = basinSizes(), each = current(), lines = document.createDocumentFragment();
  for (const row of listed.slice(0, rowsShown)) {
    const line = document.createElement("tr");
    line.tabIndex = -1;
    line.dataset.row = row;
    line.setAttribute("role", "row");
    line.setAttribute("aria-rowindex", String(lines.childElementCount + 2));
    for (const key of columns()) {
      const cell = document.createElement("td");
      cell.setAttribute("role", "gridcell");
      cell.textContent = cellOf(key, row, sizes)[1].slice(0, 200);
      line.append(cell);
    }
    lines.append(line);
  }
  body.replaceChildren(lines);
  const table = at("peaks");
  table.setAttribute("aria-rowcount", String(listed.length + 1));
  table.setAttribute("aria-colcount", String(columns().length));
  at("caption").textContent = `${IS_MIN ? "Minima" : "Peaks"} of ${each.name}, ${written(Math.min(rowsShown, listed.length))} of ${written(listed.length)} rows`;
  markSelected();
  at("more").hidden = listed.length <= rowsShown;
  at("more").textContent = `More rows (${written(listed.length - rowsShown)} left)`;
  for (const head of document.querySelectorAll("#peaks th")) {
    const isKey = head.dataset.key === (state.sort || "value");
    const isUp = state.sort ? state.up : IS_MIN;
    if (isKey) head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  }
}

// One row is reached by the tabulator: the selected one, else the first; arrows go on from there.
function markSelected() {
  const each = current();
  let entry = body.firstElementChild;
  for (const line of body.children) {
    const isSelected = each.peaks.node[Number(line.dataset.row)] === state.node;
    line.setAttribute("aria-selected", String(isSelected));
    line.tabIndex = -1;
    if (isSelected) entry = line;
  }
  if (entry) entry.tabIndex = 0;
}

// A cell that a spreadsheet would read as a formula starts with an apostrophe.
function quoted(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?[0-9.]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csv() {
  const sizes = basinSizes(), keys = columns();
  const plain = (pair) => (typeof pair[0] === "number" && !current().text ? (pair[0] === Infinity ? "inf" : Number.isNaN(pair[0]) ? "" : String(pair[0])) : pair[1]);
  const lines = listed.map((row) => keys.map((key) => quoted(plain(cellOf(key, row, sizes)).replace("\u2013", ""))).join(","));
  return [keys.join(","), ...lines].join("\n") + "\n";
}

// Without JavaScript it is a plain table; with it a grid, whose rows are chosen.
function prepareTable() {
  for (const [name, value] of [["role", "grid"], ["aria-labelledby", "caption"]]) at("peaks").setAttribute(name, value);
  for (const group of document.querySelectorAll("#peaks thead, #peaks tbody")) group.setAttribute("role", "rowgroup");
  document.querySelector("#peaks thead tr").setAttribute("role", "row");
  document.querySelector("#peaks thead tr").setAttribute("aria-rowindex", "1");
  for (const head of heads) head.setAttribute("role", "columnheader");
  if (DATA.values.some((each) => each.probability)) {
    const head = heads[0].cloneNode(true);
    head.dataset.key = "probability";
    head.firstChild.textContent = "probability";
    heads[heads.length - 1].after(head);
  }
  document.querySelector("#peaks thead").addEventListener("click", (event) => {
    const head = event.target.closest("th");
    if (!head) return;
    const key = head.dataset.key, isText = ["label", "nearest_higher", "key_saddle", "parent", "group"].includes(key);
    state.up = state.sort === key ? !state.up : isText;
    state.sort = key;
    drawTable();
    writeFragment();
  });
  body.addEventListener("click", (event) => {
    const line = event.target.closest("tr");
    if (line) choose(current().peaks.node[Number(line.dataset.row)], true);
  });
  body.addEventListener("keydown", (event) => {
    const line = event.target.closest("tr");
    const next = { ArrowDown: line?.nextElementSibling, ArrowUp: line?.previousElementSibling, Home: body.firstElementChild, End: body.lastElementChild }[event.key];
    if (next) {
      event.preventDefault();
      next.focus();
      choose(current().peaks.node[Number(next.dataset.row)], true);
    } else if (event.key === "Enter" && line) choose(current().peaks.node[Number(line.dataset.row)], true);
  });
  at("more").addEventListener("click", () => {
    rowsShown += 10 * ROWS_AT_ONCE;
    drawTable();
  });
  at("export").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv" }));
    link.download = "peaks.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}
