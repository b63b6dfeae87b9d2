// Predicted curves with their bands, over the nearest simulations; a family along one parameter; what was simulated.

import { $, colour, font, make, show } from "./elements.js";

const MOST_SHOWN = 3; // arrays that are drawn at first
const SCALE = ["#6d4bb8", "#3d6fe0", "#1f9d8a", "#a9c23f", "#f2b134"];
const PLAIN = { displayModeBar: false };
const boxes = new Map(); // array -> { array, section, plot, csv, away, stale }
let hidden = new Set();
let width = null; // of a figure [px]; to ask for it makes the browser lay out the page, which takes as long as a figure

let latest = null; // what was to be drawn last

// A figure that is out of sight waits until it is not: each takes as long as an answer of the server.
const watch = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    const box = [...boxes.values()].find(({ section }) => section === target);
    if (!box) continue;
    box.away = !isIntersecting;
    if (isIntersecting && box.stale) paint(box);
  }
}, { rootMargin: "60px" });

export function build(campaign, changed) {
  boxes.clear();
  watch.disconnect();
  hidden = new Set(campaign.arrays.slice(MOST_SHOWN).map(({ name }) => name));
  const sections = campaign.arrays.map((array) => {
    const plot = make("div", { class: "plot" }), csv = make("a", { download: "" }, "CSV");
    const title = make("h2", {}, array.name.replaceAll("_", " "));
    const section = make("section", { class: "array" }, make("div", { class: "head" }, title, csv), plot);
    section.hidden = hidden.has(array.name);
    boxes.set(array.name, { array, section, plot, csv, away: false, stale: false });
    watch.observe(section);
    return section;
  });
  $("curves").replaceChildren(...sections);
  $("arrays").replaceChildren(...(campaign.arrays.length < 2 ? [] : campaign.arrays.map((array) => chip(array, changed))));
  $("arrays").hidden = campaign.arrays.length < 2;
}

// Another version of the same arrays: axes and grids may be others.
export function renew(campaign) {
  for (const array of campaign.arrays) boxes.get(array.name).array = array;
}

function chip({ name }, changed) {
  const button = make("button", { class: "chip", type: "button", "aria-pressed": String(!hidden.has(name)) }, name.replaceAll("_", " "));
  button.addEventListener("click", () => {
    if (!hidden.delete(name)) hidden.add(name);
    boxes.get(name).section.hidden = hidden.has(name);
    button.setAttribute("aria-pressed", String(!hidden.has(name)));
    changed();
  });
  return button;
}

export const shownArrays = () => [...boxes.keys()].filter((name) => !hidden.has(name));

export function resized() { width = null; }

// Draw all that is shown. `near` are simulations as { array: { grid, values } }, `beside` a result at this very point.
export function render(found, near, beside, address) {
  width ??= boxes.get(shownArrays()[0])?.plot.clientWidth ?? null;
  latest = { found, near, beside, address };
  for (const name of shownArrays()) {
    const box = boxes.get(name);
    box.stale = true;
    if (!box.away) paint(box);
  }
  $("key").hidden = !boxes.size;
}

function paint(box) {
  const { array, plot, csv } = box, { found, near, beside, address } = latest;
  const { name } = array, own = found.curves[name], simulated = beside?.arrays[name];
  csv.href = address(name, Boolean(simulated));
  const traces = [faint(near.map((one) => one[name])), band(array, own)];
  traces.push(...family(array, found.family), line(array, own), ...dots(simulated), ...scores(simulated));
  const look = layout(array, own, found.family, simulated?.z);
  plot.style.height = `${look.height}px`;
  Plotly.react(plot, traces, look, PLAIN);
  box.stale = false;
}

const common = { type: "scatter", mode: "lines", showlegend: false, hoverinfo: "skip" };

// What Plotly takes grows with the number of traces: all simulations are one, with gaps, and a band is one outline.

function faint(near) {
  const x = [], y = [];
  for (const one of near) if (one) { x.push(...one.grid, null); y.push(...one.values, null); }
  return { ...common, x, y, line: { color: colour("muted"), width: 1 }, opacity: 0.4 };
}

function band(array, own) {
  const there = [...array.grid.keys()].filter((i) => own && own.mean[i] !== null), back = [...there].reverse();
  const x = [...there, ...back].map((i) => array.grid[i]);
  const y = [...there.map((i) => own.mean[i] + own.half[i]), ...back.map((i) => own.mean[i] - own.half[i])];
  return { ...common, x, y, fill: "toself", fillcolor: colour("band"), line: { width: 0 } };
}

function line(array, own) {
  const y = own?.mean ?? [];
  return { ...common, x: array.grid, y, line: { color: colour("accent"), width: 2.2 }, hoverinfo: "x+y" };
}

function family(array, found) {
  const curves = found?.curves[array.name] ?? [];
  return curves.map((y, i) => ({
    ...common, x: array.grid, y, line: { color: shade(curves.length > 1 ? i / (curves.length - 1) : 0.5), width: 1.3 },
    name: `${found.name} = ${show(found.values[i])}`, hoverinfo: "name+y",
  }));
}

export function shade(at) {
  const place = at * (SCALE.length - 1), i = Math.min(SCALE.length - 2, Math.floor(place)), part = place - i;
  const channel = (text, k) => parseInt(text.slice(k, k + 2), 16);
  const mixed = [1, 3, 5].map((k) => Math.round(channel(SCALE[i], k) * (1 - part) + channel(SCALE[i + 1], k) * part));
  return `rgb(${mixed.join(",")})`;
}

function dots(one) {
  if (!one) return [];
  const bars = { type: "data", array: one.errors ?? [], visible: Boolean(one.errors), thickness: 1, width: 0, color: colour("bar") };
  return [{ ...common, mode: "markers", x: one.grid, y: one.values, error_y: bars, marker: { color: colour("simulated"), size: 4 }, hoverinfo: "x+y" }];
}

function scores(one) {
  if (!one?.z) return [];
  return [{ ...common, mode: "markers", x: one.grid, y: one.z, yaxis: "y2", marker: { color: colour("simulated"), size: 3.5 }, hoverinfo: "x+y" }];
}

function layout(array, own, found, below) {
  const muted = colour("muted"), grid = colour("grid"), narrow = window.innerWidth < 560;
  const look = {
    gridcolor: grid, zeroline: false, linecolor: grid, showline: true, ticks: "outside", ticklen: 4, tickcolor: grid,
    tickfont: { color: muted, size: 12 }, exponentformat: "e", fixedrange: true,
  };
  const titled = (text, standoff) => ({ title: { text, font: { size: 13, color: colour("ink") }, standoff } });
  const grids = array.log !== "none", both = array.log === "both", across = ends(array.grid, grids), up = heights(array, own, found, both);
  const made = {
    width, height: (narrow ? 250 : 300) + (below ? 90 : 0), margin: { l: narrow ? 46 : 60, r: 12, t: 8, b: 46 }, uirevision: array.name,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: font(), color: colour("ink") },
    hoverlabel: { bgcolor: colour("surface"), bordercolor: grid, font: { color: colour("ink"), size: 12 } }, hovermode: "closest",
    xaxis: { ...look, ...titled(labelled(array.symbol, array.grid_unit), 8), type: grids ? "log" : "linear", range: across, ...(grids ? decades(across) : {}), anchor: below ? "y2" : "y" },
    yaxis: { ...look, ...titled(narrow ? "" : labelled(array.name.replaceAll("_", " "), array.unit), 6), type: both ? "log" : "linear", range: up, ...(both ? decades(up) : {}), domain: [below ? 0.34 : 0, 1] },
  };
  if (below) {
    const far = 1.1 * Math.max(4, ...below.filter((z) => z !== null).map(Math.abs));
    const lines = [-2, 0, 2].map((y) => ({ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: y, y1: y, line: { color: y ? grid : muted, width: 1 } }));
    Object.assign(made, { yaxis2: { ...look, ...titled("z", 6), range: [-far, far], domain: [0, 0.24] }, shapes: lines });
  }
  return made;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const labelled = (name, unit) => escaped(unit ? `${name} [${unit}]` : name);

function ends(grid, log) {
  const range = [grid[0], grid[grid.length - 1]];
  return log ? range.map(Math.log10) : range;
}

// Ticks at powers of ten; Plotly's own have lone digits between them, and are set by inline styles.
function decades([low, high]) {
  const first = Math.ceil(low - 1e-9), last = Math.floor(high + 1e-9), step = Math.max(1, Math.ceil((last - first) / 7));
  const powers = [];
  for (let power = first; power <= last; power += step) powers.push(power);
  if (powers.length < 2) return {};
  const digits = (power) => [...String(power)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("");
  return { tickvals: powers.map((power) => 10 ** power), ticktext: powers.map((power) => (Math.abs(power) <= 3 ? show(10 ** power) : `10${digits(power)}`)) };
}

// The range over all trials, widened to what is shown now: the axis stands still while sliders move.
function heights(array, own, found, log) {
  let [low, high] = array.range;
  const take = (v) => { if (v !== null && (!log || v > 0)) { low = Math.min(low, v); high = Math.max(high, v); } };
  own?.mean.forEach((m, i) => { if (m !== null) { take(m - (log ? 0 : own.half[i])); take(m + own.half[i]); } });
  found?.curves[array.name]?.forEach((curve) => curve.forEach(take));
  if (log) {
    const bottom = Math.max(low, high * 1e-8);
    return [Math.log10(bottom) - 0.1, Math.log10(high) + 0.1];
  }
  const margin = 0.05 * (high - low) || 1;
  return [low - margin, high + margin];
}
