// What is in the set: columns, filled chunk by chunk. Row 0 is the worst sample; nothing is changed later.

const FACETS = ["source", "split", "subject_id", "side", "aspect"];
const POINTS = 21;

let head = null; // what data/index.js tells of the set
let loaded = 0; // rows that are here
let chunk = 0; // the last that was asked for
const column = {};
const finding = { check: [], severity: [], score: [], threshold: [], message: [] };

// Letters that turn the order of those behind them are shown as such, so that gnp.exe is not read as exe.png.
function inOrder(text) {
  return String(text).replace(/[\u202A-\u202E\u2066-\u2069]/g, "\uFFFD");
}

function curateIndex(told) {
  head = told;
  const n = head.rows;
  for (const name of FACETS) column[name] = new Uint32Array(n);
  column.id = new Array(n);
  column.search = new Array(n); // ids in lower case
  column.file = new Array(n);
  column.folder = new Uint32Array(n);
  column.place = new Uint32Array(n); // row in the dataset
  column.size = new Int32Array(2 * n);
  column.window = new Int32Array(3 * n); // x, y, side: what the thumbnail shows of the image
  column.points = new Float32Array(2 * POINTS * n); // px of the image; NaN where not labelled
  column.seen = new Uint8Array(POINTS * n);
  column.sha = new Uint8Array(32 * n);
  column.found = new Uint32Array(n + 1); // findings of row i: found[i] .. found[i + 1]
  column.mask = new Uint8Array(n); // which mask the mask's atlas shows: none, its own, one found by colour
  column.verdict = new Uint8Array(n); // see decisions.js
  begin();
  if (head.chunks) addScript(chunkName(0));
}

function curateChunk(told) {
  const at = told.start;
  const rows = told.ids.length;
  for (let i = 0; i < rows; i++) {
    column.id[at + i] = told.ids[i];
    column.search[at + i] = told.ids[i].toLowerCase();
  }
  for (const name of [...FACETS, "place", "mask", ...(told.folder ? ["folder"] : [])]) column[name].set(told[name], at);
  if (told.file) told.file.forEach((file, i) => { column.file[at + i] = file; });
  column.size.set(told.size.flat(), 2 * at);
  column.window.set(told.window.flat(), 3 * at);
  column.points.set(new Float32Array(bytesOf(told.points).buffer), 2 * POINTS * at);
  column.seen.set(bytesOf(told.seen), POINTS * at);
  column.sha.set(bytesOf(told.sha), 32 * at);
  let next = 0;
  for (let i = 0; i < rows; i++) {
    for (; next < told.findings.length && told.findings[next][0] === i; next++) {
      const [, check, severity, score, threshold, message] = told.findings[next];
      finding.check.push(check);
      finding.severity.push(severity);
      finding.score.push(score);
      finding.threshold.push(threshold);
      finding.message.push(message);
    }
    column.found[at + i + 1] = finding.check.length;
  }
  loaded = at + rows;
  arrived(at);
  // One at a time, so that the page answers in between; the first pictures go before the second.
  if (loaded < head.rows) setTimeout(addScript, at ? 0 : 150, chunkName(++chunk));
}

function chunkName(number) {
  return `data/c${String(number).padStart(4, "0")}.js`;
}

function bytesOf(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

function shaOf(row) {
  let text = "";
  for (let i = 32 * row; i < 32 * row + 32; i++) text += column.sha[i].toString(16).padStart(2, "0");
  return text;
}

function checksOf(row, severity = null) {
  const checks = new Set();
  for (let f = column.found[row]; f < column.found[row + 1]; f++)
    if (severity === null || head.severities[finding.severity[f]] === severity) checks.add(head.checks[finding.check[f]]);
  return [...checks].sort();
}

function isFlagged(row) {
  return column.found[row + 1] > column.found[row];
}

function worstOf(row) {
  let worst = head.severities.length;
  for (let f = column.found[row]; f < column.found[row + 1]; f++) worst = Math.min(worst, finding.severity[f]);
  return worst;
}

function valueOf(name, row) {
  return head.values[name][column[name][row]];
}

// The square of the image that the thumbnail shows: x, y and side, px.
function windowOf(row) {
  const [x, y, side] = column.window.subarray(3 * row, 3 * row + 3);
  return { x, y, side };
}

// The keypoints as labelled: x and y in px of the image, and visibility; null where not labelled.
function pointsOf(row) {
  const points = [];
  for (let k = POINTS * row; k < POINTS * (row + 1); k++) {
    const x = column.points[2 * k];
    points.push(Number.isNaN(x) ? null : [x, column.points[2 * k + 1], column.seen[k]]);
  }
  return points;
}
