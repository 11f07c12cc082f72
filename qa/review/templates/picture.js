// The sample in large: which part of it is seen, and how wheel, mouse and fingers change that.

const NEAREST = 12; // px of the image across the picture, at most magnified
const WIDEST = 1.5; // of the image's longer side, at least magnified
const STILL = 3; // px of the screen: less is no drag
const lens = { row: -1, x: 0, y: 0, side: 1 };
const original = { row: -1, image: null, asked: false }; // an image, or a bitmap of it
const frames = []; // the pictures in the panel: {row, patch, editable, ghost, node, picture, overlay}
const fingers = new Map(); // pointer -> where it is, px of the screen
let grip = null; // what they have taken hold of: a keypoint, the picture, or (two fingers) its size
let redrawing = 0;

// The sample with a patch as it would be; only one of two pictures can be edited.
function bigPicture(row, patch, words, editable) {
  const canvas = (className) => make("canvas", { width: 1, height: 1, className });
  const frame = { row, patch, editable, picture: canvas(""), overlay: canvas("overlay") };
  frame.node = make("span", { className: "picture" + (column.size[2 * row] ? "" : " missing") }, [frame.picture, frame.overlay]);
  frames.push(frame);
  if (column.size[2 * row]) {
    frame.node.addEventListener("wheel", (event) => turn(event, frame), { passive: false });
    frame.node.addEventListener("pointerdown", (event) => grasp(event, frame));
    frame.node.addEventListener("pointermove", (event) => move(event, frame));
    frame.node.addEventListener("pointerup", (event) => letGo(event, frame));
    frame.node.addEventListener("pointercancel", dropGrip);
    frame.node.addEventListener("click", () => frame.tapped && zoom(true));
  } else frame.node.addEventListener("click", () => zoom(!isLarge()));
  return make("figure", {}, [frame.node, make("figcaption", { textContent: words })]);
}

// The pictures are made anew: what fingers held of the old ones is let go.
function dropFrames() {
  frames.length = 0;
  fingers.clear();
  grip = draft = null;
}

function isLarge() {
  return panel.classList.contains("zoomed");
}

// Called once the pictures stand in the page.
function drawAnew(row) {
  if (lens.row !== row) fit(row);
  fitCanvases();
  if (!column.size[2 * row]) return;
  withAtlas("a", row, () => active === row && !original.image, redraw);
  loadOriginal(row);
  redraw();
}

function fitCanvases() {
  for (const { node, picture, overlay } of frames) {
    const side = Math.max(1, Math.round(node.clientWidth * Math.min(2, devicePixelRatio)));
    for (const canvas of [picture, overlay]) if (canvas.width !== side) canvas.width = canvas.height = side;
  }
}

function redrawSoon() {
  if (!redrawing) redrawing = requestAnimationFrame(redraw);
}

function redraw() {
  cancelAnimationFrame(redrawing);
  redrawing = 0;
  for (const frame of frames) {
    if (frame.row !== lens.row || !column.size[2 * frame.row]) continue;
    if (original.image) paintOriginal(frame.picture, original.image, lens);
    else withAtlas("a", frame.row, () => false, (atlas) => {
      clear(frame.picture, frame.picture.width);
      paintThumbnail(frame.picture, frame.row, atlas, lens);
    });
    const style = {
      lens,
      numbers: show.numbers || (frame.patch?.order && isLarge()),
      fine: true,
      before: frame.patch?.points || draft ? patched(pointsOf(frame.row), { order: frame.patch?.order }) : null,
      held: frame.editable ? held : -1,
    };
    paintOverlay(frame.overlay, frame.row, frame.editable ? pointsNow(frame) : patched(pointsOf(frame.row), frame.patch), style, () => active === frame.row);
  }
}

// The dataset's own file, where the page lies beside it.
function loadOriginal(row) {
  if (original.row === row) return;
  original.image?.close?.();
  Object.assign(original, { row, image: null, asked: false });
  const path = originalOf(row);
  if (!path) return;
  const image = new Image();
  image.src = path;
  image.decode().then(() => {
    if (original.row !== row) return;
    original.image = image;
    redraw();
  }, () => {});
}

// A bitmap is drawn faster again and again; to make it takes time that only magnifying is worth.
function hasten() {
  const { row, image } = original;
  if (!image || original.asked) return;
  original.asked = true;
  createImageBitmap(image).then((bitmap) => {
    if (original.row === row) original.image = bitmap;
    else bitmap.close();
  }, () => {});
}

// the lens --------------------------------------------------------------------------------------------

function fit(row) {
  Object.assign(lens, { row, ...windowOf(row) });
}

// Magnify by a factor, so that a place of the image stays where it is seen.
function magnify(factor, [x, y]) {
  const most = Math.max(windowOf(lens.row).side, WIDEST * Math.max(...column.size.subarray(2 * lens.row, 2 * lens.row + 2)));
  const side = Math.min(most, Math.max(Math.min(NEAREST, windowOf(lens.row).side), lens.side / factor));
  setLens(x - ((x - lens.x) * side) / lens.side, y - ((y - lens.y) * side) / lens.side, side);
}

// Some of the thumbnail's part of the image or of the image itself stays in sight.
function setLens(x, y, side) {
  const own = windowOf(lens.row);
  const [width, height] = column.size.subarray(2 * lens.row, 2 * lens.row + 2);
  const within = (value, low, high) => Math.min(Math.max(value, low - side / 2), high - side / 2);
  lens.x = within(x, Math.min(0, own.x), Math.max(width, own.x + own.side));
  lens.y = within(y, Math.min(0, own.y), Math.max(height, own.y + own.side));
  lens.side = side;
  hasten();
  redrawSoon();
}

function centre() {
  return [lens.x + lens.side / 2, lens.y + lens.side / 2];
}

function bringPointIntoLens([x, y]) {
  const margin = lens.side / 20;
  const inside = (value, low) => value >= low + margin && value <= low + lens.side - margin;
  if (!inside(x, lens.x) || !inside(y, lens.y)) setLens(x - lens.side / 2, y - lens.side / 2, lens.side);
}

// By key: around the keypoint that is worked on, else around the middle.
function magnifyByKey(factor) {
  if (active < 0 || !column.size[2 * active]) return;
  const place = held >= 0 ? pointsNow()[held] : null;
  if (place) bringPointIntoLens(place);
  magnify(factor, place || centre());
}

function fitByKey() {
  if (active < 0) return;
  fit(active);
  redrawSoon();
}

// wheel, mouse and fingers ----------------------------------------------------------------------------

// The place of the image that is seen at a place of the screen.
function placeAt(frame, [clientX, clientY]) {
  const box = frame.node.getBoundingClientRect();
  return [lens.x + ((clientX - box.left) / box.width) * lens.side, lens.y + ((clientY - box.top) / box.height) * lens.side];
}

// px of the image in one of the screen
function fineness(frame) {
  return lens.side / frame.node.getBoundingClientRect().width;
}

function turn(event, frame) {
  event.preventDefault();
  const pixels = event.deltaY * [1, 16, 400][event.deltaMode];
  // A pinch on a touchpad comes as a wheel with ctrl, in smaller steps.
  magnify(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), placeAt(frame, [event.clientX, event.clientY]));
}

function grasp(event, frame) {
  // Beside the grid fingers scroll the page; a tap opens the sample in large.
  frame.tapped = event.pointerType === "touch" && !isLarge();
  if (event.button || frame.tapped) return;
  frame.node.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  draft = null;
  if (fingers.size === 1) {
    const from = [event.clientX, event.clientY];
    const k = frame.editable ? pointNear(frame, placeAt(frame, from), event.pointerType === "touch" ? 24 : 11) : -1;
    grip = { what: k < 0 ? "picture" : "point", k, from, lens: { ...lens }, moved: false, place: k < 0 ? null : pointsNow(frame)[k] };
  } else if (fingers.size === 2) grip = { what: "size", lens: { ...lens }, from: spread(), moved: true };
  redrawSoon();
}

// Where two fingers are: the middle between them, and how far apart.
function spread() {
  const [[x, y], [u, v]] = [...fingers.values()];
  return { middle: [(x + u) / 2, (y + v) / 2], apart: Math.max(1, Math.hypot(x - u, y - v)) };
}

function move(event, frame) {
  if (!grip || !fingers.has(event.pointerId)) return;
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  if (grip.what === "size") return pinch(frame);
  const [dx, dy] = [event.clientX - grip.from[0], event.clientY - grip.from[1]];
  grip.moved ||= Math.hypot(dx, dy) >= STILL;
  if (!grip.moved) return;
  const fine = fineness(frame);
  if (grip.what === "picture") setLens(grip.lens.x - dx * fine, grip.lens.y - dy * fine, lens.side);
  else {
    const [x, y, seen] = grip.place;
    draft = { row: frame.row, k: grip.k, place: [x + dx * fine, y + dy * fine, seen] };
    held = grip.k;
    redrawSoon();
  }
}

function pinch(frame) {
  const now = spread();
  Object.assign(lens, grip.lens);
  const place = placeAt(frame, grip.from.middle);
  magnify(now.apart / grip.from.apart, place);
  const [x, y] = placeAt(frame, now.middle);
  setLens(lens.x + place[0] - x, lens.y + place[1] - y, lens.side);
}

function letGo(event, frame) {
  if (!fingers.delete(event.pointerId) || !grip) return undefined;
  const ended = grip;
  if (fingers.size) {
    const [from] = fingers.values();
    grip = { what: "picture", k: -1, from, lens: { ...lens }, moved: true };
    return undefined;
  }
  grip = null;
  const moved = draft;
  draft = null;
  if (moved) return putPoint(moved.k, moved.place);
  if (ended.moved) return undefined;
  if (ended.what === "point") return hold(ended.k === held ? -1 : ended.k);
  return clicked(placeAt(frame, [event.clientX, event.clientY]));
}

// A click beside all points: a missing one that is held is put there; else it is let go.
function clicked(place) {
  if (held >= 0 && !pointsNow()[held]) return putPoint(held, [...place, 2]);
  if (held >= 0) return hold(-1);
  return isLarge() ? undefined : zoom(true);
}

function dropGrip(event) {
  fingers.delete(event.pointerId);
  if (fingers.size) return;
  grip = draft = null;
  redrawSoon();
}

new ResizeObserver(() => {
  fitCanvases();
  redraw();
}).observe(panel);
