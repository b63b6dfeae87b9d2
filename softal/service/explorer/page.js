// The page of a campaign: what is predicted at a point moves with its sliders.

import { buildControls } from "./controls.js";
import * as curves from "./curves.js";
import { $, copy, forgetColours, make, show, withError } from "./elements.js";
import { valueAt } from "./scales.js";
import * as simulation from "./simulation.js";
import * as slices from "./slices.js";

const state = { campaign: null, point: {}, found: null, beside: null, near: new Map(), waiting: false, again: null };
const QUIET = 200; // ms without a move after which slices are asked for, where curves go first
const MEASURE = "slider to curve";

// The point.

function moved(name, value, since) { go({ ...state.point, [name]: value }, since); }

function go(point, since = performance.now()) {
  for (const parameter of state.campaign.parameters) {
    const value = point[parameter.name];
    if (state.point[parameter.name] !== value || since === 0) parameter.update(value);
    state.point[parameter.name] = value;
  }
  remember();
  ask(since);
}

let remembering = null;

function remember() { // a browser lets an address change only so often
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const sweep = $("sweep").value, said = new URLSearchParams(state.point);
    if (sweep) said.set(".along", sweep);
    history.replaceState(null, "", `${location.pathname}#${said}`);
  }, 150);
}

function middle() {
  return Object.fromEntries(state.campaign.parameters.map((parameter) => [parameter.name, valueAt(parameter, 0.5)]));
}

function start() {
  const given = new URLSearchParams(location.hash.slice(1)), point = state.campaign.best?.point ?? middle();
  const found = {};
  for (const parameter of state.campaign.parameters) {
    const { name } = parameter, text = given.get(name), number = Number(text);
    found[name] = point[name];
    if (text === null || text === "") continue;
    if (parameter.kind === "choice") found[name] = parameter.choices.find((choice) => String(choice) === text) ?? point[name];
    else if (number >= parameter.low && number <= parameter.high) found[name] = number;
  }
  const along = given.get(".along");
  if (state.campaign.parameters.some(({ name }) => name === along)) $("sweep").value = along;
  return found;
}

// Questions to the server: one at a time, the latest point next.

async function get(path) { return answered(await fetch(path)); }

async function post(path, content) {
  return answered(await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(content) }));
}

async function answered(answer) {
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

function asked(more = {}) { return new URLSearchParams({ ...state.point, ...more }); }

async function ask(since) {
  if (!state.campaign.version) return;
  if (state.waiting) { state.again = since; return; }
  state.waiting = true;
  try {
    const sweep = $("sweep").value;
    state.found = await get(`api/curves?${asked(sweep ? { ".along": sweep } : {})}`);
    draw();
    measure(since);
    complain(state.found);
    later();
  } catch (error) {
    blame(error.message);
  }
  state.waiting = false;
  if (state.again !== null) {
    const next = state.again;
    state.again = null;
    ask(next);
  }
}

// How long it took from a move to its curve on the screen, for whoever measures it.
function measure(since) {
  if (!since) return;
  requestAnimationFrame(() => setTimeout(() => {
    if (performance.getEntriesByName(MEASURE).length > 500) performance.clearMeasures(MEASURE);
    performance.measure(MEASURE, { start: since, end: performance.now() });
  }));
}

let quiet = null;

// What may wait until the sliders rest: slices, what a simulation would cost, simulations nearby that are not known yet.
function later() {
  clearTimeout(quiet);
  quiet = setTimeout(async () => {
    const { found } = state;
    const near = nearby(found);
    try {
      const [about, sliced] = await Promise.all([get(`api/simulation?${asked()}`), state.campaign.targets.length ? get(`api/slices?${asked()}`) : null, near]);
      if (found !== state.found) return;
      simulation.moved(state.campaign.folder, state.campaign.parameters.map(({ name }) => name), { ...found, expected: about.expected });
      if (sliced) $("targets").replaceChildren(...slices.sections(state.campaign, state.point, sliced, (name, value) => moved(name, value)));
    } catch (error) {
      blame(error.message);
    }
  }, state.campaign.arrays.length ? QUIET : 0);
}

async function nearby(found) {
  const names = curves.shownArrays(), missing = found.near.filter((id) => !state.near.has(id));
  if (!names.length || !missing.length) return;
  const arrays = await get(`api/trials?${new URLSearchParams({ ".ids": missing.join(","), ".arrays": state.campaign.arrays.map(({ name }) => name).join(",") })}`);
  for (const [id, one] of Object.entries(arrays)) state.near.set(Number(id), one);
  if (found === state.found) draw();
}

// What is wrong, beside the field that it is about where that is known.

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

function blame(text) {
  const parameter = state.campaign?.parameters.find(({ name }) => text.startsWith(`${name}: `));
  if (parameter) parameter.complain(text.slice(parameter.name.length + 2));
  else say(text);
}

function complain(found) {
  for (const parameter of state.campaign.parameters) {
    const broken = found.violated.find((text) => new RegExp(`\\b${parameter.name}\\b`).test(text));
    parameter.complain(broken ? `outside of ${broken}` : null);
  }
  say("");
  for (const text of [found.refused, found.unsimulated]) if (text) blame(text);
  $("warnings").replaceChildren(...found.warnings.map((text) => make("li", {}, text)));
}

// Figures.

function draw() {
  const { campaign, found } = state;
  $("others").replaceChildren(...campaign.others.map((name) => {
    const unit = campaign.units[name] ? ` ${campaign.units[name]}` : "";
    return make("div", {}, make("span", {}, name), make("span", {}, show(found.point[name], 6) + unit));
  }));
  const here = state.beside && campaign.parameters.every(({ name }) => state.beside.point[name] === state.point[name]);
  $("to-simulated").hidden = !state.beside || here;
  const beside = here ? state.beside : null, near = found.near.map((id) => state.near.get(id) ?? {});
  curves.render(found, near, beside, (name, simulated) => {
    const more = simulated ? { ".simulation": state.beside.trial } : $("sweep").value ? { ".along": $("sweep").value } : {};
    return `api/table?${asked({ ".array": name, ...more })}`;
  });
  simulation.table(beside);
  const heads = document.querySelectorAll("#targets .head");
  campaign.targets.forEach((target, i) => { if (heads[i]) slices.refresh(heads[i], target, found.prediction); });
  $("properties").replaceChildren(...Object.entries(found.properties).map(([name, { mean, std }]) =>
    make("div", {}, make("span", {}, name.replaceAll("_", " ")), make("b", {}, withError(mean, std) + unit(name)))));
  $("properties").hidden = !Object.keys(found.properties).length;
  legend(found.family);
}

function unit(name) {
  const said = state.campaign.value_units[name];
  return said ? ` ${said}` : "";
}

function legend(family) {
  const marks = (family?.values ?? []).map((value, i) => {
    const mark = make("span", { class: "mark" }, show(value));
    mark.style.borderColor = curves.shade(family.values.length > 1 ? i / (family.values.length - 1) : 0.5);
    return mark;
  });
  $("family").replaceChildren(...marks);
}

async function arrived(number) {
  try {
    state.beside = await get(`api/simulation?.number=${number}`);
    if (state.found) draw();
  } catch (error) {
    say(error.message);
  }
}

// The campaign: as it was when the page was opened, and again for each new version and result.

async function look() {
  const campaign = await get("api/campaign"), before = state.campaign;
  state.campaign = campaign;
  document.title = `${campaign.name}: predictions`;
  $("name").textContent = campaign.name;
  $("question").textContent = campaign.question;
  $("learned").textContent = campaign.version ? `${campaign.done} trials` : "nothing is learned yet: it needs a few more trials";
  $("to-best").hidden = !campaign.best;
  const names = (one) => one.arrays.map(({ name }) => name).join();
  if (before) campaign.parameters.forEach((parameter, i) => Object.assign(parameter, { update: before.parameters[i].update, complain: before.parameters[i].complain }));
  if (!before || names(before) !== names(campaign)) curves.build(campaign, () => { if (state.found) { draw(); later(); } });
  else curves.renew(campaign);
  $("above").hidden = !campaign.arrays.length;
  if (!before) {
    const free = campaign.parameters.map(({ name }) => make("option", { value: name }, name));
    $("sweep").append(...free);
    buildControls(campaign.parameters, moved);
    go(start(), 0);
    return;
  }
  if (state.beside) await arrived(state.beside.trial);
  ask(performance.now());
}

function follow() {
  const events = new EventSource("api/events");
  events.addEventListener("campaign", async (event) => {
    const { version, done } = JSON.parse(event.data), known = state.campaign;
    if (known && known.version === version && known.done === done) return;
    try { await look(); } catch (error) { say(error.message); }
  });
  events.addEventListener("simulation", (event) => simulation.hear(JSON.parse(event.data)));
  events.addEventListener("open", () => say(""));
  events.addEventListener("error", () => say(events.readyState === EventSource.CLOSED
    ? "The server was started again: open the address that it has printed."
    : "The server does not answer: softal serve starts it again."));
}

$("to-best").addEventListener("click", () => go(state.campaign.best.point));
$("to-middle").addEventListener("click", () => go(middle()));
$("to-simulated").addEventListener("click", () => go(state.beside.point));
$("copy-link").addEventListener("click", () => copy(location.href, $("copy-link")));
$("sweep").addEventListener("change", () => { remember(); ask(performance.now()); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { forgetColours(); if (state.found) draw(); });
let resizing = null;
window.addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(() => { curves.resized(); if (state.found) draw(); }, 100); });
simulation.prepare({ point: () => state.point, post, arrived });
if (location.search) history.replaceState(null, "", location.pathname + location.hash); // the token is in a cookie now
look().then(follow, (error) => say(error.message));
