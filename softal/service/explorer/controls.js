// A slider, a number and a line for what is wrong with it, for each parameter.

import { $, make, show } from "./elements.js";
import { place, valueAt } from "./scales.js";

// `moved(name, value, since)` is told of every change, with the time of the event.
export function buildControls(parameters, moved) {
  $("controls").replaceChildren(...parameters.map((parameter) => control(parameter, moved)));
}

function control(parameter, moved) {
  const { name } = parameter, id = `at-${name}`;
  const label = make("label", { for: id }, name);
  const line = make("div", { class: "line" }, label);
  if (parameter.unit) line.append(make("span", { class: "unit" }, parameter.unit));
  const box = make("div", { class: "control" }, line);
  const wrong = make("p", { class: "wrong", id: `wrong-${name}`, role: "alert", hidden: "" });
  parameter.complain = (text) => { wrong.textContent = text ?? ""; wrong.hidden = !text; };
  if (parameter.kind === "choice") choose(parameter, id, line, moved);
  else slide(parameter, id, line, box, moved);
  box.append(wrong);
  return box;
}

function choose(parameter, id, line, moved) {
  const select = make("select", { id });
  parameter.choices.forEach((choice, i) => select.append(make("option", { value: i }, String(choice))));
  select.addEventListener("change", (event) => moved(parameter.name, parameter.choices[Number(select.value)], event.timeStamp));
  parameter.update = (value) => { select.value = parameter.choices.indexOf(value); };
  line.append(select);
}

function slide(parameter, id, line, box, moved) {
  const { name } = parameter;
  const text = make("input", { type: "text", inputmode: "decimal", "aria-label": `${name}, typed`, "aria-describedby": `wrong-${name}` });
  const slider = make("input", { type: "range", id, min: 0, max: 1, step: "any" });
  if (parameter.kind === "integer") {
    const cells = parameter.high - parameter.low + 1;
    if (!parameter.log && cells <= 1000) Object.assign(slider, { min: 0.5 / cells, max: 1 - 0.5 / cells, step: 1 / cells });
  }
  slider.addEventListener("input", (event) => moved(name, valueAt(parameter, Number(slider.value)), event.timeStamp));
  text.addEventListener("change", (event) => {
    const reason = mistake(parameter, text.value);
    text.classList.toggle("wrong", Boolean(reason));
    parameter.complain(reason);
    if (!reason) moved(name, Number(text.value), event.timeStamp);
  });
  parameter.update = (value) => {
    slider.value = place(parameter, value);
    text.value = show(value, 6);
    text.classList.remove("wrong");
    parameter.complain(null);
  };
  const ends = make("div", { class: "ends" }, make("span", {}, show(parameter.low)), make("span", {}, show(parameter.high)));
  line.append(text);
  box.append(slider, ends);
}

// What is wrong with a number as it was typed; nothing where it is right.
function mistake(parameter, text) {
  const value = Number(text), { low, high } = parameter, said = text.trim() || "nothing";
  const allowed = `${parameter.kind === "integer" ? "a whole number" : "a number"} from ${show(low, 6)} to ${show(high, 6)} is allowed`;
  if (text.trim() === "" || !Number.isFinite(value) || value < low || value > high) return `${said} is given; ${allowed}`;
  return parameter.kind === "integer" && !Number.isInteger(value) ? `${said} is given; ${allowed}` : null;
}
