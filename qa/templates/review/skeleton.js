// Pictures: thumbnails out of their atlases, hands drawn upon them.

const KEPT = 2; // decoded atlases; each takes 9.4 MB
const atlases = new Map(); // number -> bitmap, the longest unused first
const queue = new Map(); // number -> what to do when it is here; the last asked for is loaded first
let underway = -1; // one at a time: decoding takes memory
// Beside its colour each finger has its own dashes, in units of the line's width.
const DASHES = [[], [5, 2], [2, 1.6], [6, 2, 1.5, 2], [1, 2]];

// Give the atlas of a row to `then` as soon as it is here, unless it is no longer `wanted`.
function withAtlas(row, wanted, then) {
  const number = Math.floor(row / (head.across * head.across));
  const atlas = atlases.get(number);
  if (atlas) {
    atlases.delete(number);
    atlases.set(number, atlas);
    then(atlas);
    return;
  }
  const others = queue.get(number) || [];
  queue.delete(number);
  queue.set(number, [...others, { wanted, then }]);
  loadNext();
}

function loadNext() {
  if (underway >= 0) return;
  // What has been scrolled past is not loaded.
  for (const [number, waiters] of queue) if (!waiters.some((one) => one.wanted())) queue.delete(number);
  if (!queue.size) return;
  const number = [...queue.keys()].at(-1);
  underway = number;
  const done = (atlas) => {
    const waiters = queue.get(number) || [];
    queue.delete(number);
    underway = -1;
    if (atlas) {
      atlases.set(number, atlas);
      if (atlases.size > KEPT) drop(atlases.keys().next().value);
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
  image.src = `atlas/a${String(number).padStart(4, "0")}.webp`;
}

function drop(number) {
  atlases.get(number).close();
  atlases.delete(number);
}

// The part of the thumbnail that is image, in shares of its side: left, top, right, bottom.
function insideOf(row) {
  const [x, y, side] = column.window.subarray(3 * row, 3 * row + 3);
  const [width, height] = column.size.subarray(2 * row, 2 * row + 2);
  return [Math.max(0, -x / side), Math.max(0, -y / side), Math.min(1, (width - x) / side), Math.min(1, (height - y) / side)];
}

function paintThumbnail(canvas, row, atlas) {
  const context = canvas.getContext("2d");
  const cell = row % (head.across * head.across);
  const [left, top, right, bottom] = insideOf(row);
  const from = [(cell % head.across) * head.thumb + left * head.thumb, Math.floor(cell / head.across) * head.thumb + top * head.thumb];
  const size = canvas.width;
  context.imageSmoothingQuality = "high";
  context.drawImage(
    atlas, ...from, (right - left) * head.thumb, (bottom - top) * head.thumb,
    left * size, top * size, (right - left) * size, (bottom - top) * size,
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

// The points as they would be with each finger read the other way round.
function reversed(points) {
  return points.map((point, k) => (k === 0 ? point : points[k - ((k - 1) % 4) + 3 - ((k - 1) % 4)]));
}

// Draw the hand. `style`: numbers (of the points), reverse (the order), fine (dashes tell the fingers apart).
function paintHand(canvas, row, style) {
  const context = canvas.getContext("2d");
  const size = canvas.width;
  const scale = size / head.thumb;
  const raw = pointsOf(row);
  const points = style.reverse ? reversed(raw) : raw;
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
