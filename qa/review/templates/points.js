// Keypoints put right: one is held, then moved, hidden, taken away or added. Each change is part of a decision.

const SEEN = ["not labelled", "hidden", "visible"];
const JOINTS = 4;
let held = -1; // the keypoint that is worked on
let draft = null; // as it is dragged: {row, k, place}, not yet decided

// The points of the sample in the panel, with what is decided of them, and with the one that is dragged.
function pointsNow(frame = frames.find((one) => one.editable)) {
  const points = patched(pointsOf(frame.row), frame.patch);
  if (draft?.row === frame.row) points[draft.k] = draft.place;
  return points;
}

// The keypoint nearest to a place of the image, no further than so many px of the screen; -1 for none.
function pointNear(frame, [x, y], reach) {
  if (!show.skeleton) return -1;
  let [nearest, least] = [-1, reach * fineness(frame)];
  pointsNow(frame).forEach((point, k) => {
    const apart = point ? Math.hypot(point[0] - x, point[1] - y) : Infinity;
    if (apart <= least) [nearest, least] = [k, apart];
  });
  return nearest;
}

function hold(k) {
  held = active >= 0 && column.size[2 * active] ? k : -1;
  showPanel();
  if (held < 0) return say("No point is held.");
  const point = pointsNow()[held];
  if (point) bringPointIntoLens(point);
  return say(`${wordOf(held)}: ${placeWords(point)}`);
}

function holdNext(steps) {
  hold(held < 0 ? (steps > 0 ? 0 : POINTS - 1) : (held + steps + POINTS) % POINTS);
}

// Put a keypoint at [x, y, visibility], or null: it is not labelled.
function putPoint(k, place, tag = "") {
  held = k;
  decide([[active, withPoint(active, k, place)]], tag);
  after([active], true);
  if (place) bringPointIntoLens(place);
  say(`${wordOf(k)}: ${placeWords(place)}`);
}

function nudge(dx, dy) {
  const point = pointsNow()[held];
  if (!point) return say(`${wordOf(held)} is not labelled: Enter places it in the middle of the picture.`);
  return putPoint(held, [point[0] + dx, point[1] + dy, point[2]], `nudge ${active} ${held}`);
}

// What the buttons and keys do with the point that is held.
const POINT_ACTS = {
  hide: (point) => (point ? putPoint(held, [point[0], point[1], 3 - point[2]]) : addHeld()),
  remove: (point) => (point ? putPoint(held, null) : undefined),
  back: () => putPoint(held, unmoved(active)[held]),
  add: (point) => (point ? undefined : addHeld()),
};

function actOnPoint(what) {
  if (held < 0) return say("Hold a point first: click it, or press . for the next one.");
  return POINT_ACTS[what](pointsNow()[held]);
}

function addHeld() {
  putPoint(held, [...centre(), 2]);
}

function wordOf(k) {
  return head.names[k].replaceAll("_", " ");
}

function placeWords(point) {
  return point ? `${point[0].toFixed(1)}, ${point[1].toFixed(1)} px, ${SEEN[point[2]]}` : SEEN[0];
}

function isMoved(k, now) {
  return !samePlace(unmoved(active)[k], now[k]);
}

// The table of all keypoints, and what can be done with the one that is held.
function pointTools() {
  if (active < 0 || !column.size[2 * active]) return [];
  if (held < 0 && !isLarge()) return [];
  return [make("div", { className: "points" }, [...(isLarge() ? [pointTable()] : []), heldTools()])];
}

function pointTable() {
  const now = pointsNow();
  const rows = [[0], ...[0, 1, 2, 3, 4].map((finger) => [1, 2, 3, 4].map((joint) => JOINTS * finger + joint))];
  return labelled(make("div", { className: "point-table" }, rows.map((row) => make("div", {}, row.map((k) => pointButton(k, now))))), { role: "group", "aria-label": "Points" });
}

function pointButton(k, now) {
  const seen = now[k]?.[2] ?? 0;
  const button = make("button", { type: "button", textContent: ["–", "○", "●"][seen], title: `${wordOf(k)}: ${SEEN[seen]}` });
  button.style.color = seen ? colourOf(k) : "";
  button.classList.toggle("changed", isMoved(k, now));
  button.dataset.act = `point ${k}`;
  button.addEventListener("click", () => hold(k === held ? -1 : k));
  const changed = isMoved(k, now) ? ", changed" : "";
  return labelled(button, { "aria-label": `${wordOf(k)}: ${SEEN[seen]}${changed}`, "aria-pressed": k === held });
}

function heldTools() {
  if (held < 0) return make("p", { className: "hint", textContent: "Zoom with the wheel or two fingers. Drag a point, or hold one (click it, or press .) and move it with the arrow keys." });
  const now = pointsNow();
  const point = now[held];
  const tool = (name, word, key, disabled) => {
    const button = make("button", { type: "button", disabled }, [make("span", { textContent: word }), labelled(make("kbd", { textContent: key }), { "aria-hidden": "true" })]);
    button.dataset.act = name;
    button.addEventListener("click", () => actOnPoint(name));
    return button;
  };
  return make("div", { className: "held" }, [
    make("p", {}, [make("b", { textContent: wordOf(held) }), ` ${point ? placeWords(point) : "is not labelled: click or tap where it belongs"}`]),
    make("div", {}, [
      point ? tool("hide", point[2] === 1 ? "Visible" : "Hidden", "v", false) : tool("add", "Add", "Enter", false),
      tool("remove", "Delete", "Del", !point),
      tool("back", "As it was", "c", !isMoved(held, now)),
    ]),
  ]);
}
