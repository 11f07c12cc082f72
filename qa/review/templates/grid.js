// The grid: a few hundred nodes, used again and again, over as many samples as there are.

const SEVERITY_GLYPH = { error: "✕", warning: "!", info: "i" };
const SEVERITY_WORD = { error: "error", warning: "warning", info: "note" };
const VERDICT_GLYPH = { accept: "✓", reject: "⊘", fix: "✎", patch: "⇄", conflict: "≠" };
const VERDICT_WORD = { undecided: "undecided", accept: "accepted", reject: "rejected", fix: "to be fixed", patch: "corrected", conflict: "reviewers disagree" };
const CAPTION = 22; // px below a picture
const GAP = 12;

const grid = document.getElementById("grid");
const spacer = document.getElementById("spacer");
const cells = new Map(); // index in the view -> cell
const spare = [];
let layout = { columns: 1, side: 120, width: 132, height: 154 };
let active = -1; // row shown in the panel
let anchor = -1; // where a selection of several began
const picked = new Set(); // rows of a selection of several, `active` among them
let drawing = 0;

function measure() {
  const room = grid.clientWidth - GAP;
  const columns = Math.max(2, Math.floor(room / ((room < 500 ? 80 : 116) + GAP)));
  const width = room / columns;
  const side = Math.floor(width - GAP);
  layout = { columns, side, width, height: side + CAPTION + GAP };
}

// Lay out the view anew; `top` keeps the place.
function layGrid() {
  measure();
  const rows = Math.ceil(view.length / layout.columns);
  spacer.style.height = `${rows * layout.height + GAP}px`;
  document.getElementById("nothing").hidden = view.length > 0 || loaded < head.rows;
  for (const cell of cells.values()) retire(cell);
  cells.clear();
  fill();
}

function retire(cell) {
  cell.row = -1;
  cell.node.hidden = true;
  cell.node.removeAttribute("id");
  cell.node.removeAttribute("aria-selected");
  spare.push(cell);
}

// Bind the cells in sight, and a screen above and below.
function fill() {
  drawing = 0;
  const screen = grid.clientHeight;
  const first = Math.max(0, Math.floor((grid.scrollTop - screen / 2) / layout.height)) * layout.columns;
  const last = Math.min(view.length, Math.ceil((grid.scrollTop + 1.5 * screen) / layout.height) * layout.columns);
  for (const [index, cell] of cells) {
    if (index < first || index >= last) {
      cells.delete(index);
      retire(cell);
    }
  }
  for (let index = first; index < last; index++) {
    if (cells.has(index)) continue;
    const cell = spare.shift() || makeCell();
    cells.set(index, cell);
    bind(cell, index);
  }
}

function makeCell() {
  const canvas = () => make("canvas", { width: 1, height: 1 });
  const cell = { row: -1, picture: canvas(), overlay: canvas(), flag: make("span"), verdict: make("span"), name: make("span", { className: "id" }) };
  cell.overlay.className = "overlay";
  cell.node = make("div", { className: "cell" }, [
    make("span", { className: "picture" }, [cell.picture, cell.overlay, cell.flag, cell.verdict]),
    cell.name,
  ]);
  cell.node.setAttribute("role", "option");
  cell.node.addEventListener("click", (event) => select(cell.row, { focus: true, extend: event.shiftKey, add: event.ctrlKey || event.metaKey }));
  cell.node.addEventListener("dblclick", () => zoom(true));
  grid.append(cell.node);
  return cell;
}

function bind(cell, index) {
  const row = view[index];
  const left = GAP + (index % layout.columns) * layout.width;
  const top = GAP + Math.floor(index / layout.columns) * layout.height;
  cell.row = row;
  cell.node.hidden = false;
  cell.node.style.transform = `translate(${left}px, ${top}px)`;
  cell.node.style.width = `${layout.side}px`;
  cell.node.id = `cell-${row}`;
  cell.node.setAttribute("aria-posinset", index + 1);
  cell.node.setAttribute("aria-setsize", view.length);
  const pixels = Math.round(layout.side * Math.min(2, devicePixelRatio));
  clear(cell.picture, pixels);
  cell.picture.parentNode.classList.toggle("missing", !column.size[2 * row]);
  if (column.size[2 * row]) {
    withAtlas("a", row, () => cell.row === row, (atlas) => paintThumbnail(cell.picture, row, atlas, windowOf(row)));
  }
  dress(cell);
}

// What may change while a cell shows the same sample.
function dress(cell) {
  const row = cell.row;
  const severity = head.severities[worstOf(row)];
  const verdict = VERDICTS[column.verdict[row]];
  cell.flag.className = severity ? `badge ${severity}` : "";
  cell.flag.textContent = severity ? SEVERITY_GLYPH[severity] : "";
  cell.verdict.className = verdict === "undecided" ? "" : `verdict-mark ${verdict}`;
  cell.verdict.textContent = verdict === "undecided" ? "" : VERDICT_GLYPH[verdict];
  cell.node.classList.toggle("rejected", verdict === "reject");
  cell.name.textContent = inOrder(shortName(column.id[row]));
  cell.node.title = inOrder(column.id[row]);
  cell.node.tabIndex = row === active ? 0 : -1;
  cell.node.setAttribute("aria-selected", row === active || picked.has(row));
  cell.node.classList.toggle("active", row === active);
  cell.node.setAttribute("aria-label", spoken(row));
  clear(cell.overlay, cell.picture.width);
  if (!column.size[2 * row]) return;
  paintOverlay(cell.overlay, row, patched(pointsOf(row), mine.get(row)?.patch), { numbers: show.numbers }, () => cell.row === row);
}

// What tells a sample from its neighbours: what stands behind the last slash of its id, or the one before where
// that is a side alone.
function shortName(id) {
  const parts = id.split("/");
  return parts.slice(/^(\d-)?(left|right)?$/.test(parts.at(-1)) ? -2 : -1).join("/");
}

// A canvas of another size is a new piece of memory: the old one is wiped where it fits.
function clear(canvas, side) {
  if (canvas.width !== side) canvas.width = canvas.height = side;
  else canvas.getContext("2d").clearRect(0, 0, side, side);
}

function spoken(row) {
  const severity = head.severities[worstOf(row)];
  const parts = [column.id[row], severity ? `${SEVERITY_WORD[severity]}: ${checksOf(row).join(", ")}` : "nothing found"];
  const own = mine.get(row);
  parts.push(VERDICT_WORD[VERDICTS[column.verdict[row]]] + (own?.reason ? `, ${own.reason}` : ""));
  return inOrder(parts.join("; "));
}

function redress(row) {
  for (const cell of cells.values()) if (row === undefined || cell.row === row) dress(cell);
}

// `extend`: all from where the selection began to here; `add`: this one too.
function select(row, { focus = false, extend = false, add = false } = {}) {
  const before = active;
  const several = picked.size;
  if (add && before >= 0 && row !== before) {
    picked.add(before);
    if (!picked.delete(row)) picked.add(row);
  } else picked.clear();
  if (!extend) anchor = row;
  if (active !== row) held = -1;
  active = row;
  if (extend && anchor !== row) pickBetween(view.indexOf(anchor), view.indexOf(row));
  if (several || picked.size) redress();
  else {
    redress(before);
    redress(row);
  }
  if (row >= 0) bringIntoSight(view.indexOf(row));
  if (focus) document.getElementById(`cell-${row}`)?.focus({ preventScroll: true });
  if (focus && isLarge()) say(spoken(row)); // its cell lies behind, and takes no focus
  showPanel();
}

function bringIntoSight(index) {
  if (index < 0) return;
  const top = GAP + Math.floor(index / layout.columns) * layout.height;
  const below = top + layout.height - grid.clientHeight;
  if (grid.scrollTop > top - GAP) grid.scrollTop = top - GAP;
  else if (grid.scrollTop < below) grid.scrollTop = below;
  fill();
}

function pickBetween(from, to) {
  if (from < 0 || to < 0) return;
  for (let i = Math.min(from, to); i <= Math.max(from, to); i++) picked.add(view[i]);
}

// Go `steps` further in the view.
function step(steps, extend = false) {
  if (!view.length) return;
  const index = view.indexOf(active);
  const next = index < 0 ? 0 : Math.min(view.length - 1, Math.max(0, index + steps));
  select(view[next], { focus: true, extend });
}

function nextUndecided() {
  const from = view.indexOf(active);
  for (let i = 1; i <= view.length; i++) {
    const row = view[(from + i) % view.length];
    if ((isFlagged(row) || !head.checked) && column.verdict[row] === 0) return select(row, { focus: true });
  }
  return say(`Every ${head.checked ? "flagged " : ""}sample in this view is decided.`);
}

grid.addEventListener("scroll", () => {
  if (!drawing) drawing = requestAnimationFrame(fill);
}, { passive: true });
new ResizeObserver(() => {
  if (head) layGrid();
}).observe(grid);
