"use strict";
// The map on a canvas: edges are painted once per view, nodes as pixels each time that they change.
const MOST_NAMES = 25, QUICK_EDGES = 20000;

function canvasMap(kind) {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  const lines = document.createElement("canvas"), discs = document.createElement("canvas");
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
  let ratio = 1, seen = "";
  const cover = () => {
    ratio = devicePixelRatio || 1;
    for (const each of [canvas, lines, discs]) {
      each.width = Math.max(Math.round(box.clientWidth * ratio), 1);
      each.height = Math.max(Math.round(box.clientHeight * ratio), 1);
    }
    if (!view.isFitted && box.clientWidth) fit();
  };
  const drawLines = () => {
    const own = lines.getContext("2d");
    own.setTransform(ratio, 0, 0, ratio, 0, 0);
    own.clearRect(0, 0, box.clientWidth, box.clientHeight);
    own.strokeStyle = tint("--edge");
    own.lineWidth = 0.6;
    own.beginPath();
    for (let e = 0; e < DATA.edges.length; e += 2) {
      const a = DATA.edges[e], b = DATA.edges[e + 1];
      own.moveTo(view.x + DATA.x[a] * view.scale, view.y - DATA.y[a] * view.scale);
      own.lineTo(view.x + DATA.x[b] * view.scale, view.y - DATA.y[b] * view.scale);
    }
    own.stroke();
  };
  const drawDiscs = () => {
    const own = discs.getContext("2d"), image = own.createImageData(discs.width, discs.height), values = current();
    for (const isTop of [false, true]) {
      for (let node = 0; node < DATA.drawn; node++) {
        if (isPeakShown(values, node) !== isTop) continue;
        const x = (view.x + DATA.x[node] * view.scale) * ratio, y = (view.y - DATA.y[node] * view.scale) * ratio;
        disc(image, x, y, sizeOf(values, node) * ratio, channels(colorOf(values, node)));
      }
    }
    own.putImageData(image, 0, 0);
  };
  const drawNames = () => {
    const values = current(), taken = [];
    pen.font = NAME_FONT;
    for (const row of values.drawnRows) {
      if (taken.length === MOST_NAMES) break;
      const node = values.peaks.node[row], p = place(node);
      if (!isShown[row] || p.x < 0 || p.y < 0 || p.x > box.clientWidth || p.y > box.clientHeight) continue;
      const text = DATA.ids[node].slice(0, 40), area = nameArea(pen, text, p, sizeOf(values, node));
      if (taken.some((other) => area.x < other.x + other.wide && other.x < area.x + area.wide && Math.abs(area.y - other.y) < 14)) continue;
      taken.push(area);
      writeName(pen, text, area);
    }
  };
  const draw = (isMoving = false) => {
    const now = [box.clientWidth, box.clientHeight, devicePixelRatio, view.x, view.y, view.scale, dark.matches].join();
    const hasLines = !isMoving || DATA.edges.length / 2 <= QUICK_EDGES;
    if (now !== seen) {
      cover();
      if (hasLines) {
        drawLines();
        seen = now;
      }
    }
    drawDiscs();
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (hasLines) pen.drawImage(lines, 0, 0);
    pen.drawImage(discs, 0, 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawNames();
    drawOverlay();
  };
  // While the view moves, many edges are left out; they are back when it rests.
  let isAsked = false, rest = 0;
  const move = () => {
    clearTimeout(rest);
    rest = setTimeout(() => draw(), 150);
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw(true);
    });
  };
  const nodeAt = (event) => {
    const area = canvas.getBoundingClientRect(), x = event.clientX - area.left, y = event.clientY - area.top;
    let best = -1, nearest = 144;
    for (let node = 0; node < DATA.drawn; node++) {
      const d = (view.x + DATA.x[node] * view.scale - x) ** 2 + (view.y - DATA.y[node] * view.scale - y) ** 2;
      if (d < nearest) [best, nearest] = [node, d];
    }
    return best;
  };
  const zoom = (x, y, factor) => {
    view.x = x - (x - view.x) * factor;
    view.y = y - (y - view.y) * factor;
    view.scale *= factor;
    move();
  };
  // One finger or the mouse drags, two fingers zoom.
  const fingers = new Map();
  let start = null;
  const spread = () => {
    const [a, b] = [...fingers.values()], area = canvas.getBoundingClientRect();
    return { length: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2 - area.left, y: (a.y + b.y) / 2 - area.top };
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    start = { x: event.clientX, y: event.clientY, isMoved: fingers.size > 1 };
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      hover(nodeAt(event), event);
      return;
    }
    const old = fingers.size === 2 ? spread() : null;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    start.isMoved = start.isMoved || Math.hypot(event.clientX - start.x, event.clientY - start.y) > 4;
    if (old) {
      const now = spread();
      zoom(now.x, now.y, now.length / Math.max(old.length, 1));
    } else if (start.isMoved) {
      view.x += event.clientX - before.x;
      view.y += event.clientY - before.y;
      move();
    }
  });
  canvas.addEventListener("pointerleave", () => hover(-1));
  const release = (event) => {
    const isClick = fingers.size === 1 && start && !start.isMoved && event.type === "pointerup";
    fingers.delete(event.pointerId);
    if (isClick) choose(nodeAt(event));
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const area = canvas.getBoundingClientRect();
    zoom(event.clientX - area.left, event.clientY - area.top, Math.exp(-event.deltaY / 400));
  }, { passive: false });
  let width = box.clientWidth;
  new ResizeObserver(() => {
    if (box.clientWidth !== width) view.isFitted = false;
    width = box.clientWidth;
    draw();
  }).observe(box);
  return {
    kind,
    refresh: () => draw(),
    center(node) {
      const p = place(node);
      view.x += box.clientWidth / 2 - p.x;
      view.y += box.clientHeight / 2 - p.y;
      draw();
    },
    place,
    repaint: () => draw(),
  };
}

// How much of each pixel a disc around the pixel (0, 0) covers: [across, down, share, ...], once per radius.
const masks = new Map();
function maskOf(radius) {
  const quarters = Math.round(4 * radius), cells = [], reach = quarters / 4 + 0.5;
  if (masks.has(quarters)) return masks.get(quarters);
  for (let down = -Math.floor(reach); down <= reach; down++) {
    for (let across = -Math.floor(reach); across <= reach; across++) {
      const share = Math.min(reach - Math.hypot(across, down), 1);
      if (share > 0) cells.push(across, down, share);
    }
  }
  masks.set(quarters, cells);
  return cells;
}

// A disc as pixels with a soft rim, over what is there.
function disc({ data, width, height }, x, y, radius, [red, green, blue]) {
  const cells = maskOf(radius), left = Math.round(x), top = Math.round(y);
  for (let cell = 0; cell < cells.length; cell += 3) {
    const column = left + cells[cell], row = top + cells[cell + 1], share = cells[cell + 2];
    if (column < 0 || row < 0 || column >= width || row >= height) continue;
    const i = 4 * (row * width + column), below = (data[i + 3] / 255) * (1 - share), alpha = share + below;
    data[i] = (red * share + data[i] * below) / alpha;
    data[i + 1] = (green * share + data[i + 1] * below) / alpha;
    data[i + 2] = (blue * share + data[i + 2] * below) / alpha;
    data[i + 3] = 255 * alpha;
  }
}

// Names of peaks, with a halo that keeps them readable over edges; to the left where the right has no room.
const NAME_FONT = "12px system-ui, sans-serif";

function nameArea(pen, text, place, size) {
  const wide = pen.measureText(text).width, isLeft = place.x + size + 3 + wide > box.clientWidth;
  return { x: isLeft ? Math.max(place.x - size - 3 - wide, 0) : place.x + size + 3, y: place.y + 4, wide };
}

function writeName(pen, text, area) {
  pen.lineJoin = "round";
  pen.lineWidth = 3;
  pen.strokeStyle = tint("--panel");
  pen.strokeText(text, area.x, area.y);
  pen.fillStyle = tint("--ink");
  pen.fillText(text, area.x, area.y);
}
