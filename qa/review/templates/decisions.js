// What was decided: kept in this browser at once, exported as a file for `curate review apply`.

const SCHEMA = "hand-curate decision 1";
const KINDS = ["accept", "reject", "fix", "patch"];

const mine = new Map(); // row -> {decision, reason, patch, reviewer, ts, exported}
const others = new Map(); // row -> decisions of other reviewers, as imported
const waiting = new Map(); // sample_id -> what was stored, until its chunk arrives
const done = []; // acts that can be undone: {before: [row, its decision, those of others], ..., tag, both}
const undone = []; // acts that were undone and can be done again, the same
const changed = new Set(); // rows whose decisions are not stored yet
let sent = new Set(); // ids of the samples that were decided on in the last export
let stored = "{}"; // what the browser held when it was last read or written
let outdated = 0; // decisions that were stored on other labels or pixels than those of this page
let unsaved = 0;
let saving = 0;

function storeName(what) {
  return `hand-curate-review:${head.dataset_sha}:${what}`;
}

// What the browser holds, where that is news: of an earlier review, or of this page in another tab, whose
// decisions stand beside those made here. Says whether it was news.
function recall() {
  try {
    const text = localStorage.getItem(storeName("decisions"));
    if (text === null || text === stored) return false;
    const { own = [], theirs = [], exported: ids = [] } = JSON.parse(text);
    stored = text;
    sent = new Set(ids);
    waiting.clear();
    for (const line of [...own, ...theirs]) {
      if (!waiting.has(line.sample_id)) waiting.set(line.sample_id, []);
      waiting.get(line.sample_id).push(line);
    }
  } catch {
    tell("The earlier review stored in this browser cannot be read; import your last export.");
    return false;
  }
  for (const row of [...mine.keys(), ...others.keys()].filter((one) => !changed.has(one))) {
    mine.delete(row);
    others.delete(row);
    judge(row);
  }
  rememberRows(0);
  countUnsaved();
  return true;
}

// Give the rows from `start` on what was stored of them. Labels that have changed since are not decided.
function rememberRows(start) {
  for (let row = start; waiting.size && row < loaded; row++) {
    for (const line of (!changed.has(row) && waiting.get(column.id[row])) || []) {
      if (line.sample_sha !== shaOf(row)) outdated++;
      else if (line.own) mine.set(row, withoutNames(line));
      else others.set(row, [...(others.get(row) || []), line]);
    }
    waiting.delete(column.id[row]);
    judge(row);
  }
}

function withoutNames({ decision, reason, patch, reviewer, ts, exported }) {
  return { decision, reason, patch, reviewer, ts, exported };
}

function judge(row) {
  const own = mine.get(row);
  const all = [...(own ? [own] : []), ...(others.get(row) || [])];
  const said = new Set(all.map((one) => JSON.stringify([one.decision, one.patch?.side, one.patch?.order, Object.entries(one.patch?.points || {}).sort()])));
  const word = said.size > 1 ? "conflict" : all.length ? all[0].decision : "undecided";
  column.verdict[row] = VERDICTS.indexOf(word);
}

// One act: a change for each row, null to take its decision back. Acts with the same tag in turn are one.
function decide(changes, tag = "") {
  if (!tag || done.at(-1)?.tag !== tag) done.push({ before: standing(changes.map(([row]) => row)), tag });
  undone.length = 0;
  const about = { reviewer: reviewer(), ts: new Date().toISOString(), exported: false };
  for (const [row, change] of changes) put(row, change && { reason: null, patch: null, ...change, ...about });
  keep();
}

// What stands in some rows; decisions of others only for acts that change both, as other tabs may bring some.
function standing(rows, both = false) {
  return rows.map((row) => [row, mine.get(row), ...(both ? [others.get(row) || []] : [])]);
}

function put(row, record, theirs = others.get(row) || []) {
  if (record) mine.set(row, record);
  else mine.delete(row);
  if (theirs.length) others.set(row, theirs);
  else others.delete(row);
  changed.add(row);
  judge(row);
}

// The decision with a part of its patch changed; no word takes the part out of it. Swapping twice, reversing
// twice, or putting a point back is no decision.
function withPatch(row, part, word) {
  const patch = { ...(mine.get(row)?.patch || {}) };
  if (part === "order" && word !== patch.order && patch.points) patch.points = renamed(patch.points);
  if (word) patch[part] = word;
  else delete patch[part];
  const any = Object.keys(patch).length > 0;
  return any ? { decision: "patch", patch, reason: mine.get(row)?.reason ?? null } : null;
}

// Points that were put somewhere stay there where the order of each finger is reversed: their names change.
function renamed(points) {
  const entries = Object.entries(points);
  return Object.fromEntries(entries.map(([name, place]) => [head.names[reversed(head.names.indexOf(name))], place]));
}

// A keypoint put at [x, y, visibility], or null: not labelled. What is as it was is no part of a patch.
function withPoint(row, k, place) {
  const patch = mine.get(row)?.patch;
  const points = { ...(patch?.points || {}) };
  if (samePlace(unmoved(row)[k], place)) delete points[head.names[k]];
  else points[head.names[k]] = place;
  return withPatch(row, "points", Object.keys(points).length ? points : null);
}

// The points as labelled, in the order that is decided on.
function unmoved(row) {
  return patched(pointsOf(row), { order: mine.get(row)?.patch?.order });
}

function samePlace(a, b) {
  return a && b ? a.every((value, i) => value === b[i]) : !a === !b;
}

// The rows whose last decision was taken back, or given again.
function undo() {
  return back(done, undone);
}

function redo() {
  return back(undone, done);
}

function back(from, to) {
  const last = from.pop();
  if (!last) return [];
  const rows = last.before.map(([row]) => row);
  to.push({ before: standing(rows, last.both), tag: "", both: last.both });
  for (const [row, before, theirs] of last.before) put(row, before && { ...before, exported: false }, theirs);
  keep();
  return rows;
}

// What the last export does not say: decisions, of samples that are not read yet too, and that one was taken back.
function countUnsaved() {
  unsaved = 0;
  const decided = new Set(waiting.keys());
  for (const lines of waiting.values()) unsaved += lines.some((one) => one.own && !one.exported);
  for (const [row, record] of mine) {
    unsaved += !record.exported;
    decided.add(column.id[row]);
  }
  for (const id of sent) unsaved += !decided.has(id);
}

function keep() {
  countUnsaved();
  if (!saving) saving = setTimeout(save, 100);
}

function save() {
  clearTimeout(saving);
  saving = 0;
  catchUp();
  const own = [...mine].map(([row, record]) => ({ ...line(row, record), own: true, exported: record.exported }));
  const theirs = [...others.values()].flat();
  const unread = [...waiting.values()].flat();
  const text = JSON.stringify({ own: [...own, ...unread.filter((one) => one.own)], theirs: [...theirs, ...unread.filter((one) => !one.own)], exported: [...sent] });
  try {
    localStorage.setItem(storeName("decisions"), text);
    stored = text;
    changed.clear();
  } catch {
    tell("This browser cannot store the decisions: export them before you close the page.");
  }
}

function line(row, record) {
  const { decision, reason, patch, reviewer: who, ts } = record;
  return {
    schema: SCHEMA,
    dataset_sha: head.dataset_sha,
    sample_id: column.id[row],
    sample_sha: shaOf(row),
    check_ids: checksOf(row),
    decision,
    reason,
    ...(patch ? { patch } : {}),
    reviewer: who,
    ts,
    app_version: head.app_version,
  };
}

function exported() {
  const rows = [...mine.keys()].sort((a, b) => column.place[a] - column.place[b]);
  const lines = rows.map((row) => line(row, mine.get(row)));
  for (const theirs of others.values()) lines.push(...theirs);
  return lines.map((one) => JSON.stringify(one) + "\n").join("");
}

function download() {
  catchUp();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([exported()], { type: "application/jsonl" }));
  link.download = "decisions.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  for (const [row, record] of mine) {
    record.exported = true;
    changed.add(row);
  }
  sent = new Set([...mine.keys()].map((row) => column.id[row]));
  keep();
}

// Decisions that were made before the reviewer gave a name are theirs too.
function sign() {
  for (const [row, record] of mine) {
    if (!record.reviewer) changed.add(row);
    record.reviewer ||= reviewer();
  }
}

function decisions(count) {
  return count === 1 ? "1 decision" : `${count} decisions`;
}

// Take in a file of decisions. Says what it did.
function take(text) {
  const rowOf = new Map();
  for (let row = 0; row < loaded; row++) rowOf.set(column.id[row], row);
  const given = [];
  let refused = 0;
  for (const entry of text.split("\n").filter((one) => one.trim())) {
    const one = parsed(entry);
    const row = one ? rowOf.get(one.sample_id) : undefined;
    if (row === undefined || one.sample_sha !== shaOf(row)) refused++;
    else given.push([row, one]);
  }
  takeIn(given);
  return `${decisions(given.length)} imported` + (refused ? `, ${refused} refused: not a decision, or made on other labels or pixels.` : ".");
}

// What was taken in of a reviewer before they gave their name is theirs. Says how many decisions that are.
function claim() {
  const given = [...others].flatMap(([row, all]) => all.filter((one) => isOwn(row, one)).map((one) => [row, one]));
  takeIn(given);
  return given.length;
}

// One act: decisions [row, decision] of files. Of one's own the later counts, those of others stand beside.
function takeIn(given) {
  if (!given.length) return;
  done.push({ before: standing([...new Set(given.map(([row]) => row))], true), tag: "", both: true });
  undone.length = 0;
  for (const [row, one] of given) {
    const own = mine.get(row);
    const rest = (others.get(row) || []).filter((other) => other.reviewer !== one.reviewer);
    if (isOwn(row, one)) {
      put(row, own?.ts > one.ts ? own : { ...withoutNames(one), exported: true }, rest);
      sent.add(one.sample_id);
    } else put(row, own, [...rest, one]);
  }
  keep();
}

// Of who is reviewing now; what another has decided here gives way to nobody's file.
function isOwn(row, one) {
  return one.reviewer === reviewer() && ["", one.reviewer].includes(mine.get(row)?.reviewer ?? "");
}

// A decision as the page exports it, nothing else; null for anything else.
function parsed(text) {
  try {
    const { dataset_sha, sample_id, sample_sha, check_ids, decision, reason = null, patch, reviewer, ts, app_version } = JSON.parse(text);
    const words = [dataset_sha, sample_id, sample_sha, reviewer, ts, app_version];
    if (JSON.parse(text).schema !== SCHEMA || !KINDS.includes(decision)) return null;
    if (!words.every((word) => typeof word === "string") || !Array.isArray(check_ids)) return null;
    if (Number.isNaN(Date.parse(ts))) return null;
    if (reason !== null && !head.reasons.includes(reason)) return null;
    const change = {};
    if (["swap", "left", "right"].includes(patch?.side)) change.side = patch.side;
    if (patch?.order === "reverse") change.order = "reverse";
    if (patch?.points) change.points = parsedPoints(patch.points);
    const some = Object.keys(change).length > 0;
    if ((decision === "patch") !== some) return null;
    return { schema: SCHEMA, dataset_sha, sample_id, sample_sha, check_ids: check_ids.map(String), decision, reason, ...(some ? { patch: change } : {}), reviewer, ts, app_version };
  } catch {
    return null;
  }
}

// Places of single keypoints, as `curate review open-labelme` gives them; anything else throws.
function parsedPoints(points) {
  const put = {};
  for (const [name, place] of Object.entries(points)) {
    const [x, y, seen] = place ?? [0, 0, 1];
    if (!head.names.includes(name) || ![x, y].every(Number.isFinite) || ![1, 2].includes(seen)) throw new TypeError(name);
    put[name] = place && [x, y, seen];
  }
  return put;
}
