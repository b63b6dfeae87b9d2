// Elements and numbers. What comes from the campaign goes into the page by textContent or setAttribute, never as HTML.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function draw(tag, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return element;
}

export function show(value, digits = 4) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  return String(Number(value.toPrecision(digits)));
}

export function withError(mean, error) {
  if (!(error > 0)) return show(mean);
  const places = 1 - Math.floor(Math.log10(error));
  if (places > 8 || places < -3) return `${mean.toPrecision(4)} ± ${error.toPrecision(2)}`;
  return `${mean.toFixed(Math.max(0, places))} ± ${error.toFixed(Math.max(0, places))}`;
}

// A time span: 41 s, 2 min 41 s, 2 h 05 min.
export function duration(time) {
  const two = (number) => String(number).padStart(2, "0"), whole = Math.max(1, Math.round(time));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(time / 60);
  return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

// The page's colours as they are now, light or dark; read once, since to ask for styles makes the browser compute them.
let colours = {};
export const colour = (name) => (colours[name] ??= getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
export const font = () => (colours.font ??= getComputedStyle(document.body).fontFamily);
export const forgetColours = () => { colours = {}; };

export async function copy(text, button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select and copy it";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}
