"use strict";
// Everything that comes from the campaign goes into the page by textContent or setAttribute, never as HTML.

const $ = (id) => document.getElementById(id);
const state = { campaign: null, point: {}, asked: 0, shown: 0, waiting: false, again: false };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function draw(tag, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}

function show(value, digits = 4) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  return String(Number(value.toPrecision(digits)));
}

function withError(mean, error) {
  if (!(error > 0)) return show(mean);
  const places = 1 - Math.floor(Math.log10(error));
  if (places > 8 || places < -3) return `${mean.toPrecision(4)} ± ${error.toPrecision(2)}`;
  return `${mean.toFixed(Math.max(0, places))} ± ${error.toFixed(Math.max(0, places))}`;
}

// The way between a value and its place u in [0, 1] on an axis: softal/space.py has the formulas.
function scale(parameter) {
  const edge = parameter.kind === "integer" ? 0.5 : 0;
  const low = parameter.low - edge, high = parameter.high + edge;
  const [a, b] = parameter.log ? [Math.log(low), Math.log(high)] : [low, high];
  return {
    place: (value) => ((parameter.log ? Math.log(value) : value) - a) / (b - a),
    value: (u) => {
      const x = parameter.log ? Math.exp(a + u * (b - a)) : a + u * (b - a);
      const clipped = Math.min(parameter.high, Math.max(parameter.low, edge ? Math.round(x) : x));
      return edge ? clipped : Number(clipped.toPrecision(6));
    },
  };
}

function place(parameter, value) {
  if (parameter.kind !== "choice") return scale(parameter).place(value);
  return (parameter.choices.indexOf(value) + 0.5) / parameter.choices.length;
}

function valueAt(parameter, u) {
  if (parameter.kind !== "choice") return scale(parameter).value(u);
  const n = parameter.choices.length;
  return parameter.choices[Math.min(n - 1, Math.max(0, Math.floor(u * n)))];
}

function steps(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

function ticks(parameter) {
  if (parameter.kind === "choice") return parameter.choices.length > 6 ? [] : parameter.choices;
  if (!parameter.log) {
    const found = steps(parameter.low, parameter.high, 4);
    return parameter.kind === "integer" ? found.filter(Number.isInteger) : found;
  }
  const decades = Math.log10(parameter.high / parameter.low), found = [];
  const factors = decades > 2.5 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 5];
  for (let p = Math.floor(Math.log10(parameter.low)); p <= Math.log10(parameter.high); p++)
    for (const factor of factors) {
      const value = Number((factor * 10 ** p).toPrecision(3));
      if (value >= parameter.low && value <= parameter.high) found.push(value);
    }
  return found;
}

// Controls.

function buildControls() {
  const box = $("controls");
  box.replaceChildren();
  for (const parameter of state.campaign.parameters) {
    const { name } = parameter, id = `parameter-${name}`;
    const label = make("label", { for: id }, name), unit = make("span", { class: "unit" }, parameter.unit);
    const line = make("div", { class: "line" }, label, unit), control = make("div", { class: "control" }, line);
    if (parameter.kind === "choice") {
      const select = make("select", { id });
      parameter.choices.forEach((choice, i) => select.append(make("option", { value: i }, String(choice))));
      select.addEventListener("change", () => set(name, parameter.choices[Number(select.value)]));
      parameter.update = (value) => { select.value = parameter.choices.indexOf(value); };
      line.append(select);
    } else {
      const text = make("input", { type: "text", inputmode: "decimal", "aria-label": `${name}, typed` });
      const slider = make("input", { type: "range", id, min: 0, max: 1, step: "any" });
      if (parameter.kind === "integer") {
        const cells = parameter.high - parameter.low + 1;
        if (!parameter.log && cells <= 1000) Object.assign(slider, { min: 0.5 / cells, max: 1 - 0.5 / cells, step: 1 / cells });
      }
      slider.addEventListener("input", () => set(name, valueAt(parameter, Number(slider.value))));
      text.addEventListener("change", () => {
        const value = Number(text.value);
        const right = text.value.trim() !== "" && value >= parameter.low && value <= parameter.high &&
          (parameter.kind === "real" || Number.isInteger(value));
        text.classList.toggle("wrong", !right);
        if (right) set(name, value);
      });
      parameter.update = (value) => {
        slider.value = place(parameter, value);
        text.value = show(value, 6);
        text.classList.remove("wrong");
      };
      const ends = make("div", { class: "ends" }, make("span", {}, show(parameter.low)), make("span", {}, show(parameter.high)));
      line.append(text);
      control.append(slider, ends);
    }
    box.append(control);
  }
}

function set(name, value) { go({ ...state.point, [name]: value }); }

function go(point) {
  for (const parameter of state.campaign.parameters) {
    state.point[parameter.name] = point[parameter.name];
    parameter.update(point[parameter.name]);
  }
  history.replaceState(null, "", `#${new URLSearchParams(state.point)}`);
  ask();
}

function middle() {
  const values = state.campaign.parameters.map((parameter) => [parameter.name, valueAt(parameter, 0.5)]);
  return Object.fromEntries(values);
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
  return found;
}

// Questions to the server: one at a time, the latest point next.

async function get(path) {
  const answer = await fetch(path), content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

async function ask() {
  if (!state.campaign.version) return;
  if (state.waiting) { state.again = true; return; }
  state.waiting = true;
  try {
    const found = await get(`api/slices?${new URLSearchParams(state.point)}`);
    render(found);
    const outside = found.feasible ? "" : `This point is outside of the constraints: ${state.campaign.constraints.join(", ")}`;
    say(found.refused ?? outside);
  } catch (error) {
    say(error.message);
  }
  state.waiting = false;
  if (state.again) { state.again = false; ask(); }
}

function say(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

// Figures.

function render(found) {
  const { campaign } = state;
  $("others").replaceChildren(...campaign.others.map((name) => {
    const unit = campaign.units[name] ? ` ${campaign.units[name]}` : "";
    return make("div", {}, make("span", {}, name), make("span", {}, show(found.point[name], 6) + unit));
  }));
  $("targets").replaceChildren(...campaign.targets.map((target, i) => section(target, i, found)));
}

function section(target, index, found) {
  const { mean, std, low, high } = found.prediction[target.name];
  const quality = target.r2 === null ? "" : `R² ${target.r2.toFixed(2)} on unseen trials`;
  const head = make("div", { class: "head" },
    make("h2", {}, target.name.replaceAll("_", " ")),
    make("b", {}, withError(mean, std)),
    make("span", { class: "interval" }, `95 %: ${show(low)} to ${show(high)}`),
    make("span", { class: "quality" }, quality));
  const { parameters } = state.campaign, slices = make("div", { class: parameters.length === 1 ? "slices one" : "slices" });
  const range = yRange(target, index, found);
  parameters.forEach((parameter, column) => slices.append(slice(parameter, column, index, range, found)));
  return make("section", {}, head, slices);
}

// The range over the whole space, widened to what is shown now: the axis stands still while sliders move.
function yRange(target, index, found) {
  let [low, high] = target.range;
  for (const { mean, std } of Object.values(found.slices)) {
    low = Math.min(low, ...mean[index].map((m, i) => m - std[index][i]));
    high = Math.max(high, ...mean[index].map((m, i) => m + std[index][i]));
  }
  const margin = 0.06 * (high - low) || Math.abs(high) * 0.1 || 1;
  return [low - margin, high + margin];
}

let clips = 0;

function slice(parameter, column, index, range, found) {
  const W = state.campaign.parameters.length === 1 ? 800 : 290, H = W === 800 ? 340 : 205;
  const box = { left: 50, right: 10, top: 22, bottom: 24 };
  const x = (u) => box.left + u * (W - box.left - box.right);
  const y = (v) => H - box.bottom - (v - range[0]) / (range[1] - range[0]) * (H - box.top - box.bottom);
  const title = parameter.unit ? `${parameter.name} [${parameter.unit}]` : parameter.name;
  const svg = draw("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `along ${title}` });
  svg.append(draw("text", { x: box.left, y: 13, class: "title" }, title));
  for (const v of steps(...range, 6)) {
    svg.append(draw("line", { x1: box.left, x2: W - box.right, y1: y(v), y2: y(v), class: "grid" }));
    svg.append(draw("text", { x: box.left - 6, y: y(v) + 4, "text-anchor": "end" }, show(v)));
  }
  for (const value of ticks(parameter))
    svg.append(draw("text", { x: x(place(parameter, value)), y: H - 7, "text-anchor": "middle" }, show(value)));
  const id = `clip-${clips++ % 1000}`, clip = draw("clipPath", { id });
  clip.append(draw("rect", { x: box.left, y: box.top - 2, width: W - box.left - box.right, height: H - box.top - box.bottom + 4 }));
  const inside = draw("g", { "clip-path": `url(#${id})` });
  svg.append(clip, inside);
  curves(inside, parameter, found.slices[parameter.name], index, x, y);
  forbidden(inside, found.slices[parameter.name], x, box.top, H - box.bottom);
  dots(inside, column, index, x, y);
  const here = x(place(parameter, found.point[parameter.name])), now = y(found.prediction[state.campaign.targets[index].name].mean);
  inside.append(draw("line", { x1: here, x2: here, y1: box.top, y2: H - box.bottom, class: "here" }));
  svg.append(draw("circle", { cx: here, cy: now, r: 5, class: "now" }));
  svg.addEventListener("click", (event) => {
    const frame = svg.getBoundingClientRect(), at = (event.clientX - frame.left) / frame.width * W;
    const u = (at - box.left) / (W - box.left - box.right);
    set(parameter.name, valueAt(parameter, Math.min(1, Math.max(0, u))));
  });
  return svg;
}

function curves(group, parameter, { u, mean, std }, index, x, y) {
  const half = std[index].map((s) => 1.959964 * s), m = mean[index];
  if (parameter.kind === "choice" || (parameter.kind === "integer" && u.length <= 12)) {
    u.forEach((at, i) => {
      group.append(draw("line", { x1: x(at), x2: x(at), y1: y(m[i] - half[i]), y2: y(m[i] + half[i]), class: "bar" }));
      group.append(draw("circle", { cx: x(at), cy: y(m[i]), r: 3.5, class: "level" }));
    });
    return;
  }
  const upper = u.map((at, i) => `${x(at).toFixed(1)},${y(m[i] + half[i]).toFixed(1)}`);
  const lower = u.map((at, i) => `${x(at).toFixed(1)},${y(m[i] - half[i]).toFixed(1)}`).reverse();
  group.append(draw("polygon", { points: [...upper, ...lower].join(" "), class: "band" }));
  group.append(draw("polyline", { points: u.map((at, i) => `${x(at).toFixed(1)},${y(m[i]).toFixed(1)}`).join(" "), class: "mean" }));
}

function forbidden(group, { u, feasible }, x, top, bottom) {
  u.forEach((at, i) => {
    if (feasible[i]) return;
    const left = i ? (u[i - 1] + at) / 2 : 0, right = i < u.length - 1 ? (at + u[i + 1]) / 2 : 1;
    group.append(draw("rect", { x: x(left), width: x(right) - x(left) + 0.5, y: top, height: bottom - top, class: "forbidden" }));
  });
}

function dots(group, column, index, x, y) {
  const here = state.campaign.parameters.map((parameter) => place(parameter, state.point[parameter.name]));
  for (const trial of state.campaign.trials) {
    if (trial.y[index] === null || trial.y[index] === undefined) continue;
    const far = trial.u.reduce((sum, u, i) => sum + (i === column ? 0 : (u - here[i]) ** 2), 0);
    const opacity = Math.exp(-far / 0.05);
    if (opacity < 0.04) continue;
    const dot = draw("circle", { cx: x(trial.u[column]), cy: y(trial.y[index]), r: 2.6, class: "dot", "fill-opacity": (0.75 * opacity).toFixed(2) });
    dot.append(draw("title", {}, `trial ${trial.id}: ${show(trial.y[index])}`));
    group.append(dot);
  }
}

// The campaign may be running: look now and then for more trials and another version of the surrogate.

async function look() {
  let campaign;
  try {
    campaign = await get("api/campaign");
  } catch (error) {
    say(error instanceof TypeError ? "The server has ended: softal serve starts it again." : error.message);
    return;
  }
  const before = state.campaign;
  if (before && before.version === campaign.version && before.done === campaign.done) return;
  state.campaign = campaign;
  document.title = `${campaign.name}: predictions`;
  $("name").textContent = campaign.name;
  $("question").textContent = campaign.question;
  $("learned").textContent = campaign.version ? `${campaign.done} trials` : "no surrogate yet: it needs a few more trials";
  $("to-best").hidden = !campaign.best;
  if (before) campaign.parameters.forEach((parameter, i) => { parameter.update = before.parameters[i].update; });
  else { buildControls(); state.point = start(); }
  go(state.point);
}

$("to-best").addEventListener("click", () => go(state.campaign.best.point));
$("to-middle").addEventListener("click", () => go(middle()));
look();
setInterval(() => { if (!document.hidden) look(); }, 4000);
