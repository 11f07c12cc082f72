// The panel: one sample in large, what was found, and the decision.

const BUTTONS = [
  ["accept", "✓", "Accept", "a"],
  ["reject", "⊘", "Reject", "r"],
  ["fix", "✎", "Fix needed", "x"],
  ["side", "⇄", "Swap side", "s"],
  ["order", "↕", "Reverse order", "o"],
];
const BACK_AND_FORTH = [
  ["undo", "↶", "Undo", "u"],
  ["redo", "↷", "Redo", "U"],
];
const TITLES = { decision: "Decision", severity: "Severity", check: "Check", source: "Source", split: "Split", side: "Side", aspect: "Aspect", subject_id: "Subject" };

const panel = document.getElementById("panel");

function make(tag, properties = {}, children = []) {
  const node = Object.assign(document.createElement(tag), properties);
  for (const name of ["textContent", "title"]) if (name in properties) node[name] = inOrder(properties[name]);
  node.append(...children);
  return node;
}

function labelled(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function showPanel() {
  const focused = document.activeElement?.dataset?.act;
  const scrolled = panel.querySelector(".told")?.scrollTop;
  dropFrames();
  if (active < 0) {
    panel.replaceChildren(make("p", { className: "hint", textContent: "Select a sample with the arrow keys, or j and k; ? shows all keys." }));
    return;
  }
  const row = active;
  const other = lens.row !== row;
  const pictures = picturesOf(row);
  panel.replaceChildren(
    make("div", { className: "pictures" + (pictures.length > 1 ? " two" : "") }, pictures),
    make("div", { className: "told" }, [
      ...(isLarge() ? [backButton()] : []),
      ...(picked.size > 1 ? [make("p", { className: "several", textContent: `${picked.size.toLocaleString("en")} selected: a decision applies to all of them` })] : []),
      make("h2", { textContent: column.id[row] }),
      ...(mine.has(row) || !proposalOf(row) ? [] : [proposalButton(proposalOf(row))]),
      decisionButtons(row),
      ...pointTools(),
      reasonButtons(row),
      ...foreignDecisions(row),
      facts(row, mine.get(row)?.patch),
      ...findingsOf(row),
    ]),
  );
  if (other) panel.scrollTop = 0;
  else panel.querySelector(".told").scrollTop = scrolled;
  if (focused) panel.querySelector(`[data-act="${focused}"]`)?.focus({ preventScroll: true });
  drawAnew(row);
}

// One picture, with what was moved and where it was; two where the order is to be reversed.
function picturesOf(row) {
  const patch = mine.get(row)?.patch;
  const proposal = mine.has(row) ? null : proposalOf(row);
  if (patch?.order) return [bigPicture(row, null, "before: as labelled", false), bigPicture(row, patch, `after: ${patchWords(row, patch)}`, true)];
  if (proposal?.order) return [bigPicture(row, null, "before: as labelled", true), bigPicture(row, proposal, `proposed: ${patchWords(row, proposal)}`, false)];
  const words = patch ? `corrected: ${patchWords(row, patch)}` : "as labelled";
  return [bigPicture(row, patch, words + maskWords(row), true)];
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
    make("span", { textContent: `Apply the proposal: ${words}` }),
    labelled(make("kbd", { textContent: "p" }), { "aria-hidden": "true" }),
  ]);
  button.dataset.act = "proposal";
  button.addEventListener("click", () => act("proposal"));
  return button;
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
    moved ? `${moved} ${moved === 1 ? "point" : "points"} changed` : "",
  ];
  return words.filter(Boolean).join(", ");
}

function maskWords(row) {
  return show.mask ? ["; there is no mask", "; its own mask", "; mask found by colour"][column.mask[row]] : "";
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
  const disabled = { undo: !done.length, redo: !undone.length, side: !valueOf("side", row) };
  const button = ([name, glyph, word, key]) => {
    const made = make("button", { type: "button", className: name, disabled: !!disabled[name] }, [
      labelled(make("span", { className: "glyph", textContent: glyph }), { "aria-hidden": "true" }),
      make("span", { textContent: word }),
      labelled(make("kbd", { textContent: key }), { "aria-hidden": "true" }),
    ]);
    made.dataset.act = name;
    made.title = `${word} (${key})`;
    if (name in pressed) made.setAttribute("aria-pressed", pressed[name]);
    made.addEventListener("click", () => act(name));
    return made;
  };
  return make("div", { className: "decide" }, [...BUTTONS.map(button), make("div", { className: "back-and-forth" }, BACK_AND_FORTH.map(button))]);
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
  return found.length ? found : [make("p", { className: "hint", textContent: head.checked ? "No check found anything here." : "Not checked: this page was made without curate qa." })];
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
  // What lies behind the sample in large is out of sight: Tab must not lead there.
  for (const behind of document.querySelectorAll(".skip, header, aside, main")) behind.inert = on;
  if (!on) held = -1;
  showPanel();
  if (on) panel.focus({ preventScroll: true });
  else document.getElementById(`cell-${active}`)?.focus({ preventScroll: true });
}
