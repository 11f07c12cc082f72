// Pictures: thumbnails out of their atlases; masks, heatmaps and hands drawn upon them. What a canvas shows of
// an image is a lens: a square {x, y, side}, px of the image.

const KEPT = 2; // decoded atlases of pictures; each takes 9.4 MB
const atlases = new Map(); // name -> bitmap, the longest unused first
const queue = new Map(); // name -> what to do when it is here; the last asked for is loaded first
let underway = ""; // one at a time: decoding takes memory
const SIGMA = 5; // of the heatmaps, px of 96: as the reference network is trained
const MASK = "rgb(86 180 233)"; // Okabe-Ito's sky blue, that no finger has
const spots = new Map(); // Gaussians, drawn once per colour
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
  const { x, y, side } = windowOf(row);
  const [width, height] = column.size.subarray(2 * row, 2 * row + 2);
  return [Math.max(0, -x / side), Math.max(0, -y / side), Math.min(1, (width - x) / side), Math.min(1, (height - y) / side)];
}

function paintThumbnail(canvas, row, atlas, lens) {
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  drawCell(context, row, atlas, lens);
}

// A row's part of an atlas, moved by (dx, dy).
function drawCell(context, row, atlas, lens, dx = 0, dy = 0) {
  const cell = row % (head.across * head.across);
  const [left, top, right, bottom] = insideOf(row);
  const from = [(cell % head.across) * head.thumb + left * head.thumb, Math.floor(cell / head.across) * head.thumb + top * head.thumb];
  const { x, y, side } = windowOf(row);
  const scale = context.canvas.width / lens.side;
  context.drawImage(
    atlas, ...from, (right - left) * head.thumb, (bottom - top) * head.thumb,
    (x + left * side - lens.x) * scale + dx, (y + top * side - lens.y) * scale + dy, (right - left) * side * scale, (bottom - top) * side * scale,
  );
}

// Much magnified, an image's pixels are seen as they are. Of a large image only what is in the lens is scaled.
function paintOriginal(canvas, image, lens) {
  const size = canvas.width;
  const scale = size / lens.side;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, size, size);
  context.imageSmoothingEnabled = scale < 6;
  context.imageSmoothingQuality = scale < 1 ? "high" : "low";
  const [left, top] = [Math.max(0, Math.floor(lens.x)), Math.max(0, Math.floor(lens.y))];
  const [right, bottom] = [Math.min(image.width, Math.ceil(lens.x + lens.side)), Math.min(image.height, Math.ceil(lens.y + lens.side))];
  if (right <= left || bottom <= top) return;
  context.drawImage(
    image, left, top, right - left, bottom - top,
    (left - lens.x) * scale, (top - lens.y) * scale, (right - left) * scale, (bottom - top) * scale,
  );
}

function originalOf(row) {
  const folder = head.originals && head.originals[column.folder[row]];
  if (!folder) return null;
  return [...folder.split("/"), column.file[row]].map(encodeURIComponent).join("/");
}

// What is drawn over a picture: mask, heatmap, skeleton. `points`: as they are to be seen, see `pointsOf`.
function paintOverlay(canvas, row, points, style, wanted) {
  const lens = style.lens || windowOf(row);
  const paint = (stencil) => {
    clear(canvas, canvas.width);
    if (stencil) paintMask(canvas, row, stencil, lens);
    if (show.heatmap) paintHeatmap(canvas, row, points, lens);
    if (show.skeleton) paintHand(canvas, row, points, { ...style, lens });
  };
  paint(null);
  if (show.mask && column.mask[row]) withAtlas("m", row, wanted, paint);
}

// The points as a patch would have them: each finger read the other way round, then single ones put elsewhere.
function patched(points, patch) {
  const turned = patch?.order ? points.map((_, k) => points[reversed(k)]) : points;
  if (!patch?.points) return turned;
  return turned.map((point, k) => {
    const put = patch.points[head.names[k]];
    return put === undefined ? point : put;
  });
}

// The keypoint that stands in the place of another where the order of each finger's is reversed.
function reversed(k) {
  return k === 0 ? 0 : k - ((k - 1) % 4) + 3 - ((k - 1) % 4);
}

// The mask's ground tinted, and its outline: thin, so that the hand's own edge is seen beside it.
function paintMask(canvas, row, stencil, lens) {
  const size = canvas.width;
  const context = canvas.getContext("2d");
  const width = Math.max(1, size / 160);
  for (const [outline, alpha] of [[false, 0.2], [true, 0.95]]) {
    clear(scratch, size);
    const pen = scratch.getContext("2d");
    pen.globalCompositeOperation = "source-over";
    if (outline) for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) drawCell(pen, row, stencil, lens, dx * width, dy * width);
    if (outline) pen.globalCompositeOperation = "destination-out";
    drawCell(pen, row, stencil, lens);
    pen.globalCompositeOperation = "source-in";
    pen.fillStyle = MASK;
    pen.fillRect(0, 0, size, size);
    context.globalAlpha = alpha;
    context.drawImage(scratch, 0, 0);
    context.globalAlpha = 1;
  }
}

// The Gaussians that a network is trained to find, each in its finger's colour.
function paintHeatmap(canvas, row, points, lens) {
  const context = canvas.getContext("2d");
  const scale = canvas.width / lens.side;
  const reach = 3 * SIGMA * (windowOf(row).side / head.thumb) * scale;
  points.forEach((point, k) => {
    if (!point) return;
    const spot = spotOf(head.colours[fingerOf(k)]);
    context.drawImage(spot, (point[0] - lens.x) * scale - reach, (point[1] - lens.y) * scale - reach, 2 * reach, 2 * reach);
  });
}

function spotOf(colour) {
  const name = String(colour);
  if (spots.has(name)) return spots.get(name);
  const spot = document.createElement("canvas");
  const size = 128;
  spot.width = spot.height = size;
  const pen = spot.getContext("2d");
  const shade = pen.createRadialGradient(size / 2, size / 2, 0, size / 2, size / 2, size / 2);
  for (let i = 0; i <= 12; i++) shade.addColorStop(i / 12, `rgb(${colour.join(" ")} / ${0.85 * Math.exp(-4.5 * (i / 12) ** 2)})`);
  pen.fillStyle = shade;
  pen.fillRect(0, 0, size, size);
  spots.set(name, spot);
  return spot;
}

function fingerOf(k) {
  return Math.max(0, Math.floor((k - 1) / 4));
}

// How wide a bone is drawn, px of the canvas: the thinner, the more is magnified, so that it hides less; and in a
// large picture no wider than in a small one.
function boneWidth(size, row, lens) {
  const magnified = Math.max(1, windowOf(row).side / lens.side);
  const width = Math.min(size / 90, 4 * devicePixelRatio);
  return Math.max(1.5, width) / Math.sqrt(Math.min(magnified, width ** 2));
}

// Draw the hand. `style`: lens, numbers (of the points), fine (dashes tell the fingers apart), before (the
// points as labelled, where some were moved), held (the keypoint that is worked on).
function paintHand(canvas, row, points, style) {
  const context = canvas.getContext("2d");
  const { lens } = style;
  const scale = canvas.width / lens.side;
  const place = ([x, y]) => [(x - lens.x) * scale, (y - lens.y) * scale];
  const pen = { context, width: boneWidth(canvas.width, row, lens), size: canvas.width };
  const drawn = points.map((point) => point && [...place(point), point[2]]);
  paintBones(pen, drawn, style.fine);
  if (style.before) paintBefore(pen, style.before.map((point) => point && place(point)), drawn);
  drawn.forEach((point, k) => point && paintPoint(pen, point, k, k === style.held));
  if (style.numbers) drawn.forEach((point, k) => point && paintNumber(pen, point, k));
}

function paintBones({ context, width }, points, fine) {
  context.lineCap = fine ? "butt" : "round";
  for (const [under, over] of [[true, width + 1.6], [false, width]]) {
    head.bones.forEach(([a, b]) => {
      if (!points[a] || !points[b]) return;
      const finger = fingerOf(b);
      context.strokeStyle = under ? "rgb(0 0 0 / 45%)" : colourOf(b);
      context.lineWidth = over;
      context.setLineDash(fine && !under ? DASHES[finger].map((d) => d * width) : []);
      stroke(context, points[a], points[b]);
    });
  }
  context.setLineDash([]);
}

function stroke(context, [x, y], [u, v]) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(u, v);
  context.stroke();
}

function colourOf(k) {
  return `rgb(${head.colours[fingerOf(k)].join(" ")})`;
}

// Where points stood that were moved or taken away: a small cross, and a thin line to where they are now.
function paintBefore({ context, size }, before, now) {
  const arm = Math.max(3, size / 160);
  before.forEach((was, k) => {
    const is = now[k];
    if (!was || (is && is[0] === was[0] && is[1] === was[1])) return;
    for (const [colour, width] of [["rgb(0 0 0 / 60%)", 3], ["#fff", 1.2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      if (is) stroke(context, was, is);
      stroke(context, [was[0] - arm, was[1] - arm], [was[0] + arm, was[1] + arm]);
      stroke(context, [was[0] - arm, was[1] + arm], [was[0] + arm, was[1] - arm]);
    }
  });
}

// A disc, of a hidden keypoint a ring. The one that is worked on is a ring around the place itself.
function paintPoint({ context, width, size }, [x, y, seen], k, held) {
  const circle = (radius) => {
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
  };
  if (held) {
    const radius = Math.max(1.5 * width + 3, size / 60);
    for (const [colour, line] of [["rgb(0 0 0 / 70%)", 4], [seen === 1 ? "#fff8" : "#fff", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = line;
      circle(radius);
      context.stroke();
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        stroke(context, [x + dx * radius, y + dy * radius], [x + dx * 1.7 * radius, y + dy * 1.7 * radius]);
      }
    }
  }
  const hidden = seen === 1;
  circle(held ? Math.min(1.5 * width, 3) : 1.5 * width);
  context.lineWidth = hidden ? width : 0.8;
  context.strokeStyle = hidden ? colourOf(k) : "#fff";
  context.fillStyle = colourOf(k);
  if (!hidden) context.fill();
  context.stroke();
}

function paintNumber({ context, size }, [x, y], k) {
  const height = Math.max(9, size / 24);
  context.font = `600 ${height}px system-ui, sans-serif`;
  context.lineWidth = height / 4;
  context.lineJoin = "round";
  context.strokeStyle = "#000c";
  context.fillStyle = "#fff";
  context.strokeText(k, x + height / 3, y - height / 4);
  context.fillText(k, x + height / 3, y - height / 4);
}
