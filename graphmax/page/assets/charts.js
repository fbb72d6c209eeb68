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

let dots = [];
function drawPersistence() {
  const page = sheet("persistence"), { pen } = page, each = current(), peaks = each.peaks;
  let low = Infinity, high = -Infinity;
  for (let row = 0; row < peaks.node.length; row++) {
    for (const value of [each.value[peaks.node[row]], peaks.death[row]]) {
      if (isFinite(value) && value < low) low = value;
      if (isFinite(value) && value > high) high = value;
    }
  }
  if (!(high > low)) [low, high] = [low - 1 || 0, low + 1 || 1];
  const across = (v) => page.left + ((v - low) / (high - low)) * (page.right - page.left);
  const up = (v) => page.bottom - ((v - low) / (high - low)) * (page.bottom - page.top);
  pen.strokeStyle = tint("--line");
  pen.beginPath();
  pen.moveTo(across(low), up(low));
  pen.lineTo(across(high), up(high));
  pen.stroke();
  dots = [];
  const dot = (row, color, radius) => {
    const x = across(each.value[peaks.node[row]]), y = up(peaks.death[row]);
    pen.fillStyle = color;
    pen.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    dots.push([x, y, row]);
  };
  for (let row = 0; row < peaks.node.length; row++) if (!isShown[row]) dot(row, tint("--line"), 1.5);
  const mark = tint("--mark");
  for (const row of shown) dot(row, mark, 2.5);
  pen.fillStyle = tint("--quiet");
  pen.fillText(written(low), page.left, page.high - 4);
  const end = written(high);
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
  for (const [x, y, row] of dots) {
    const d = (x - event.offsetX) ** 2 + (y - event.offsetY) ** 2;
    if (d <= nearest && (d < nearest || isShown[row])) [best, nearest] = [row, d];
  }
  if (best >= 0) choose(current().peaks.node[best], true);
});
