// Which samples are shown, and in what order. All of it is one pass over typed columns.

const GROUPS = ["decision", "severity", "check", "source", "split", "side", "aspect"];
const VERDICTS = ["undecided", "accept", "reject", "fix", "patch", "conflict"];

const wanted = { groups: {}, id: "", subject: "", score: null, sort: "worst" };
for (const name of GROUPS) wanted.groups[name] = new Set();

let view = new Uint32Array(0); // rows shown, in order
let counts = {}; // per group: how many samples each value would show

function valuesOf(group) {
  if (group === "decision") return VERDICTS;
  if (group === "severity") return [...head.severities, "none"];
  if (group === "check") return head.checks;
  return head.values[group];
}

// Codes of a row in a group: most groups have one, checks and severities may have several.
const codes = [];
function codesOf(group, row) {
  codes.length = 0;
  if (group === "decision") codes.push(column.verdict[row]);
  else if (group === "severity" || group === "check") {
    for (let f = column.found[row]; f < column.found[row + 1]; f++) {
      const code = finding[group][f];
      if (!codes.includes(code)) codes.push(code);
    }
    if (group === "severity" && !codes.length) codes.push(head.severities.length);
  } else codes.push(column[group][row]);
  return codes;
}

// A value counts the samples that all other groups let through.
function runFilter() {
  const chosen = GROUPS.map((name) => wanted.groups[name]);
  const tally = GROUPS.map((name) => new Uint32Array(valuesOf(name).length));
  const byHand = otherFilters();
  const passed = new Uint32Array(loaded);
  let shown = 0;
  for (let row = 0; row < loaded; row++) {
    if (byHand && !byHand(row)) continue;
    let failed = -1;
    let failures = 0;
    for (let g = 0; g < GROUPS.length && failures < 2; g++) {
      if (chosen[g].size && !codesOf(GROUPS[g], row).some((code) => chosen[g].has(code))) {
        failed = g;
        failures++;
      }
    }
    if (failures > 1) continue;
    if (!failures) passed[shown++] = row;
    for (let g = failures ? failed : 0; g < (failures ? failed + 1 : GROUPS.length); g++) {
      for (const code of codesOf(GROUPS[g], row)) tally[g][code]++;
    }
  }
  counts = Object.fromEntries(GROUPS.map((name, g) => [name, tally[g]]));
  return sorted(passed.subarray(0, shown));
}

// The filters that are no group: words in the id, words in the subject, a range of scores.
function otherFilters() {
  const id = wanted.id.toLowerCase();
  const subject = wanted.subject.toLowerCase();
  const score = wanted.score;
  if (!id && !subject && !score) return null;
  const subjects = subject && Uint8Array.from(head.values.subject_id, (s) => (s !== null && s.toLowerCase().includes(subject) ? 1 : 0));
  return (row) => {
    if (id && !column.search[row].includes(id)) return false;
    if (subject && !subjects[column.subject_id[row]]) return false;
    if (!score) return true;
    const f = findingOf(row, score.check);
    return f >= 0 && finding.score[f] >= score.low && finding.score[f] <= score.high;
  };
}

function findingOf(row, check) {
  for (let f = column.found[row]; f < column.found[row + 1]; f++) if (finding.check[f] === check) return f;
  return -1;
}

// Rows already stand worst first. By a check: those it flags, the furthest beyond its limit first.
function sorted(rows) {
  if (wanted.sort === "worst") return rows;
  const key = new Float64Array(loaded);
  if (wanted.sort === "dataset") for (const row of rows) key[row] = column.place[row];
  else if (wanted.sort === "subject") for (const row of rows) key[row] = column.subject_id[row] || Infinity;
  else {
    const check = head.checks.indexOf(wanted.sort);
    for (const row of rows) {
      const f = findingOf(row, check);
      key[row] = f < 0 ? Infinity : -Math.abs(finding.score[f] - finding.threshold[f]);
    }
  }
  // Where both are infinite their difference is no number.
  return rows.sort((a, b) => (key[a] === key[b] ? a - b : key[a] - key[b]));
}

// Lowest and highest score of a check's findings.
function scoresOf(check) {
  let low = Infinity;
  let high = -Infinity;
  for (let f = 0; f < finding.check.length; f++) {
    if (finding.check[f] !== check) continue;
    low = Math.min(low, finding.score[f]);
    high = Math.max(high, finding.score[f]);
  }
  return [low, high];
}

// The view as words of the address, so that it can be linked.
function viewAsHash() {
  const words = new URLSearchParams();
  for (const name of GROUPS) for (const code of wanted.groups[name]) words.append(name, valuesOf(name)[code] ?? "");
  if (wanted.id) words.set("id", wanted.id);
  if (wanted.subject) words.set("subject", wanted.subject);
  if (wanted.sort !== "worst") words.set("sort", wanted.sort);
  if (wanted.score) words.set("score", JSON.stringify([head.checks[wanted.score.check], wanted.score.low, wanted.score.high]));
  return words;
}

function viewFromHash(words) {
  for (const name of GROUPS) {
    const values = valuesOf(name);
    const given = words.getAll(name).map((text) => values.findIndex((value) => (value ?? "") === text));
    wanted.groups[name] = new Set(given.filter((code) => code >= 0));
  }
  wanted.id = words.get("id") || "";
  wanted.subject = words.get("subject") || "";
  const sort = words.get("sort");
  wanted.sort = ["dataset", "subject"].includes(sort) || head.checks.includes(sort) ? sort : "worst";
  wanted.score = scoreFrom(words.get("score"));
}

function scoreFrom(text) {
  try {
    const [check, low, high] = JSON.parse(text);
    const code = head.checks.indexOf(check);
    return code < 0 || typeof low !== "number" || typeof high !== "number" ? null : { check: code, low, high };
  } catch {
    return null;
  }
}
