// Keys, the address, and what happens when data arrive.

const HELP = [
  ["← ↑ → ↓ or j k", "move"],
  ["n", "next flagged sample without a decision"],
  ["a", "accept: the labels are right"],
  ["r", "reject: leave the sample out"],
  ["x", "fix needed: someone labels it again"],
  ["s", "swap the side, left and right"],
  ["o", "reverse the order of the points of each finger"],
  ["1 to 9", "reason; where nothing is decided yet, rejects for it"],
  ["u", "undo"],
  ["space", "larger, and back"],
  ["l", "numbers of the points"],
  ["h", "skeleton on or off"],
  ["f", "filter: type part of an id"],
  ["?", "this help"],
];

const show = { skeleton: true, numbers: false, onward: false };
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
  document.title = `Review of ${head.name}`;
  at("title").textContent = head.name;
  at("kicker").textContent = `hand-curate ${head.app_version} · review`;
  try {
    at("reviewer").value = localStorage.getItem("hand-curate-review:reviewer") || "";
  } catch {
    tell("This browser stores nothing for this page: export the decisions before you close it.");
  }
  recall();
  viewFromHash(new URLSearchParams(location.hash.slice(1)));
  ownHash = location.hash;
  const sorts = [["worst", "worst first"], ["dataset", "as in the dataset"], ...head.checks.map((check) => [check, `by ${check}`])];
  at("sort").replaceChildren(...sorts.map(([value, textContent]) => make("option", { value, textContent })));
  showSort();
  showPanel();
  if (!head.rows) refilter();
}

// Called for each chunk. The first is shown at once; the rest joins when all is here.
function arrived(start) {
  rememberRows(start);
  const complete = loaded === head.rows;
  if (start && !complete) {
    showState();
    return;
  }
  buildFilters();
  refilter();
  if (!start && active < 0 && view.length) select(view[0]);
  if (complete) keep();
}

function refilter() {
  view = runFilter();
  showCounts();
  layGrid();
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
  const decided = mine.size ? `${mine.size.toLocaleString("en")} decided` : "";
  at("state").textContent = [decided, unsaved ? `${unsaved.toLocaleString("en")} not exported` : mine.size ? "all exported" : ""].filter(Boolean).join(" · ");
  at("state").classList.toggle("unsaved", unsaved > 0);
}

function showSort() {
  at("sort").value = wanted.sort;
}

// One act on the selected sample, by key or button.
function act(what) {
  const row = active;
  if (what === "undo") return undoOne();
  if (row < 0) return undefined;
  const own = mine.get(row);
  if (/^[1-9]$/.test(what)) {
    const reason = head.reasons[what - 1];
    if (!reason) return undefined;
    if (!own || own.decision === "accept") decide(row, { decision: "reject", reason });
    else decide(row, { decision: own.decision, patch: own.patch, reason: own.reason === reason ? null : reason });
  } else if (what === "side" && !valueOf("side", row)) return say("Its side is not known: there is nothing to swap.");
  else if (what === "side") togglePatch(row, "side", "swap");
  else if (what === "order") togglePatch(row, "order", "reverse");
  else if (own?.decision === what) decide(row, null);
  else decide(row, { decision: what, reason: what === "accept" ? null : own?.reason ?? null });
  return after(row, ["side", "order"].includes(what));
}

function after(row, stay) {
  redress(row);
  recount();
  say(spoken(row));
  if (show.onward && !stay && mine.has(row)) step(1);
  else showPanel();
}

function undoOne() {
  const row = undo();
  if (row < 0) return say("There is nothing to undo.");
  if (view.includes(row)) select(row, { focus: true });
  return after(row, true);
}

const KEYS = {
  ArrowRight: () => step(1),
  ArrowLeft: () => step(-1),
  ArrowDown: () => step(layout.columns),
  ArrowUp: () => step(-layout.columns),
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
  l: () => flip("numbers"),
  h: () => flip("skeleton"),
  f: () => openFilters(true),
  " ": () => zoom(!panel.classList.contains("zoomed")),
  "?": () => at("help").showModal(),
};
for (let i = 1; i <= 9; i++) KEYS[i] = () => act(String(i));

addEventListener("keydown", (event) => {
  if (!head || event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
  if (event.key === "Escape") {
    if (panel.classList.contains("zoomed")) zoom(false);
    else if (document.body.classList.contains("filtering")) openFilters(false);
    if (document.activeElement.matches("input, select")) document.getElementById(`cell-${active}`)?.focus();
    return;
  }
  const on = event.target;
  if (on.matches("input:not([type=checkbox]), select, textarea")) return;
  // Buttons and boxes keep the keys that work them.
  if (on.matches("button, summary, input, a") && [" ", "Enter"].includes(event.key)) return;
  const does = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : event.key === "Enter" && on.matches(".cell") ? KEYS[" "] : null;
  if (!does) return;
  event.preventDefault();
  does();
});

function flip(name) {
  show[name] = !show[name];
  at(name).checked = show[name];
  redress();
  showPanel();
}

function openFilters(on) {
  document.body.classList.toggle("filtering", on);
  at("toggle-filters").setAttribute("aria-expanded", on);
  if (on) at("find-id").focus();
}

function buildHelp() {
  const rows = HELP.map(([keys, what]) => make("div", {}, [make("dt", {}, [make("kbd", { textContent: keys })]), make("dd", { textContent: what })]));
  const close = make("button", { type: "button", textContent: "Close" });
  close.addEventListener("click", () => at("help").close());
  at("help").append(
    make("h2", { id: "help-title", textContent: "Keys" }),
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
});
at("export").addEventListener("click", () => {
  if (!mine.size && !others.size) return say("Nothing is decided yet.");
  download();
  showState();
  return say(`${mine.size} decisions exported`);
});
at("import").addEventListener("click", () => at("import-file").click());
at("import-file").addEventListener("change", async () => {
  for (const file of at("import-file").files) tell(take(await file.text()));
  at("import-file").value = "";
  redress();
  recount();
  showPanel();
});
at("toggle-filters").addEventListener("click", () => openFilters(!document.body.classList.contains("filtering")));
at("show-help").addEventListener("click", () => at("help").showModal());
at("help").addEventListener("click", (event) => { if (event.target === at("help")) at("help").close(); });
buildHelp();

addEventListener("pagehide", () => { if (head) save(); });
addEventListener("beforeunload", (event) => {
  if (head) save();
  if (unsaved) event.preventDefault();
});
