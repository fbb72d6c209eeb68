"use strict";
// The map: sigma.js on WebGL, or a canvas of the same where there is no WebGL.
const box = at("map");
const dark = matchMedia("(prefers-color-scheme: dark)");
const tint = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
let map = null;

function hasWebGL() {
  if (new URLSearchParams(location.hash.slice(1)).get("map") === "canvas") return false;
  try {
    return typeof Sigma === "function" && !!document.createElement("canvas").getContext("webgl2");
  } catch {
    return false;
  }
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
    graph.mergeEdge(String(DATA.edges[e]), String(DATA.edges[e + 1]));
  }
  const sigma = new Sigma(graph, box, {
    defaultEdgeColor: tint("--edge"), labelColor: { color: tint("--ink") }, labelRenderedSizeThreshold: plainSize + 3,
    labelDensity: 0.6, zIndex: true, minCameraRatio: 0.005, maxCameraRatio: 4, allowInvalidContainer: true,
    hideEdgesOnMove: DATA.edges.length > 60000, stagePadding: 30, itemSizesReference: "screen",
  });
  const looks = Array.from({ length: DATA.drawn }, () => "");
  const move = (node, ratio) => {
    const place = sigma.getNodeDisplayData(String(node));
    if (place) sigma.getCamera().animate({ x: place.x, y: place.y, ratio }, { duration: 250 });
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
    place: (node) => sigma.graphToViewport({ x: DATA.x[node], y: DATA.y[node] }),
    repaint() {
      sigma.setSetting("defaultEdgeColor", tint("--edge"));
      sigma.setSetting("labelColor", { color: tint("--ink") });
    },
  };
}

function canvasMap() {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  canvas.className = "plain";
  box.append(canvas);
  const view = { scale: 1, x: 0, y: 0, isFitted: false };
  const place = (node) => ({ x: view.x + DATA.x[node] * view.scale, y: view.y - DATA.y[node] * view.scale });
  const fit = () => {
    const width = box.clientWidth, height = box.clientHeight;
    const wide = DATA.x.reduce((a, b) => Math.max(a, b), 1), high = DATA.y.reduce((a, b) => Math.max(a, b), 1);
    view.scale = Math.min((width - 60) / wide, (height - 60) / high);
    view.x = (width - wide * view.scale) / 2;
    view.y = height - (height - high * view.scale) / 2;
    view.isFitted = true;
  };
  const draw = () => {
    const ratio = devicePixelRatio || 1;
    canvas.width = box.clientWidth * ratio;
    canvas.height = box.clientHeight * ratio;
    pen.scale(ratio, ratio);
    if (!view.isFitted) fit();
    const values = current();
    pen.strokeStyle = tint("--edge");
    pen.lineWidth = 0.6;
    pen.beginPath();
    for (let e = 0; e < DATA.edges.length; e += 2) {
      const a = place(DATA.edges[e]), b = place(DATA.edges[e + 1]);
      pen.moveTo(a.x, a.y);
      pen.lineTo(b.x, b.y);
    }
    pen.stroke();
    const order = [...Array(DATA.drawn).keys()].sort((a, b) => isPeakShown(values, a) - isPeakShown(values, b));
    for (const node of order) {
      const p = place(node);
      pen.fillStyle = colorOf(values, node);
      pen.beginPath();
      pen.arc(p.x, p.y, sizeOf(values, node), 0, 7);
      pen.fill();
    }
    pen.fillStyle = tint("--ink");
    pen.font = "12px system-ui, sans-serif";
    const rows = [...shown].sort((a, b) => values.peaks.prominence[b] - values.peaks.prominence[a]);
    for (const row of rows.slice(0, 25)) {
      const node = values.peaks.node[row];
      if (node >= DATA.drawn) continue;
      const p = place(node);
      pen.fillText(DATA.ids[node].slice(0, 40), p.x + sizeOf(values, node) + 3, p.y + 4);
    }
    drawOverlay();
  };
  const nodeAt = (event) => {
    const area = canvas.getBoundingClientRect(), x = event.clientX - area.left, y = event.clientY - area.top;
    let best = -1, nearest = 144;
    for (let node = 0; node < DATA.drawn; node++) {
      const p = place(node), d = (p.x - x) ** 2 + (p.y - y) ** 2;
      if (d < nearest) [best, nearest] = [node, d];
    }
    return best;
  };
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, y: event.clientY, moved: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (drag && event.buttons) {
      view.x += event.movementX;
      view.y += event.movementY;
      drag.moved = drag.moved || Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
      draw();
    } else hover(nodeAt(event), event);
  });
  canvas.addEventListener("pointerleave", () => hover(-1));
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) choose(nodeAt(event));
    drag = null;
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const area = canvas.getBoundingClientRect(), x = event.clientX - area.left, y = event.clientY - area.top;
    const factor = Math.exp(-event.deltaY / 400);
    view.x = x - (x - view.x) * factor;
    view.y = y - (y - view.y) * factor;
    view.scale *= factor;
    draw();
  }, { passive: false });
  new ResizeObserver(() => draw()).observe(box);
  return {
    kind: "canvas",
    refresh: draw,
    center(node) {
      const p = place(node);
      view.x += box.clientWidth / 2 - p.x;
      view.y += box.clientHeight / 2 - p.y;
      draw();
    },
    place,
    repaint: draw,
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
  if (map === null || node < 0 || node >= DATA.drawn) return;
  const each = current(), witness = each.witness[node];
  pen.strokeStyle = tint("--mark");
  pen.lineWidth = 3;
  if (witness >= 0 && witness < DATA.drawn) {
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
    map = hasWebGL() ? sigmaMap() : canvasMap();
  } catch {
    box.replaceChildren();
    map = canvasMap();
  }
  box.append(overlay);
  dark.addEventListener("change", () => {
    map.repaint();
    drawCharts();
  });
}
