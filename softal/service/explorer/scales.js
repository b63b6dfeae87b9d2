// The way between a value and its place u in [0, 1] on an axis: softal/space.py has the formulas.
export function scale(parameter) {
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

export function place(parameter, value) {
  if (parameter.kind !== "choice") return scale(parameter).place(value);
  return (parameter.choices.indexOf(value) + 0.5) / parameter.choices.length;
}

export function valueAt(parameter, u) {
  if (parameter.kind !== "choice") return scale(parameter).value(u);
  const n = parameter.choices.length;
  return parameter.choices[Math.min(n - 1, Math.max(0, Math.floor(u * n)))];
}

export function steps(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

export function ticks(parameter) {
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
