"use strict";
// What is shown: the data, the state that the sliders set, and which peaks pass.
const DATA = JSON.parse(document.getElementById("data").textContent);
const META = DATA.meta, RULE = META.rule, IS_MIN = RULE.extremum === "min";
const REACH = RULE.radius === undefined || RULE.radius === null ? "hops" : "radius";
const at = (id) => document.getElementById(id);

// Distances: -1 stands for infinite, null for a node without a value.
const distances = (list) => Float64Array.from(list, (d) => (d === null ? NaN : d < 0 ? Infinity : d));
const numbers = (list) => Float64Array.from(list, (d) => (d === null ? NaN : Number(d)));
for (const each of DATA.values) {
  each.value = numbers(each.value);
  each.isolation = distances(each.isolation);
  const peaks = each.peaks;
  peaks.isolation = distances(peaks.isolation);
  peaks.prominence = numbers(peaks.prominence);
  peaks.death = numbers(peaks.death);
  each.rowOf = new Int32Array(META.nodes).fill(-1);
  peaks.node.forEach((node, row) => { each.rowOf[node] = row; });
  const steep = (row) => (Number.isNaN(peaks.prominence[row]) ? Infinity : peaks.prominence[row]);
  each.drawnRows = [...peaks.node.keys()].filter((row) => peaks.node[row] < DATA.drawn).sort((a, b) => steep(b) - steep(a) || a - b);
  let far = 1;
  for (const d of peaks.isolation) if (isFinite(d) && d > far) far = d;
  each.farthest = far;
  const tall = peaks.prominence.filter(isFinite), high = peaks.node.map((n) => each.value[n]).filter(isFinite);
  each.tallest = tall.reduce((a, b) => Math.max(a, b), 0);
  each.flattest = tall.reduce((a, b) => Math.min(a, b), 0);
  each.top = high.reduce((a, b) => Math.max(a, b), -Infinity);
  each.bottom = high.reduce((a, b) => Math.min(a, b), Infinity);
}

// The nodes that are neither drawn nor in the table are read when a search or a witness asks for them.
const LISTED = DATA.ids.length, KNOWS_ALL = LISTED === META.nodes || !!document.getElementById("others");
function readOthers() {
  if (DATA.ids.length === META.nodes || !KNOWS_ALL) return;
  const columns = {};
  for (const [name, kind, content] of JSON.parse(document.getElementById("others").textContent)) {
    columns[name] = kind === "texts" ? content : arrayOf(kind, content);
  }
  DATA.ids = DATA.ids.concat(Array.from(columns.ids, String));
  DATA.x = DATA.x.concat(Array.from(columns.x));
  DATA.y = DATA.y.concat(Array.from(columns.y));
  const joined = (kind, first, rest) => {
    const all = new kind(META.nodes);
    all.set(first);
    all.set(rest, first.length);
    return all;
  };
  DATA.values.forEach((each, i) => {
    each.value = joined(Float64Array, each.value, columns[`value ${i}`]);
    each.isolation = joined(Float64Array, each.isolation, distances(columns[`isolation ${i}`]));
    each.witness = joined(Int32Array, each.witness, columns[`witness ${i}`]);
    each.basin = joined(Int32Array, each.basin, columns[`basin ${i}`]);
    if (each.text) each.text = each.text.concat(columns[`text ${i}`]);
    if (each.probability) each.probability = joined(Float64Array, numbers(each.probability), columns[`probability ${i}`]);
  });
}

function arrayOf(kind, content) {
  const text = atob(content), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const kinds = { Int8Array, Int16Array, Int32Array, Float64Array };
  return new kinds[kind](bytes.buffer);
}

// How many peaks the same values would have at this reach if they were shuffled over the nodes.
function byChance() {
  const { reach, count } = current().chance, last = reach.length - 1;
  if (!(state.reach < reach[last])) return count[last];
  if (state.reach <= reach[0]) return count[0];
  const i = reach.findIndex((step) => step > state.reach) - 1;
  return REACH === "hops" ? count[i] : count[i] + ((state.reach - reach[i]) / (reach[i + 1] - reach[i])) * (count[i + 1] - count[i]);
}

const START = {
  values: 0, reach: REACH === "hops" ? RULE.hops : RULE.radius, prominence: null, isolation: 0,
  height: null, number: 0, color: "basin", sort: "", up: false, search: "", node: -1,
};
const state = { ...START };
const current = () => DATA.values[state.values];

// Rows that pass, highest first, and for every row of the table the row that has its basin now.
let shown = [], isShown = new Uint8Array(0), heir = new Int32Array(0);

function isMaximum(each, node) {
  return each.isolation[node] > state.reach;
}

function passes(each, row) {
  const peaks = each.peaks;
  if (!(peaks.isolation[row] > state.reach)) return false;
  if (state.prominence !== null && !(peaks.prominence[row] >= state.prominence)) return false;
  if (peaks.isolation[row] < state.isolation) return false;
  if (state.height === null) return true;
  const value = each.value[peaks.node[row]];
  return IS_MIN ? value <= state.height : value >= state.height;
}

function select() {
  const each = current(), count = each.peaks.node.length;
  shown = [];
  isShown = new Uint8Array(count);
  heir = new Int32Array(count);
  const groups = each.peaks.group, taken = new Map();
  for (let row = 0; row < count; row++) {
    const group = groups ? groups[row] : 0;
    if ((state.number === 0 || (taken.get(group) || 0) < state.number) && passes(each, row)) {
      if (state.number) taken.set(group, (taken.get(group) || 0) + 1);
      shown.push(row);
      isShown[row] = 1;
    }
    // A parent is higher and stands before its children.
    const parent = each.peaks.parent[row];
    heir[row] = isShown[row] ? row : parent >= 0 ? heir[parent] : -1;
  }
}

function parentShown(row) {
  const parent = current().peaks.parent[row];
  return parent < 0 ? -1 : heir[parent];
}

// Basins of the shown table: a row's own size and those of the rows that left it theirs.
function basinSizes() {
  const sizes = new Float64Array(heir.length), own = current().peaks.basin_size;
  for (let row = 0; row < heir.length; row++) if (heir[row] >= 0) sizes[heir[row]] += own[row];
  return sizes;
}

const grouped = new Intl.NumberFormat("en-US");
function written(number) {
  if (number === Infinity || number === -Infinity) return number > 0 ? "\u221e" : "-\u221e";
  if (number === null || Number.isNaN(number)) return "\u2013";
  if (Number.isInteger(number)) return grouped.format(number);
  return String(Number(number.toPrecision(6)));
}

function valueText(each, node) {
  return each.text ? each.text[node] : written(each.value[node]);
}

const nameOf = (node) => (node < 0 ? "\u2013" : DATA.ids[node]);

// Okabe and Ito's palette, and viridis of Matplotlib: told apart with every kind of color vision.
const PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"];
const VIRIDIS = ["#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"];
const TRUE_COLOR = "#009E73", FOUND_COLOR = "#D55E00", MISSED_COLOR = "#0072B2", QUIET = "#9aa1ab";

const SHADES = Array.from({ length: 256 }, (_, step) => {
  const x = (step / 255) * (VIRIDIS.length - 1), i = Math.min(Math.floor(x), VIRIDIS.length - 2);
  const part = (k, j) => parseInt(VIRIDIS[k].slice(1 + 2 * j, 3 + 2 * j), 16);
  const mixed = [0, 1, 2].map((j) => Math.round(part(i, j) + (x - i) * (part(i + 1, j) - part(i, j))));
  return "#" + mixed.map((c) => c.toString(16).padStart(2, "0")).join("");
});
const shade = (share) => SHADES[Math.round(Math.min(Math.max(share, 0), 1) * 255)];

// Red, green and blue of a color, each looked at once.
const known = new Map();
function channels(color) {
  if (!known.has(color)) known.set(color, [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16)));
  return known.get(color);
}

function colorOf(each, node) {
  if (state.color === "value") {
    const value = each.value[node], { low, high } = each.histogram;
    return !isFinite(value) ? QUIET : shade(high > low ? (value - low) / (high - low) : 0.5);
  }
  if (state.color === "model" && each.probability) {
    const isFound = each.probability[node] > 0.5, isTrue = isMaximum(each, node);
    return isFound ? (isTrue ? TRUE_COLOR : FOUND_COLOR) : isTrue ? MISSED_COLOR : QUIET;
  }
  const row = each.basin[node] < 0 ? -1 : heir[each.basin[node]];
  return row < 0 ? QUIET : PALETTE[row % PALETTE.length];
}

// Peaks are drawn smaller where many are shown, so that they do not cover one another.
const plainSize = DATA.drawn > 5000 ? 1.5 : DATA.drawn > 800 ? 2.5 : 3.5;
function sizeOf(each, node) {
  const row = each.rowOf[node];
  if (row < 0 || !isShown[row]) return plainSize;
  const crowd = Math.min(1, Math.sqrt(400 / shown.length)), share = each.tallest > 0 ? Math.max(each.peaks.prominence[row], 0) / each.tallest : 0;
  return plainSize + Math.max(2.5 * crowd, 1) + Math.max(9 * crowd, 3) * Math.sqrt(Number.isNaN(share) ? 1 : Math.min(share, 1));
}

function isPeakShown(each, node) {
  const row = each.rowOf[node];
  return row >= 0 && isShown[row] === 1;
}

// A shortest path from a node to its witness along the edges that are drawn, first inside its plateau;
// null where the shortest one leaves what is drawn, or is measured in weights.
let neighbors = null;
function pathTo(start, goal) {
  if (REACH !== "hops" || start >= DATA.drawn || goal >= DATA.drawn || start < 0 || goal < 0) return null;
  if (neighbors === null) {
    neighbors = Array.from({ length: DATA.drawn }, () => []);
    for (let e = 0; e < DATA.edges.length; e += 2) {
      neighbors[DATA.edges[e]].push(DATA.edges[e + 1]);
      neighbors[DATA.edges[e + 1]].push(DATA.edges[e]);
    }
  }
  const each = current(), same = each.text || each.value, steps = new Int32Array(DATA.drawn).fill(-1);
  const before = new Int32Array(DATA.drawn).fill(-1), queue = [start];
  const walk = (allows, cost) => {
    for (let i = 0; i < queue.length && before[goal] < 0; i++) {
      for (const node of neighbors[queue[i]]) {
        if (before[node] >= 0 || !allows(node)) continue;
        before[node] = queue[i];
        steps[node] = steps[queue[i]] + cost;
        queue.push(node);
      }
    }
  };
  before[start] = start;
  steps[start] = 0;
  if (RULE.ties !== "strict") walk((node) => same[node] === same[start], 0);
  walk(() => true, 1);
  if (before[goal] < 0 || steps[goal] !== each.isolation[start]) return null;
  const path = [goal];
  while (path[path.length - 1] !== start) path.push(before[path[path.length - 1]]);
  return path.reverse();
}
