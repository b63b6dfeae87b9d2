// Values along each parameter through the point, one small figure each.

import { draw, make, show, withError } from "./elements.js";
import { place, steps, ticks, valueAt } from "./scales.js";

// `campaign` is what the server says of it, `found` its answer at a point; `go(name, value)` moves one parameter.
export function sections(campaign, point, found, go) {
  return campaign.targets.map((target, i) => section({ campaign, point, found, go }, target, i));
}

// The numbers at the point, which are there before the slices.
export function refresh(head, target, prediction) {
  const { mean, std, low, high } = prediction[target.name];
  head.querySelector("b").textContent = withError(mean, std);
  head.querySelector(".interval").textContent = `95 %: ${show(low)} to ${show(high)}`;
}

function section(view, target, index) {
  const { campaign, found } = view;
  const quality = target.r2 === null ? "" : `R² ${target.r2.toFixed(2)} on unseen trials`;
  const head = make("div", { class: "head" },
    make("h2", {}, target.name.replaceAll("_", " ")),
    make("b"),
    make("span", { class: "interval" }),
    make("span", { class: "quality" }, quality));
  refresh(head, target, found.prediction);
  const { parameters } = campaign, slices = make("div", { class: parameters.length === 1 ? "slices one" : "slices" });
  const range = yRange(target, index, found);
  parameters.forEach((parameter, column) => slices.append(slice(view, parameter, column, index, range)));
  return make("section", { class: "target" }, head, slices);
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

function slice(view, parameter, column, index, range) {
  const { campaign, found } = view;
  const W = campaign.parameters.length === 1 ? 800 : 290, H = W === 800 ? 340 : 205;
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
  dots(view, inside, column, index, x, y);
  const here = x(place(parameter, found.point[parameter.name])), now = y(found.prediction[campaign.targets[index].name].mean);
  inside.append(draw("line", { x1: here, x2: here, y1: box.top, y2: H - box.bottom, class: "here" }));
  svg.append(draw("circle", { cx: here, cy: now, r: 5, class: "now" }));
  svg.addEventListener("click", (event) => {
    const frame = svg.getBoundingClientRect(), at = (event.clientX - frame.left) / frame.width * W;
    const u = (at - box.left) / (W - box.left - box.right);
    view.go(parameter.name, valueAt(parameter, Math.min(1, Math.max(0, u))));
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

function dots({ campaign, point }, group, column, index, x, y) {
  const here = campaign.parameters.map((parameter) => place(parameter, point[parameter.name]));
  for (const trial of campaign.trials) {
    if (trial.y[index] === null || trial.y[index] === undefined) continue;
    const far = trial.u.reduce((sum, u, i) => sum + (i === column ? 0 : (u - here[i]) ** 2), 0);
    const opacity = Math.exp(-far / 0.05);
    if (opacity < 0.04) continue;
    const dot = draw("circle", { cx: x(trial.u[column]), cy: y(trial.y[index]), r: 2.6, class: "dot", "fill-opacity": (0.75 * opacity).toFixed(2) });
    dot.append(draw("title", {}, `trial ${trial.id}: ${show(trial.y[index])}`));
    group.append(dot);
  }
}
