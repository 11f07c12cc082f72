// Keys, the address, and what happens when data arrive.

const HELP = [
  ["← ↑ → ↓ or j k", "next or previous sample"],
  ["n", "next flagged sample without a decision"],
  ["a", "accept: the labels are right"],
  ["r", "reject: leave the sample out"],
  ["x", "fix needed: someone should label it again"],
  ["s", "swap the side, left and right"],
  ["o", "reverse the order of the points of each finger"],
  ["1 to 9", "give the reason; if nothing is decided yet, also reject"],
  ["u, U", "undo, redo (ctrl Z, ctrl shift Z)"],
  ["space or g", "enlarge one sample, or go back to the grid"],
  ["wheel, + and −, 0", "zoom in or out; 0 shows the whole picture again"],
  [". and ,", "hold the next or previous point (or click it); Esc lets go"],
  ["← ↑ → ↓", "move the held point by 1 px of the image, with shift by 10"],
  ["v, Del, c", "make the held point hidden or visible; not labelled; as it was"],
  ["Enter or a click", "place the held point if it is missing"],
  ["p", "apply the proposed correction"],
  ["b", "skeleton on or off"],
  ["m", "mask on or off"],
  ["h", "heatmap on or off"],
  ["l", "numbers of the points on or off"],
  ["shift and a move or click", "select several; a decision applies to all of them"],
  ["f", "filter: type part of an id"],
  ["?", "this help"],
];

const show = { skeleton: true, mask: false, heatmap: false, numbers: false, onward: false };
let hashing = 0;
let ownHash = "";

const at = (id) => document.getElementById(id);

function reviewer() {
  return at("reviewer").value.trim();
}

function say(words) {
  at("said").textContent = words;
}

function tell(words) {
  at("notice").textContent = words;
  at("notice").hidden = !words;
}

function begin() {
  document.title = inOrder(`Review of ${head.name}`);
  at("title").textContent = inOrder(head.name);
  at("kicker").textContent = `hand-curate ${head.app_version} · review`;
  try {
    at("reviewer").value = localStorage.getItem("hand-curate-review:reviewer") || "";
  } catch {
    tell("This browser stores nothing for this page: export the decisions before you close it.");
  }
  recall();
  viewFromHash(new URLSearchParams(location.hash.slice(1)));
  ownHash = location.hash;
  const sorts = [...(head.checked ? [["worst", "worst first"]] : []), ["dataset", "as in the dataset"], ["subject", "by subject"], ...head.checks.map((check) => [check, `by ${check}`])];
  at("sort").replaceChildren(...sorts.map(([value, textContent]) => make("option", { value, textContent })));
  showSort();
  showPanel();
  if (head.rows) return;
  at("nothing").textContent = "The dataset holds no sample.";
  buildFilters();
  refilter();
}

// Called for each chunk. The first is shown at once; the rest joins when all is here.
function arrived(start) {
  rememberRows(start);
  countUnsaved();
  const complete = loaded === head.rows;
  if (start && !complete) {
    showState();
    return;
  }
  buildFilters();
  refilter();
  if (!start && active < 0 && view.length) select(view[0]);
  if (!complete) return;
  at("import").disabled = false; // a file tells of samples that may be anywhere
  if (outdated) tell(`Of the decisions kept in this browser, ${outdated.toLocaleString("en")} ${outdated === 1 ? "was" : "were"} made on other labels or pixels and left out: decide on these samples again.`);
  keep();
}

function refilter() {
  view = runFilter();
  showCounts();
  layGrid();
  if (picked.size) {
    picked.clear();
    redress();
  }
  if (view.length && !view.includes(active)) select(view[0]);
  showState();
  clearTimeout(hashing);
  hashing = setTimeout(writeHash, 150);
}

// A decision does not take its sample out of the view under the reviewer's eyes: counts alone follow.
function recount() {
  runFilter();
  showCounts();
  showState();
}

// What was decided on this page in another tab is shown here too.
function catchUp() {
  if (!recall()) return;
  redress();
  recount();
  showPanel();
}

function writeHash() {
  const words = viewAsHash().toString();
  ownHash = words ? `#${words}` : "";
  if (location.hash !== ownHash) location.replace(ownHash || "#");
}

addEventListener("hashchange", () => {
  if (!head || location.hash === ownHash) return;
  viewFromHash(new URLSearchParams(location.hash.slice(1)));
  buildFilters();
  showSort();
  refilter();
});

function showState() {
  const total = head.rows.toLocaleString("en");
  at("count").textContent = loaded < head.rows ? `reading ${loaded.toLocaleString("en")} of ${total} …` : `${view.length.toLocaleString("en")} of ${total}`;
  at("state").textContent = [progressWords(), unsaved ? `${unsaved.toLocaleString("en")} not exported` : mine.size ? "all exported" : ""].filter(Boolean).join(" · ");
  at("state").classList.toggle("unsaved", unsaved > 0);
}

// "12 of 86 flagged decided": of a page without findings, how many of all.
function progressWords() {
  const of = head.checked ? head.flagged : head.rows;
  let counted = 0;
  for (const row of mine.keys()) counted += !head.checked || isFlagged(row);
  const more = mine.size - counted;
  at("progress").max = Math.max(1, of);
  at("progress").value = counted;
  const number = (value) => value.toLocaleString("en");
  return `${number(counted)} of ${number(of)}${head.checked ? " flagged" : ""} decided${more ? `, and ${number(more)} more` : ""}`;
}

function showSort() {
  at("sort").value = head.checked || wanted.sort !== "worst" ? wanted.sort : "dataset"; // without findings the same
}

// One act on the selected samples, by key or button. Of several, all get what the one in the panel gets.
function act(what) {
  if (what === "undo") return stepBack(undo(), "undo");
  if (what === "redo") return stepBack(redo(), "redo");
  if (active < 0) return undefined;
  const rows = picked.size > 1 ? [...picked] : [active];
  const own = mine.get(active);
  let change;
  if (/^[1-9]$/.test(what)) {
    const reason = head.reasons[what - 1];
    if (!reason) return undefined;
    const kept = own?.reason === reason ? null : reason;
    change = (row) => {
      const one = mine.get(row);
      if (!one || one.decision === "accept") return { decision: "reject", reason };
      return { decision: one.decision, patch: one.patch, reason: kept };
    };
  } else if (what === "side" || what === "order") {
    if (what === "side" && !valueOf("side", active)) return say("Its side is not known: there is nothing to swap.");
    const word = own?.patch?.[what] ? null : { side: "swap", order: "reverse" }[what];
    change = (row) => (what === "side" && !valueOf("side", row) ? undefined : withPatch(row, what, word));
  } else if (what === "proposal") {
    if (!own && !proposalOf(active)) return say("Nothing is proposed for this sample.");
    change = (row) => (mine.has(row) || !proposalOf(row) ? undefined : { decision: "patch", patch: proposalOf(row) });
  } else if (own?.decision === what) change = () => null;
  else change = (row) => ({ decision: what, reason: what === "accept" ? null : mine.get(row)?.reason ?? null });
  const changes = rows.map((row) => [row, change(row)]).filter(([, one]) => one !== undefined);
  if (changes.length) decide(changes);
  return after(changes.map(([row]) => row), ["side", "order", "proposal"].includes(what) || rows.length > 1);
}

function after(rows, stay) {
  redress(rows.length === 1 ? rows[0] : undefined);
  recount();
  say(rows.length > 1 ? `${rows.length} samples: ${spoken(active)}` : spoken(active));
  if (show.onward && !stay && mine.has(active)) step(1);
  else showPanel();
}

// What was undone or done again is brought into sight.
function stepBack(rows, what) {
  if (!rows.length) return say(`There is nothing to ${what}.`);
  if (!rows.includes(active) && view.includes(rows[0])) select(rows[0], { focus: true });
  return after(rows, true);
}

// The arrow keys move the point that is held, else they go to another sample.
function arrow(dx, dy, shift) {
  if (held >= 0) nudge(dx * (shift ? 10 : 1), dy * (shift ? 10 : 1));
  else step(dx + dy * layout.columns, shift);
}

const KEYS = {
  ArrowRight: (shift) => arrow(1, 0, shift),
  ArrowLeft: (shift) => arrow(-1, 0, shift),
  ArrowDown: (shift) => arrow(0, 1, shift),
  ArrowUp: (shift) => arrow(0, -1, shift),
  PageDown: () => step(layout.columns * Math.max(1, Math.floor(grid.clientHeight / layout.height))),
  PageUp: () => step(-layout.columns * Math.max(1, Math.floor(grid.clientHeight / layout.height))),
  Home: () => step(-view.length),
  End: () => step(view.length),
  j: () => step(1),
  k: () => step(-1),
  n: nextUndecided,
  a: () => act("accept"),
  r: () => act("reject"),
  x: () => act("fix"),
  s: () => act("side"),
  o: () => act("order"),
  u: () => act("undo"),
  U: () => act("redo"),
  p: () => act("proposal"),
  b: () => flip("skeleton"),
  m: () => flip("mask"),
  h: () => flip("heatmap"),
  l: () => flip("numbers"),
  g: () => zoom(!isLarge()),
  f: () => openFilters(true),
  " ": () => zoom(!isLarge()),
  "+": () => magnifyByKey(1.5),
  "=": () => magnifyByKey(1.5),
  "-": () => magnifyByKey(1 / 1.5),
  0: fitByKey,
  ".": () => active >= 0 && holdNext(1),
  ",": () => active >= 0 && holdNext(-1),
  v: () => actOnPoint("hide"),
  c: () => actOnPoint("back"),
  Delete: () => actOnPoint("remove"),
  Backspace: () => actOnPoint("remove"),
  "?": () => at("help").showModal(),
};
for (let i = 1; i <= 9; i++) KEYS[i] = () => act(String(i));

// Ctrl Z undoes as `u` does; the browser has its other keys for itself.
function keyOf(event) {
  if (event.altKey) return "";
  if (!event.ctrlKey && !event.metaKey) return event.key;
  return { z: event.shiftKey ? "U" : "u", y: "U" }[event.key.toLowerCase()] || "";
}

function leave() {
  if (held >= 0) hold(-1);
  else if (isLarge()) zoom(false);
  else if (document.body.classList.contains("filtering")) openFilters(false);
  if (document.activeElement.matches("input, select")) document.getElementById(`cell-${active}`)?.focus();
}

addEventListener("keydown", (event) => {
  const key = keyOf(event);
  if (!head || !key || document.querySelector("dialog[open]")) return;
  if (key === "Escape") return leave();
  const on = event.target;
  if (on.matches("input:not([type=checkbox]), select, textarea")) return;
  // Buttons and boxes keep the keys that work them; Enter on a missing point that is held puts it.
  const puts = key === "Enter" && held >= 0 && !pointsNow()[held] && on.matches(".point-table button");
  if (!puts && on.matches("button, summary, input, a") && [" ", "Enter"].includes(key)) return;
  const does = Object.hasOwn(KEYS, key) ? KEYS[key] : key === "Enter" ? enter(on) : null;
  if (!does) return;
  event.preventDefault();
  does(event.shiftKey);
});

function enter(on) {
  if (held >= 0) return () => actOnPoint("add");
  return on.matches(".cell, #panel.zoomed") ? KEYS[" "] : null;
}

function flip(name) {
  show[name] = !show[name];
  at(name).checked = show[name];
  redress();
  showPanel();
}

function openFilters(on) {
  if (on && isLarge()) zoom(false); // they stand beside the grid
  document.body.classList.toggle("filtering", on);
  at("toggle-filters").setAttribute("aria-expanded", on);
  if (on) at("find-id").focus();
}

function buildHelp() {
  const rows = HELP.map(([keys, what]) => make("div", {}, [make("dt", {}, [make("kbd", { textContent: keys })]), make("dd", { textContent: what })]));
  const close = make("button", { type: "button", textContent: "Close" });
  close.addEventListener("click", () => at("help").close());
  at("help").append(
    make("h2", { id: "help-title", textContent: "Keys", tabIndex: -1, autofocus: true }),
    make("dl", {}, rows),
    make("p", { textContent: "Decisions are kept in this browser. Export them as a file, then run: curate review apply decisions.jsonl --dataset D --out NEW" }),
    close,
  );
}

for (const name of Object.keys(show)) {
  show[name] = at(name).checked;
  at(name).addEventListener("change", () => {
    show[name] = at(name).checked;
    redress();
    showPanel();
  });
}
at("sort").addEventListener("change", () => { wanted.sort = at("sort").value; grid.scrollTop = 0; refilter(); });
at("reviewer").addEventListener("change", () => {
  try {
    localStorage.setItem("hand-curate-review:reviewer", reviewer());
  } catch {
    // told at the beginning
  }
  const count = head ? claim() : 0;
  if (!count) return;
  say(count === 1 ? "1 imported decision is yours" : `${count} imported decisions are yours`);
  redress();
  recount();
  showPanel();
});
at("export").addEventListener("click", () => {
  if (!mine.size && !others.size && !unsaved) return say("Nothing is decided yet.");
  return reviewer() || !mine.size ? exportAll() : at("who").showModal();
});

function exportAll() {
  sign();
  download();
  showState();
  say(`${decisions(mine.size)} exported`);
}

// Whose decisions these are is asked before they first leave the browser: merging several reviewers needs it.
function buildWho() {
  const name = make("input", { id: "who-name", autocomplete: "name", spellcheck: false, maxLength: 80 });
  const go = make("button", { type: "button", className: "main", textContent: "Export" });
  const cancel = make("button", { type: "button", textContent: "Cancel" });
  const give = () => {
    if (!name.value.trim()) return name.focus();
    at("reviewer").value = name.value.trim();
    at("reviewer").dispatchEvent(new Event("change"));
    at("who").close();
    return exportAll();
  };
  go.addEventListener("click", give);
  name.addEventListener("keydown", (event) => { if (event.key === "Enter") give(); });
  cancel.addEventListener("click", () => at("who").close());
  at("who").append(
    make("h2", { id: "who-title", textContent: "Whose decisions are these?" }),
    make("p", { textContent: "The exported file gives this name with each decision, so that decisions of several reviewers can be told apart and merged." }),
    make("label", {}, ["Your name ", name]),
    make("div", { className: "choices" }, [go, cancel]),
  );
}
at("import").addEventListener("click", () => at("import-file").click());
at("import-file").addEventListener("change", async () => {
  const files = [...at("import-file").files];
  const told = [];
  for (const file of files) told.push((files.length > 1 ? `${file.name}: ` : "") + take(await file.text()));
  tell(told.join("\n"));
  at("import-file").value = "";
  redress();
  recount();
  showPanel();
});
at("toggle-filters").addEventListener("click", () => openFilters(!document.body.classList.contains("filtering")));
at("show-help").addEventListener("click", () => at("help").showModal());
at("help").addEventListener("click", (event) => { if (event.target === at("help")) at("help").close(); });
buildHelp();
buildWho();

addEventListener("storage", (event) => { if (head && event.key === storeName("decisions")) catchUp(); });
addEventListener("pagehide", () => { if (head) save(); });
addEventListener("beforeunload", (event) => {
  if (head) save();
  if (unsaved) event.preventDefault();
});
