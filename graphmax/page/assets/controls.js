"use strict";
// Sliders, selection, search, keyboard, the fragment of the URL; and the start of it all.
const SLIDERS = ["prominence", "isolation", "height", "number"];

function limits() {
  const each = current(), reach = at("hops");
  const isCount = REACH === "hops";
  const reachMax = Math.max(isCount ? Math.max(8, Math.floor(each.farthest)) : each.farthest, state.reach);
  Object.assign(reach, { min: isCount ? 1 : RULE.radius, max: reachMax, step: isCount ? 1 : "any" });
  at("hops-label").textContent = isCount ? "Hops" : "Radius";
  const ranges = {
    prominence: [Math.min(each.flattest, 0), Math.max(each.tallest, 1e-300)],
    isolation: [0, Math.max(each.farthest, 1) + 1],
    height: isFinite(each.bottom) ? [Math.min(each.bottom, each.top), Math.max(each.bottom, each.top)] : [0, 1],
    number: [0, Math.max(each.peaks.node.length, 1)],
  };
  for (const [id, [min, max]] of Object.entries(ranges)) Object.assign(at(id), { min, max });
  at("height-label").textContent = IS_MIN ? "Largest value" : "Least value";
}

function showSliders() {
  const each = current();
  at("hops").value = state.reach;
  at("hops-text").textContent = written(state.reach);
  const free = { prominence: at("prominence").min, isolation: 0, height: IS_MIN ? each.top : each.bottom, number: 0 };
  for (const id of SLIDERS) {
    const value = state[id] === null ? free[id] : state[id];
    at(id).value = value;
    if (document.activeElement !== at(`${id}-number`)) {
      at(`${id}-number`).value = state[id] === null || (id === "number" && !value) ? "" : value;
    }
  }
  at("number-number").placeholder = "all";
  at("values").value = String(state.values);
  at("color").value = state.color;
}

// The pictures follow in the next frame: a slider that is dragged never waits for them.
let isWaiting = false;
function drawSoon() {
  if (isWaiting) return;
  isWaiting = true;
  requestAnimationFrame(() => {
    isWaiting = false;
    if (map) map.refresh();
    drawCharts();
    writeFragment();
  });
}

const about = (count) => (count >= 100 ? written(Math.round(count)) : written(Number(count.toPrecision(2))));

function update() {
  select();
  showSliders();
  at("count").textContent = String(shown.length);
  const each = current(), all = each.peaks.node.length;
  const unit = REACH === "hops" ? (state.reach === 1 ? "1 hop" : `${state.reach} hops`) : `radius ${written(state.reach)}`;
  at("count-text").textContent = `of ${written(all)} ${IS_MIN ? "minima" : "peaks"} of ${each.name}`;
  at("chance").textContent = `by chance about ${about(byChance())} at ${unit}`;
  at("chance").title = `The same values shuffled over the nodes, no other filter: the mean of ${each.chance.rounds} shuffles.`;
  rowsShown = ROWS_AT_ONCE;
  drawTable();
  drawLegend();
  drawSoon();
}

function drawLegend() {
  const legend = at("legend"), entry = (color, text) => {
    const item = document.createElement("span"), dot = document.createElement("i");
    dot.style.background = color;
    item.append(dot, text);
    return item;
  };
  if (state.color === "value") {
    const bar = document.createElement("canvas"), { low, high } = current().histogram;
    bar.width = 64;
    bar.height = 1;
    const pen = bar.getContext("2d");
    for (let i = 0; i < 64; i++) {
      pen.fillStyle = shade(i / 63);
      pen.fillRect(i, 0, 1, 1);
    }
    legend.replaceChildren(written(low), bar, written(high), " (viridis)");
  } else if (state.color === "model") {
    legend.replaceChildren(entry(TRUE_COLOR, "true: found and a maximum"), entry(FOUND_COLOR, "found, no maximum"), entry(MISSED_COLOR, "missed maximum"));
  } else {
    legend.replaceChildren("One color per basin (palette of Okabe and Ito, seven colors in turn); larger: more prominent.");
  }
}

function choose(node, isFar = false) {
  if (node >= 0 && Math.max(node, current().witness[node]) >= DATA.ids.length) readOthers();
  state.node = node;
  markSelected();
  showDetail();
  if (isFar && map && node >= 0 && node < DATA.x.length) map.center(node);
  drawOverlay();
  writeFragment();
}

function showDetail() {
  const panel = at("detail"), node = state.node;
  panel.hidden = node < 0;
  if (node < 0) return;
  const each = current(), peaks = each.peaks, row = each.rowOf[node], list = document.createElement("dl");
  const add = (term, content) => {
    const name = document.createElement("dt"), text = document.createElement("dd");
    name.textContent = term;
    text.append(content);
    list.append(name, text);
  };
  const link = (other) => {
    if (other < 0) return "\u2013";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = nameOf(other).slice(0, 200);
    button.addEventListener("click", () => choose(other, true));
    return button;
  };
  const heading = document.createElement("h2");
  heading.textContent = nameOf(node).slice(0, 500);
  const witness = each.witness[node], isolation = each.isolation[node];
  const unit = REACH === "hops" ? (isolation === 1 ? " hop" : " hops") : "";
  add("value", valueText(each, node));
  if (row >= 0) {
    add("rank", `${row + 1} of ${peaks.node.length}${isShown[row] ? "" : " (left out by the filters)"}`);
    add("prominence", written(peaks.prominence[row]));
    add("isolation", written(isolation) + (isFinite(isolation) ? unit : ""));
    add(IS_MIN ? "nearest lower" : "nearest higher", link(peaks.nearest[row]));
    add("key saddle", link(peaks.saddle[row]));
    add(peaks.saddle[row] < 0 ? "sea level" : "value of the saddle", saddleText(peaks, row));
    const parent = parentShown(row);
    add("parent", link(parent < 0 ? -1 : peaks.node[parent]));
    add("basin", `${written(basinSizes()[heir[row] < 0 ? row : heir[row]])} nodes`);
    if (peaks.group) add("group", peaks.group_names[peaks.group[row]]);
  } else if (Number.isNaN(isolation)) {
    add("why not", "it has no value");
  } else if (witness < 0 && isolation === 0) {
    add("why not", "it has no neighbor");
  } else if (isMaximum(each, node)) {
    add("why", "it is on the flat top of a peak");
  } else {
    const side = IS_MIN ? "lower" : "higher", equal = RULE.ties === "strict" && witness >= 0 && each.value[witness] === each.value[node];
    add("why not", `a node ${equal ? "as " + (IS_MIN ? "low" : "high") : side} is ${written(isolation)}${unit} away`);
    add("witness", link(witness));
    if (witness >= 0) add("its value", valueText(each, witness));
  }
  const basin = each.basin[node] < 0 ? -1 : heir[each.basin[node]];
  if (row < 0) add("in the basin of", link(basin < 0 ? -1 : peaks.node[basin]));
  if (each.probability) add("probability", written(each.probability[node]));
  const path = witness >= 0 ? pathTo(node, witness) : null;
  if (path && path.length > 2) add("path", path.map((step) => nameOf(step).slice(0, 40)).join(" \u2192 "));
  if (node >= DATA.drawn) add("map", node < DATA.x.length ? "ringed, but not among the drawn nodes" : "not among the drawn nodes");
  panel.replaceChildren(heading, list);
}

function showHits() {
  const words = state.search.trim().toLowerCase(), hits = [];
  if (words) {
    readOthers();
    const exact = DATA.ids.findIndex((id) => id.toLowerCase() === words);
    if (exact >= 0) hits.push(exact);
    for (let node = 0; node < DATA.ids.length && hits.length < 10; node++) {
      if (node !== exact && DATA.ids[node].toLowerCase().includes(words)) hits.push(node);
    }
  }
  at("hits").replaceChildren(...hits.map((node) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = nameOf(node).slice(0, 60);
    button.addEventListener("click", () => choose(node, true));
    item.append(button);
    return item;
  }));
  return hits;
}

function writeFragment() {
  const words = new URLSearchParams();
  for (const [key, first] of Object.entries(START)) {
    if (key !== "node" && state[key] !== first) words.set(key, state[key]);
  }
  if (state.node >= 0) words.set("node", DATA.ids[state.node]);
  if (askedMap()) words.set("map", askedMap());
  const fragment = words.toString();
  if (fragment !== location.hash.slice(1)) history.replaceState(null, "", "#" + fragment);
}

function readFragment() {
  const words = new URLSearchParams(location.hash.slice(1));
  Object.assign(state, START);
  for (const key of ["values", "reach", "prominence", "isolation", "height", "number"]) {
    const number = Number(words.get(key));
    if (words.get(key) && isFinite(number)) state[key] = number;
  }
  if (!DATA.values[state.values]) state.values = 0;
  const color = words.get("color");
  if (["basin", "value", "model"].includes(color)) state.color = color;
  if ([...COLUMNS, "probability"].includes(words.get("sort"))) state.sort = words.get("sort");
  if (state.sort === "probability" && !hasProbability()) state.sort = "";
  state.up = words.get("up") === "true";
  state.search = words.get("search") || "";
  state.node = words.has("node") ? DATA.ids.indexOf(words.get("node")) : -1;
  if (words.has("node") && state.node < 0) {
    readOthers();
    state.node = DATA.ids.indexOf(words.get("node"));
  }
}

function start() {
  readFragment();
  for (const id of ["map", "controls", "charts", "table-tools"]) at(id).hidden = false;
  at("values").replaceChildren(...DATA.values.map((each, i) => new Option(each.name, String(i))));
  at("values-label").hidden = DATA.values.length < 2;
  if (DATA.values.some((each) => each.probability)) at("color").append(new Option("by model", "model"));
  prepareTable();
  at("search").value = state.search;
  limits();
  at("hops").addEventListener("input", () => { state.reach = Number(at("hops").value); update(); });
  for (const id of SLIDERS) {
    const set = (text, isNumber) => {
      const isFree = text === "" || (!isNumber && id !== "isolation" && id !== "number" && Number(text) === Number(IS_MIN && id === "height" ? at(id).max : at(id).min));
      state[id] = isFree ? START[id] : Number(text);
    };
    at(id).addEventListener("input", () => { set(at(id).value, false); update(); });
    at(`${id}-number`).addEventListener("input", () => { set(at(`${id}-number`).value, true); update(); });
  }
  at("values").addEventListener("change", () => {
    state.values = Number(at("values").value);
    Object.assign(state, { prominence: null, height: null, isolation: 0, number: 0 });
    limits();
    update();
    showDetail();
  });
  at("color").addEventListener("change", () => { state.color = at("color").value; update(); });
  at("reset").addEventListener("click", () => {
    Object.assign(state, START, { values: state.values });
    at("search").value = "";
    showHits();
    update();
    choose(-1);
  });
  at("search").addEventListener("input", () => {
    state.search = at("search").value;
    showHits();
    drawTable();
    writeFragment();
  });
  at("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      const hits = showHits();
      if (hits.length) choose(hits[0], true);
    }
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = ["INPUT", "SELECT", "TEXTAREA"].includes(document.activeElement?.tagName);
    if (event.key === "/" && !isTyping) {
      event.preventDefault();
      at("search").focus();
    } else if (event.key === "Escape") {
      document.activeElement?.blur();
      choose(-1);
    }
  });
  addEventListener("hashchange", () => { readFragment(); at("search").value = state.search; limits(); update(); showDetail(); drawOverlay(); });
  addEventListener("resize", () => { drawCharts(); drawOverlay(); });
  select();
  makeMap();
  update();
  showHits();
  showDetail();
  const note = [`${written(DATA.drawn)} of ${written(META.nodes)} nodes and ${written(DATA.edges.length / 2)} of ${written(META.edges)} edges are drawn`];
  note.push(DATA.whole ? "" : ": the most prominent peaks, their neighbors and a sample; the table has all peaks");
  note.push({ canvas: " (on a canvas, without WebGL)", "quick canvas": " (on a canvas: WebGL is slow here, without a graphics card)" }[map.kind] || "");
  note.push(KNOWS_ALL ? "" : `. Search finds the ${written(LISTED)} nodes that are drawn or named in the table, not the others`);
  at("map-note").textContent = note.join("") + ".";
}

start();
document.documentElement.dataset.ready = "yes";
