"use strict";
// The persistence diagram and the histogram of the values.
function sheet(id) {
  const canvas = at(id), ratio = devicePixelRatio || 1, pen = canvas.getContext("2d");
  const wide = canvas.clientWidth, high = canvas.clientHeight;
  canvas.width = wide * ratio;
  canvas.height = high * ratio;
  pen.scale(ratio, ratio);
  pen.font = "11px system-ui, sans-serif";
  return { pen, wide, high, left: 8, right: wide - 8, top: 8, bottom: high - 18 };
}

// Dots that no slider moves, by their row; the faint picture of all of them is drawn once per size.
let dots = { x: new Float32Array(0), y: new Float32Array(0) }, faint = null, faintOf = "";

function placeDots(page, low, high) {
  const each = current(), { node, death } = each.peaks, count = node.length;
  const wide = page.right - page.left, tall = page.bottom - page.top;
  dots = { x: new Float32Array(count), y: new Float32Array(count) };
  for (let row = 0; row < count; row++) {
    dots.x[row] = page.left + ((each.value[node[row]] - low) / (high - low)) * wide;
    dots.y[row] = page.bottom - ((death[row] - low) / (high - low)) * tall;
  }
}

// Dots as pixels: a hundred thousand of them in a few milliseconds, which filled rectangles are not.
function stamp(image, ratio, rows, half, [red, green, blue]) {
  const { width, height } = image, pixels = new Uint32Array(image.data.buffer);
  const color = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  for (const row of rows) {
    const x = Math.round(dots.x[row] * ratio), y = Math.round(dots.y[row] * ratio);
    const left = Math.max(x - half, 0), right = Math.min(x + half, width - 1) + 1, low = Math.min(y + half, height - 1);
    for (let line = Math.max(y - half, 0); line <= low; line++) {
      for (let i = line * width + left; i < line * width + right; i++) pixels[i] = color;
    }
  }
}

function extent() {
  const each = current(), { node, death } = each.peaks;
  let low = Infinity, high = -Infinity;
  for (let row = 0; row < node.length; row++) {
    for (const value of [each.value[node[row]], death[row]]) {
      if (isFinite(value) && value < low) low = value;
      if (isFinite(value) && value > high) high = value;
    }
  }
  return high > low ? [low, high] : isFinite(low) ? [low - 1, low + 1] : [0, 1];
}

function drawPersistence() {
  const page = sheet("persistence"), { pen } = page, each = current();
  const canvas = at("persistence"), ratio = devicePixelRatio || 1, half = Math.round(ratio);
  if (!canvas.width || !canvas.height) return;
  const key = [state.values, canvas.width, canvas.height, dark.matches].join();
  if (key !== faintOf) {
    const [low, high] = extent();
    placeDots(page, low, high);
    faint = pen.createImageData(canvas.width, canvas.height);
    stamp(faint, ratio, each.peaks.node.keys(), half, channels(tint("--line")));
    faintOf = key;
    faint.ends = [written(low), written(high)];
  }
  const image = new ImageData(new Uint8ClampedArray(faint.data), faint.width, faint.height);
  stamp(image, ratio, shown, half + 1, channels(tint("--mark")));
  pen.putImageData(image, 0, 0);
  pen.strokeStyle = tint("--quiet");
  pen.beginPath();
  pen.moveTo(page.left, page.bottom);
  pen.lineTo(page.right, page.top);
  pen.stroke();
  pen.fillStyle = tint("--quiet");
  const [start, end] = faint.ends;
  pen.fillText(start, page.left, page.high - 4);
  pen.fillText(end, page.right - pen.measureText(end).width, page.high - 4);
}

function drawHistogram() {
  const page = sheet("histogram"), { pen } = page, { low, high, counts } = current().histogram;
  const most = counts.reduce((a, b) => Math.max(a, b), 1), step = (page.right - page.left) / Math.max(counts.length, 1);
  counts.forEach((count, i) => {
    const tall = (count / most) * (page.bottom - page.top);
    pen.fillStyle = shade((i + 0.5) / counts.length);
    pen.fillRect(page.left + i * step, page.bottom - tall, Math.max(step - 1, 1), tall);
  });
  if (state.height !== null && high > low) {
    const x = page.left + ((state.height - low) / (high - low)) * (page.right - page.left);
    pen.fillStyle = tint("--mark");
    pen.fillRect(x - 1, page.top, 2, page.bottom - page.top);
  }
  pen.fillStyle = tint("--quiet");
  pen.fillText(written(low), page.left, page.high - 4);
  const end = written(high);
  pen.fillText(end, page.right - pen.measureText(end).width, page.high - 4);
}

function drawCharts() {
  drawPersistence();
  drawHistogram();
}

at("persistence").addEventListener("click", (event) => {
  let best = -1, nearest = 100;
  for (let row = 0; row < dots.x.length; row++) {
    const d = (dots.x[row] - event.offsetX) ** 2 + (dots.y[row] - event.offsetY) ** 2;
    if (d <= nearest && (d < nearest || isShown[row])) [best, nearest] = [row, d];
  }
  if (best >= 0) choose(current().peaks.node[best], true);
});
