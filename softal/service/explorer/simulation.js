// Simulate here: one real simulation at a time, its progress, and its result beside the prediction.

import { $, copy, duration, make, withError } from "./elements.js";

let standing = { run: { state: "idle" }, training: null, trained: true };
let heard = 0; // when that was said, by this machine's clock [ms]
let page = null; // { point, get, post, arrived }

export function prepare(given) {
  page = given;
  $("simulate").addEventListener("click", begin);
  $("cancel").addEventListener("click", () => attempt(() => page.post("api/cancel", {})));
  $("add").addEventListener("click", () => attempt(async () => {
    await page.post("api/add", { simulation: standing.run.trial });
  }));
  $("copy-command").addEventListener("click", () => copy($("command").value, $("copy-command")));
  for (const name of ["fidelity", "seed"]) $(name).addEventListener("input", () => { complain(name, check(name)); refresh(); });
  setInterval(() => { if (standing.run.state === "running") progress(); }, 500);
}

// What is wrong with the fidelity or the seed as it stands; nothing where it is right.
function check(name) {
  const text = $(name).value.trim(), value = Number(text);
  if (name === "fidelity") return text && value > 0 && value <= 1 ? null : `${text || "nothing"} is given; a number above 0 and up to 1 is allowed`;
  return text && Number.isInteger(value) && value >= 0 && value < 2 ** 31 ? null : `${text || "nothing"} is given; a whole number, 0 or more, is allowed`;
}

function complain(name, text) {
  $(`wrong-${name}`).textContent = text ?? "";
  $(`wrong-${name}`).hidden = !text;
  $(name).classList.toggle("wrong", Boolean(text));
}

async function attempt(what) {
  tell("");
  try {
    await what();
  } catch (error) {
    const [name] = error.message.split(":");
    if (name === "fidelity" || name === "seed") complain(name, error.message.slice(name.length + 2));
    else tell(error.message);
  }
}

const begin = () => attempt(async () => {
  if (check("fidelity") || check("seed")) return;
  const run = await page.post("api/simulate", { point: page.point(), fidelity: Number($("fidelity").value), seed: Number($("seed").value) });
  hear({ ...standing, run });
});

function tell(text) {
  $("said").textContent = text;
  $("said").hidden = !text;
}

let expected = null, refusal = null;

// The point has moved: what a simulation there would cost, whether it is possible, and the command that runs it.
export function moved(folder, names, found) {
  refusal = found.unsimulated ?? null;
  const at = names.map((name) => `${name}=${found.point[name]}`).join(",");
  page.command = (fidelity, seed) => `softal simulate ${quoted(folder)} --at ${quoted(at)}${fidelity === 1 ? "" : ` --fidelity ${fidelity}`}${seed ? ` --seed ${seed}` : ""}`;
  expected = found.expected;
  refresh();
}

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

function refresh() {
  const fidelity = Number($("fidelity").value), running = standing.run.state === "running";
  if (page.command) $("command").value = page.command(fidelity, Number($("seed").value));
  $("refusal").textContent = refusal ?? "";
  $("refusal").hidden = !refusal;
  $("simulate").disabled = running || Boolean(refusal) || Boolean(check("fidelity") || check("seed"));
  $("cost").textContent = expected ? `about ${duration(expected * fidelity)}` : "";
  $("cancel").hidden = !running;
  $("bar").hidden = !running;
  const { state, trial, added } = standing.run;
  $("add").hidden = state !== "done" || trial === null || added !== null;
  $("add").disabled = Boolean(standing.training && standing.trained);
}

// The server says how the simulation stands.
export function hear(now) {
  const before = standing;
  standing = now;
  heard = Date.now();
  const { run } = now, text = { idle: "", done: run.stored ? "From the store: it was simulated before." : "Done.", cancelled: "Cancelled; nothing of it is kept." };
  const joined = run.state === "done" && run.added !== null ? ` It is trial ${run.added} of the campaign.` : "";
  $("progress").textContent = (run.state === "failed" ? `Failed: ${run.reason}` : text[run.state] ?? "") + joined;
  if (run.state === "running") progress();
  $("training").textContent = now.training ?? "";
  $("training").classList.toggle("wrong", !now.trained);
  refresh();
  if (run.state === "done" && (before.run.trial !== run.trial || before.run.state !== "done")) page.arrived(run.trial);
}

function progress() {
  const { run } = standing, elapsed = (run.elapsed ?? 0) + (Date.now() - heard) / 1000;
  $("progress").textContent = `${duration(elapsed)}${run.expected ? ` of about ${duration(run.expected)}` : ""}`;
  if (run.expected) $("bar").value = Math.min(0.98, elapsed / run.expected);
  else $("bar").removeAttribute("value");
}

// The table of a result's values; nothing where none is shown.
export function table(beside) {
  $("result").hidden = !beside;
  if (!beside) return;
  $("result-of").textContent = `seed ${beside.seed}${beside.fidelity === 1 ? "" : `, fidelity ${beside.fidelity}`}`;
  const cell = (text, kind = "td") => make(kind, {}, text);
  const row = ({ name, value, error, mean, std, z }) => make("tr", {}, cell(name.replaceAll("_", " "), "th"), cell(withError(value, error)),
    cell(mean === null ? "" : withError(mean, std)), cell(z === null ? "" : z.toFixed(1)));
  $("values").replaceChildren(...beside.values.map(row));
}
