// The filters beside the grid, and how many samples each would show.

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
    ...GROUPS.filter((name) => (["severity", "check"].includes(name) ? head.checked : valuesOf(name).length > 1)).map(buildGroup),
    ...(head.checked ? [buildSlider()] : []),
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
