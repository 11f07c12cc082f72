// The panel: one sample in large, what was found, and the decision. The filters at the other side.

const BUTTONS = [
  ["accept", "✓", "Accept", "a"],
  ["reject", "✕", "Reject", "r"],
  ["fix", "✎", "Fix needed", "x"],
  ["side", "⇄", "Swap side", "s"],
  ["order", "↕", "Reverse order", "o"],
  ["undo", "↶", "Undo", "u"],
];
const TITLES = { decision: "Decision", severity: "Severity", check: "Check", source: "Source", split: "Split", side: "Side", aspect: "Aspect", subject_id: "Subject" };

const panel = document.getElementById("panel");
const original = { row: -1, image: null };

function make(tag, properties = {}, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function labelled(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function showPanel() {
  const focused = document.activeElement?.dataset?.act;
  if (active < 0) {
    panel.replaceChildren(make("p", { className: "hint", textContent: "Select a sample: arrow keys or j and k; ? shows all keys." }));
    return;
  }
  const row = active;
  const patch = mine.get(row)?.patch;
  const proposal = mine.has(row) ? null : proposalOf(row);
  const shown = patch || proposal;
  const second = shown && (shown.order || shown.points) ? shown : null; // a side changes nothing in a picture
  panel.replaceChildren(
    make("div", { className: "pictures" + (second ? " two" : "") }, [
      bigPicture(row, null, second ? "before" : ""),
      ...(second ? [bigPicture(row, second, patch ? "after" : "proposed")] : []),
    ]),
    make("div", { className: "told" }, [
      ...(panel.classList.contains("zoomed") ? [backButton()] : []),
      ...(picked.size > 1 ? [make("p", { className: "several", textContent: `${picked.size.toLocaleString("en")} selected: a decision holds for all of them` })] : []),
      make("h2", { textContent: column.id[row] }),
      ...(proposal ? [proposalButton(proposal)] : []),
      decisionButtons(row),
      reasonButtons(row),
      ...foreignDecisions(row),
      facts(row, patch),
      ...findingsOf(row),
    ]),
  );
  if (focused) panel.querySelector(`[data-act="${focused}"]`)?.focus({ preventScroll: true });
}

// The correction that a finding asks for; null where none does, or where an error says that it would be no use.
function proposalOf(row) {
  const patch = {};
  const errors = checksOf(row, "error");
  for (const check of checksOf(row)) {
    const asked = Object.hasOwn(head.proposals, check) ? head.proposals[check] : null;
    if (asked && !asked.unless.some((other) => errors.includes(other))) Object.assign(patch, asked.patch);
  }
  if (patch.side && !valueOf("side", row)) delete patch.side;
  return Object.keys(patch).length ? patch : null;
}

function proposalButton(proposal) {
  const words = [proposal.side ? "swap the side" : "", proposal.order ? "reverse the order" : ""].filter(Boolean).join(" and ");
  const button = make("button", { type: "button", className: "propose" }, [
    make("span", { textContent: `Do as proposed: ${words}` }),
    labelled(make("kbd", { textContent: "p" }), { "aria-hidden": "true" }),
  ]);
  button.dataset.act = "proposal";
  button.addEventListener("click", () => act("proposal"));
  return button;
}

// The sample in large; with a patch as it would be.
function bigPicture(row, patch, when) {
  const zoomed = panel.classList.contains("zoomed");
  const side = Math.round((zoomed ? 720 : 340) * Math.min(2, devicePixelRatio));
  const canvas = (name) => make("canvas", { width: side, height: side, className: name });
  const [picture, overlay] = [canvas(""), canvas("overlay")];
  const words = patch ? patchWords(row, patch) : maskWords(row);
  if (column.size[2 * row]) {
    const wanted = () => active === row && !(original.row === row && original.image);
    withAtlas("a", row, wanted, (atlas) => paintThumbnail(picture, row, atlas));
    withOriginal(row, (image) => paintOriginal(picture, row, image));
    paintOverlay(overlay, row, { numbers: show.numbers || (patch?.order && zoomed), patch, fine: true }, () => active === row);
  }
  const figure = make("figure", {}, [
    make("span", { className: "picture" + (column.size[2 * row] ? "" : " missing") }, [picture, overlay]),
    make("figcaption", { textContent: when ? `${when}: ${words}` : words }),
  ]);
  figure.firstChild.addEventListener("click", () => zoom(!panel.classList.contains("zoomed")));
  return figure;
}

// The dataset's own file, where the page lies beside it.
function withOriginal(row, then) {
  if (original.row === row) {
    if (original.image) then(original.image);
    else original.then.push(then);
    return;
  }
  const path = originalOf(row);
  Object.assign(original, { row, image: null, then: [then] });
  if (!path) return;
  const image = new Image();
  image.src = path;
  image.decode().then(() => {
    if (original.row !== row) return;
    original.image = image;
    for (const waiting of original.then) waiting(image);
  }, () => {});
}

function backButton() {
  const button = make("button", { type: "button", className: "back", textContent: "Back to the grid" });
  button.addEventListener("click", () => zoom(false));
  return button;
}

function patchWords(row, patch) {
  const moved = Object.keys(patch.points || {}).length;
  const words = [
    patch.side ? `side: ${newSide(row, patch)}` : "",
    patch.order ? "fingers reversed" : "",
    moved ? `${moved} ${moved === 1 ? "point" : "points"} moved` : "",
  ];
  return words.filter(Boolean).join(", ");
}

function maskWords(row) {
  if (!show.mask) return "as labelled";
  return ["as labelled; there is no mask", "as labelled; its own mask", "as labelled; mask found by colour"][column.mask[row]];
}

function newSide(row, patch) {
  return patch.side === "swap" ? otherSide(row) : patch.side;
}

function otherSide(row) {
  return { left: "right", right: "left" }[valueOf("side", row)] || "unknown";
}

function decisionButtons(row) {
  const own = mine.get(row);
  const pressed = { accept: own?.decision === "accept", reject: own?.decision === "reject", fix: own?.decision === "fix", side: !!own?.patch?.side, order: !!own?.patch?.order };
  return make("div", { className: "decide" }, BUTTONS.map(([name, glyph, word, key]) => {
    const button = make("button", { type: "button", className: name }, [
      labelled(make("span", { className: "glyph", textContent: glyph }), { "aria-hidden": "true" }),
      make("span", { textContent: word }),
      labelled(make("kbd", { textContent: key }), { "aria-hidden": "true" }),
    ]);
    button.dataset.act = name;
    if (name in pressed) button.setAttribute("aria-pressed", pressed[name]);
    button.disabled = name === "undo" ? !undone.length : name === "side" && !valueOf("side", row);
    button.addEventListener("click", () => act(name));
    return button;
  }));
}

function reasonButtons(row) {
  const own = mine.get(row);
  return labelled(make("div", { className: "reasons" }, head.reasons.map((reason, i) => {
    const button = make("button", { type: "button", title: `key ${i + 1}` }, [labelled(make("kbd", { textContent: i + 1 }), { "aria-hidden": "true" }), reason.replaceAll("-", " ")]);
    button.setAttribute("aria-pressed", own?.reason === reason);
    button.dataset.act = reason;
    button.addEventListener("click", () => act(String(i + 1)));
    return button;
  })), { role: "group", "aria-label": "Reason" });
}

function foreignDecisions(row) {
  return (others.get(row) || []).map((one) => make("p", { className: "foreign", textContent: `${one.reviewer || "someone"}: ${VERDICT_WORD[one.decision]}${one.reason ? `, ${one.reason}` : ""}` }));
}

function facts(row, patch) {
  const list = make("dl", { className: "about" });
  for (const name of FACETS) {
    const value = valueOf(name, row);
    if (value === null) continue;
    const changed = name === "side" && patch?.side ? ` → ${newSide(row, patch)}` : "";
    list.append(make("div", {}, [make("dt", { textContent: TITLES[name] }), make("dd", { textContent: value + changed })]));
  }
  const [width, height] = column.size.subarray(2 * row, 2 * row + 2);
  list.append(make("div", {}, [make("dt", { textContent: "Image" }), make("dd", { textContent: width ? `${width} × ${height} px` : "cannot be read" })]));
  return list;
}

function findingsOf(row) {
  const found = [];
  for (let f = column.found[row]; f < column.found[row + 1]; f++) {
    const severity = head.severities[finding.severity[f]];
    found.push(make("article", { className: "found" }, [
      make("h3", {}, [badge(severity), make("span", { textContent: head.checks[finding.check[f]] })]),
      ...(finding.message[f] ? [make("p", { textContent: finding.message[f] })] : []),
      make("p", { className: "remedy", textContent: head.remedies[finding.check[f]] }),
      make("p", { className: "score", textContent: `score ${neat(finding.score[f])}, limit ${neat(finding.threshold[f])}` }),
    ]));
  }
  return found.length ? found : [make("p", { className: "hint", textContent: "No check found anything here." })];
}

function badge(severity) {
  return labelled(make("span", { className: `badge ${severity}`, textContent: SEVERITY_GLYPH[severity] }), { role: "img", "aria-label": SEVERITY_WORD[severity] });
}

function neat(number) {
  return String(Number(number.toPrecision(4)));
}

function zoom(on) {
  if (on && active < 0) return;
  panel.classList.toggle("zoomed", on);
  showPanel();
  if (!on) document.getElementById(`cell-${active}`)?.focus({ preventScroll: true });
}

// filters ---------------------------------------------------------------------------------------------

const boxes = new Map(); // group and code -> what shows its count
const LISTED = 12; // values of a group shown before "more"

function buildFilters() {
  const aside = document.getElementById("filters");
  const search = (id, title, set) => {
    const input = make("input", { type: "search", id, value: wanted[set], autocomplete: "off", spellcheck: false });
    input.addEventListener("input", () => { wanted[set] = input.value; refilter(); });
    return make("label", { className: "search" }, [title, input]);
  };
  boxes.clear();
  aside.replaceChildren(
    search("find-id", "Sample id", "id"),
    ...(head.values.subject_id.length > 1 ? [search("find-subject", "Subject", "subject")] : []),
    ...GROUPS.filter((name) => valuesOf(name).length > 1 || name === "check").map(buildGroup),
    buildSlider(),
    resetButton(),
    doneButton(),
    ...wholeSet(),
  );
}

function buildGroup(name) {
  const values = valuesOf(name).map((value, code) => buildChoice(name, value, code));
  const more = values.slice(LISTED);
  const rest = more.length ? [make("details", { open: more.some((one) => one.querySelector("input").checked) }, [make("summary", { textContent: `${more.length} more` }), ...more])] : [];
  return make("fieldset", {}, [make("legend", { textContent: TITLES[name] }), ...values.slice(0, LISTED), ...rest]);
}

function buildChoice(name, value, code) {
  const box = make("input", { type: "checkbox", checked: wanted.groups[name].has(code) });
  box.addEventListener("change", () => {
    if (box.checked) wanted.groups[name].add(code);
    else wanted.groups[name].delete(code);
    refilter();
  });
  const count = make("span", { className: "n" });
  const word = name === "decision" ? VERDICT_WORD[value] : name === "severity" && value !== "none" ? SEVERITY_WORD[value] : (value ?? "unknown");
  const mark = name === "severity" && value !== "none" ? [badge(value)] : [];
  const label = make("label", { className: "choice" }, [box, ...mark, make("span", { className: "value", textContent: word, title: word }), count]);
  boxes.set(`${name} ${code}`, { count, label, box });
  return label;
}

function showCounts() {
  for (const name of GROUPS) {
    counts[name].forEach((count, code) => {
      const at = boxes.get(`${name} ${code}`);
      if (!at) return;
      at.count.textContent = count.toLocaleString("en");
      at.label.hidden = !count && !at.box.checked && (name === "decision" ? code > 3 : name !== "severity" && valuesOf(name)[code] === null);
      at.label.classList.toggle("idle", !count);
    });
  }
}

// A range of one check's scores.
function buildSlider() {
  const choose = make("select", { id: "score-check" }, [make("option", { value: "", textContent: "any check" }), ...head.checks.map((check, code) => make("option", { value: code, textContent: check }))]);
  const ends = make("div", { className: "ends" });
  const build = () => {
    ends.replaceChildren();
    if (!wanted.score) return;
    const [low, high] = scoresOf(wanted.score.check);
    const told = make("p", { className: "score" });
    const tell = () => { told.textContent = `${neat(wanted.score.low)} to ${neat(wanted.score.high)}`; };
    const slider = (end, word) => {
      const at = high > low ? (1000 * (wanted.score[end] - low)) / (high - low) : end === "low" ? 0 : 1000;
      const input = labelled(make("input", { type: "range", min: 0, max: 1000, value: at }), { "aria-label": `${word} score` });
      input.addEventListener("input", () => {
        const share = input.value / 1000;
        wanted.score[end] = share === 1 ? high : low + share * (high - low);
        tell();
        refilter();
      });
      return input;
    };
    tell();
    ends.append(slider("low", "lowest"), slider("high", "highest"), told);
  };
  choose.value = wanted.score ? wanted.score.check : "";
  choose.addEventListener("change", () => {
    if (choose.value === "") wanted.score = null;
    else {
      const [low, high] = scoresOf(Number(choose.value));
      wanted.score = { check: Number(choose.value), low, high };
    }
    build();
    refilter();
  });
  build();
  return make("fieldset", {}, [make("legend", { textContent: "Score" }), labelled(choose, { "aria-label": "Check whose score is filtered" }), ends]);
}

function resetButton() {
  const button = make("button", { type: "button", textContent: "Show all" });
  button.addEventListener("click", () => { viewFromHash(new URLSearchParams()); buildFilters(); showSort(); refilter(); });
  return button;
}

// On a narrow screen the filters lie over the grid.
function doneButton() {
  const button = make("button", { type: "button", className: "done main", textContent: "Done" });
  button.addEventListener("click", () => openFilters(false));
  return button;
}

function wholeSet() {
  if (!head.whole.length) return [];
  const told = head.whole.map(([check, severity, message]) => make("li", {}, [badge(severity), make("span", { textContent: `${check}: ${message}` })]));
  return [make("details", { className: "whole" }, [make("summary", { textContent: `${told.length} finding${told.length === 1 ? "" : "s"} about the whole set` }), make("ul", {}, told)])];
}
