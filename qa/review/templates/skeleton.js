// Pictures: thumbnails out of their atlases; masks, heatmaps and hands drawn upon them.

const KEPT = 2; // decoded atlases of pictures; each takes 9.4 MB
const atlases = new Map(); // name -> bitmap, the longest unused first
const queue = new Map(); // name -> what to do when it is here; the last asked for is loaded first
let underway = ""; // one at a time: decoding takes memory
const SIGMA = 5; // of the heatmaps, px of 96: as the reference network is trained
const MASK = "rgb(86 180 233)"; // Okabe-Ito's sky blue, that no finger has
const spots = new Map(); // Gaussians, drawn once per colour and size
const scratch = document.createElement("canvas");
// Beside its colour each finger has its own dashes, in units of the line's width.
const DASHES = [[], [5, 2], [2, 1.6], [6, 2, 1.5, 2], [1, 2]];

// Give the atlas of a row to `then` as soon as it is here, unless it is no longer `wanted`. Kinds: "a" pictures,
// "m" masks.
function withAtlas(kind, row, wanted, then) {
  const number = String(Math.floor(row / (head.across * head.across))).padStart(4, "0");
  const name = kind === "a" ? `a${number}.webp` : `m${number}.png`;
  const atlas = atlases.get(name);
  if (atlas) {
    atlases.delete(name);
    atlases.set(name, atlas);
    then(atlas);
    return;
  }
  const others = queue.get(name) || [];
  queue.delete(name);
  queue.set(name, [...others, { wanted, then }]);
  loadNext();
}

function loadNext() {
  if (underway) return;
  // What has been scrolled past is not loaded.
  for (const [name, waiters] of queue) if (!waiters.some((one) => one.wanted())) queue.delete(name);
  if (!queue.size) return;
  const name = [...queue.keys()].at(-1);
  underway = name;
  const done = (atlas) => {
    const waiters = queue.get(name) || [];
    queue.delete(name);
    underway = "";
    if (atlas) {
      atlases.set(name, atlas);
      const alike = [...atlases.keys()].filter((other) => other[0] === name[0]);
      if (alike.length > KEPT) drop(alike[0]);
      for (const one of waiters) if (one.wanted()) one.then(atlas);
    }
    loadNext();
  };
  // A bitmap's memory can be given back at once; an image's stays for as long as the browser likes.
  const image = new Image();
  image.onload = () => createImageBitmap(image).then(done, () => done(null)).finally(() => {
    image.onerror = null;
    image.src = "";
  });
  image.onerror = () => done(null);
  image.src = `atlas/${name}`;
}

function drop(name) {
  atlases.get(name).close();
  atlases.delete(name);
}

// The part of the thumbnail that is image, in shares of its side: left, top, right, bottom.
function insideOf(row) {
  const [x, y, side] = column.window.subarray(3 * row, 3 * row + 3);
  const [width, height] = column.size.subarray(2 * row, 2 * row + 2);
  return [Math.max(0, -x / side), Math.max(0, -y / side), Math.min(1, (width - x) / side), Math.min(1, (height - y) / side)];
}

function paintThumbnail(canvas, row, atlas) {
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  drawCell(context, row, atlas);
}

// A row's part of an atlas, moved by (dx, dy).
function drawCell(context, row, atlas, dx = 0, dy = 0) {
  const cell = row % (head.across * head.across);
  const [left, top, right, bottom] = insideOf(row);
  const from = [(cell % head.across) * head.thumb + left * head.thumb, Math.floor(cell / head.across) * head.thumb + top * head.thumb];
  const size = context.canvas.width;
  context.drawImage(
    atlas, ...from, (right - left) * head.thumb, (bottom - top) * head.thumb,
    left * size + dx, top * size + dy, (right - left) * size, (bottom - top) * size,
  );
}

function paintOriginal(canvas, row, image) {
  const [x, y, side] = column.window.subarray(3 * row, 3 * row + 3);
  const size = canvas.width;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.clearRect(0, 0, size, size);
  context.drawImage(image, (-x / side) * size, (-y / side) * size, (image.naturalWidth / side) * size, (image.naturalHeight / side) * size);
}

function originalOf(row) {
  const folder = head.originals && head.originals[column.folder[row]];
  if (!folder) return null;
  return [...folder.split("/"), column.file[row]].map(encodeURIComponent).join("/");
}

// What is drawn over a picture: mask, heatmap, skeleton. `patch`: as the labels would be.
function paintOverlay(canvas, row, style, wanted) {
  const paint = (stencil) => {
    clear(canvas, canvas.width);
    if (stencil) paintMask(canvas, row, stencil);
    const points = patched(row, pointsOf(row), style.patch);
    if (show.heatmap) paintHeatmap(canvas, points);
    if (show.skeleton) paintHand(canvas, row, points, style);
  };
  paint(null);
  if (show.mask && column.mask[row]) withAtlas("m", row, wanted, paint);
}

// The points as a patch would have them: each finger read the other way round, then single ones moved.
function patched(row, points, patch) {
  let moved = points;
  if (patch?.order) moved = points.map((point, k) => (k === 0 ? point : points[k - ((k - 1) % 4) + 3 - ((k - 1) % 4)]));
  if (!patch?.points) return moved;
  const [x, y, side] = column.window.subarray(3 * row, 3 * row + 3);
  const scale = head.thumb / side;
  return moved.map((point, k) => {
    const put = patch.points[head.names[k]];
    return put === undefined ? point : put && [(put[0] - x) * scale, (put[1] - y) * scale];
  });
}

// The mask's ground tinted, and its outline: thin, so that the hand's own edge is seen beside it.
function paintMask(canvas, row, stencil) {
  const size = canvas.width;
  const context = canvas.getContext("2d");
  const width = Math.max(1, size / 160);
  for (const [outline, alpha] of [[false, 0.2], [true, 0.95]]) {
    clear(scratch, size);
    const pen = scratch.getContext("2d");
    pen.globalCompositeOperation = "source-over";
    if (outline) for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) drawCell(pen, row, stencil, dx * width, dy * width);
    if (outline) pen.globalCompositeOperation = "destination-out";
    drawCell(pen, row, stencil);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = MASK;
    pen.fillRect(0, 0, size, size);
    context.globalAlpha = alpha;
    context.drawImage(scratch, 0, 0);
    context.globalAlpha = 1;
  }
}

// The Gaussians that a network is trained to find, each in its finger's colour.
function paintHeatmap(canvas, points) {
  const context = canvas.getContext("2d");
  const scale = canvas.width / head.thumb;
  const reach = 3 * SIGMA * scale;
  points.forEach((point, k) => {
    if (!point) return;
    const spot = spotOf(head.colours[Math.max(0, Math.floor((k - 1) / 4))], Math.ceil(2 * reach));
    context.drawImage(spot, point[0] * scale - reach, point[1] * scale - reach, 2 * reach, 2 * reach);
  });
}

function spotOf(colour, size) {
  const name = `${colour} ${size}`;
  if (spots.has(name)) return spots.get(name);
  const spot = document.createElement("canvas");
  spot.width = spot.height = size;
  const pen = spot.getContext("2d");
  const shade = pen.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  for (let i = 0; i <= 12; i++) shade.addColorStop(i / 12, `rgb(${colour.join(" ")} / ${0.85 * Math.exp(-4.5 * (i / 12) ** 2)})`);
  pen.fillStyle = shade;
  pen.fillRect(0, 0, size, size);
  spots.set(name, spot);
  return spot;
}

// Draw the hand. `style`: numbers (of the points), fine (dashes tell the fingers apart).
function paintHand(canvas, row, points, style) {
  const context = canvas.getContext("2d");
  const size = canvas.width;
  const scale = size / head.thumb;
  const width = Math.max(1.5, size / 90);
  context.lineCap = style.fine ? "butt" : "round";
  for (const [under, over] of [[true, width + 1.6], [false, width]]) {
    head.bones.forEach(([a, b]) => {
      if (!points[a] || !points[b]) return;
      const finger = Math.max(0, Math.floor((b - 1) / 4));
      context.strokeStyle = under ? "rgb(0 0 0 / 45%)" : `rgb(${head.colours[finger].join(" ")})`;
      context.lineWidth = over;
      context.setLineDash(style.fine && !under ? DASHES[finger].map((d) => d * width) : []);
      context.beginPath();
      context.moveTo(points[a][0] * scale, points[a][1] * scale);
      context.lineTo(points[b][0] * scale, points[b][1] * scale);
      context.stroke();
    });
  }
  context.setLineDash([]);
  points.forEach((point, k) => point && paintPoint(context, point, k, row, width, scale));
  if (style.numbers) points.forEach((point, k) => point && paintNumber(context, point, k, size, scale));
}

function paintPoint(context, [x, y], k, row, width, scale) {
  const hidden = column.seen[POINTS * row + k] === 1;
  const finger = Math.max(0, Math.floor((k - 1) / 4));
  context.beginPath();
  context.arc(x * scale, y * scale, 1.5 * width, 0, 7);
  context.lineWidth = hidden ? width : 0.8;
  context.strokeStyle = hidden ? `rgb(${head.colours[finger].join(" ")})` : "#fff";
  context.fillStyle = `rgb(${head.colours[finger].join(" ")})`;
  if (!hidden) context.fill();
  context.stroke();
}

function paintNumber(context, [x, y], k, size, scale) {
  const height = Math.max(9, size / 24);
  context.font = `600 ${height}px system-ui, sans-serif`;
  context.lineWidth = height / 4;
  context.lineJoin = "round";
  context.strokeStyle = "#000c";
  context.fillStyle = "#fff";
  context.strokeText(k, x * scale + height / 3, y * scale - height / 4);
  context.fillText(k, x * scale + height / 3, y * scale - height / 4);
}
