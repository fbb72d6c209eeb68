"use strict";
// The map: sigma.js on WebGL, or a canvas of the same (canvas_map.js) where there is no WebGL or a slow one.
const box = at("map");
const dark = matchMedia("(prefers-color-scheme: dark)");
const tint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let map = null;

const askedMap = () => new URLSearchParams(location.hash.slice(1)).get("map");
const SLOW_FROM = 3000;

// The name of what draws WebGL, empty where nothing does.
function renderer() {
  try {
    const gl = document.createElement("canvas").getContext("webgl2"), unmasked = gl.getExtension("WEBGL_debug_renderer_info");
    return String(gl.getParameter(unmasked ? unmasked.UNMASKED_RENDERER_WEBGL : gl.RENDERER)) || "unknown";
  } catch {
    return "";
  }
}

// Without a graphics card WebGL takes a second to draw ten thousand nodes, a canvas some milliseconds.
function kindOfMap() {
  const drawnBy = typeof Sigma === "function" && askedMap() !== "canvas" ? renderer() : "";
  if (!drawnBy) return "canvas";
  const isSlow = /swiftshader|llvmpipe|softpipe|software|basic render/i.test(drawnBy) && DATA.drawn + DATA.edges.length / 2 > SLOW_FROM;
  return isSlow && askedMap() !== "webgl" ? "quick canvas" : "webgl";
}

function drawName(pen, data) {
  if (!data.label) return;
  pen.font = NAME_FONT;
  writeName(pen, data.label, nameArea(pen, data.label, data, data.size));
}

// The tip tells the rest.
function drawHovered(pen, data) {
  pen.beginPath();
  pen.arc(data.x, data.y, data.size + 2, 0, 7);
  pen.lineWidth = 2;
  pen.strokeStyle = tint("--ink");
  pen.stroke();
}

function sigmaMap() {
  const graph = new graphology.Graph({ type: "undirected" });
  for (let node = 0; node < DATA.drawn; node++) {
    graph.addNode(String(node), {
      x: DATA.x[node], y: DATA.y[node], size: sizeOf(current(), node), color: QUIET,
      label: DATA.ids[node].slice(0, 40),
    });
  }
  for (let e = 0; e < DATA.edges.length; e += 2) {
    graph.addUndirectedEdge(String(DATA.edges[e]), String(DATA.edges[e + 1]));
  }
  const sigma = new Sigma(graph, box, {
    defaultEdgeColor: tint("--edge"), labelColor: { color: tint("--ink") }, labelRenderedSizeThreshold: plainSize + 3,
    labelDensity: 0.6, zIndex: true, minCameraRatio: 0.005, maxCameraRatio: 4, allowInvalidContainer: true,
    defaultDrawNodeLabel: drawName, defaultDrawNodeHover: drawHovered,
    hideEdgesOnMove: DATA.edges.length > 60000, stagePadding: 30, itemSizesReference: "screen",
  });
  const looks = Array.from({ length: DATA.drawn }, () => "");
  const spot = (node) => sigma.graphToViewport({ x: DATA.x[node], y: DATA.y[node] });
  const move = (node, ratio) => {
    const { x, y } = sigma.viewportToFramedGraph(spot(node));
    sigma.getCamera().animate({ x, y, ratio }, { duration: 250 });
  };
  sigma.on("enterNode", ({ node, event }) => hover(Number(node), event.original));
  sigma.on("leaveNode", () => hover(-1));
  sigma.on("clickNode", ({ node }) => choose(Number(node)));
  sigma.on("clickStage", () => choose(-1));
  sigma.on("afterRender", drawOverlay);
  return {
    kind: "webgl",
    refresh() {
      // Sigma is told of the nodes that look different now, and of no other.
      const values = current(), nodes = [];
      for (let node = 0; node < DATA.drawn; node++) {
        const isPeak = isPeakShown(values, node), color = colorOf(values, node), size = sizeOf(values, node);
        const look = `${color} ${size} ${isPeak}`;
        if (look === looks[node]) continue;
        looks[node] = look;
        const name = String(node);
        Object.assign(graph.getNodeAttributes(name), { color, size, zIndex: isPeak ? 1 : 0 });
        nodes.push(name);
      }
      if (nodes.length) sigma.refresh({ partialGraph: { nodes, edges: [] }, skipIndexation: true });
    },
    center: (node) => move(node, Math.min(sigma.getCamera().ratio, 0.4)),
    place: spot,
    repaint() {
      sigma.setSetting("defaultEdgeColor", tint("--edge"));
      sigma.setSetting("labelColor", { color: tint("--ink") });
    },
  };
}

// The selected node, its witness and the way to it, above either map.
const overlay = document.createElement("canvas");
overlay.className = "overlay";

function drawOverlay() {
  const ratio = devicePixelRatio || 1, pen = overlay.getContext("2d");
  overlay.width = box.clientWidth * ratio;
  overlay.height = box.clientHeight * ratio;
  pen.scale(ratio, ratio);
  const node = state.node;
  if (map === null || node < 0 || node >= DATA.x.length) return;
  const each = current(), witness = each.witness[node];
  pen.strokeStyle = tint("--mark");
  pen.lineWidth = 3;
  if (witness >= 0 && witness < DATA.x.length) {
    const path = pathTo(node, witness);
    pen.setLineDash(path ? [] : [6, 6]);
    pen.beginPath();
    (path || [node, witness]).forEach((step, i) => {
      const p = map.place(step);
      if (i) pen.lineTo(p.x, p.y);
      else pen.moveTo(p.x, p.y);
    });
    pen.stroke();
    pen.setLineDash([]);
    ring(pen, witness, 7);
  }
  ring(pen, node, 11);
}

function ring(pen, node, radius) {
  const p = map.place(node);
  pen.beginPath();
  pen.arc(p.x, p.y, radius, 0, 7);
  pen.stroke();
}

function hover(node, event) {
  const tip = at("tip");
  tip.hidden = node < 0;
  if (node < 0 || !event) return;
  const each = current(), p = event.touches ? event.touches[0] : event;
  tip.textContent = `${nameOf(node).slice(0, 80)}: ${valueText(each, node)}${isPeakShown(each, node) ? ", a peak" : ""}`;
  tip.style.left = `${Math.min(p.clientX + 12, innerWidth - 180)}px`;
  tip.style.top = `${p.clientY + 12}px`;
}

function makeMap() {
  try {
    const kind = kindOfMap();
    map = kind === "webgl" ? sigmaMap() : canvasMap(kind);
  } catch {
    box.replaceChildren();
    map = canvasMap("canvas");
  }
  box.append(overlay);
  dark.addEventListener("change", () => {
    map.repaint();
    drawCharts();
  });
}
