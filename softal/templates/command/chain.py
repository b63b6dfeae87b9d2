#!/usr/bin/env python3
"""A stretched, stiff chain in two dimensions by Monte Carlo: your own program goes here, in any language.

It reads its input file, prints what it likes, and then one line of JSON with its results. (A freely jointed chain,
stiffness 0, has the extension I1(force) / I0(force), with the modified Bessel functions.)
"""

import json
import math
import random
import sys
from pathlib import Path

text = Path(sys.argv[1]).read_text(encoding="utf-8")
lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
deck = {name: float(value) for name, value in lines}
bonds, sweeps, force, stiffness = int(deck["bonds"]), int(deck["sweeps"]), deck["force"], deck["stiffness"]
generator = random.Random(int(sys.argv[sys.argv.index("--seed") + 1]))

angles = [0.0] * bonds
width = min(3.0, 3.0 / math.sqrt(force + 2 * stiffness + 0.5))
extensions = []
for sweep in range(sweeps):
    for i in range(bonds):
        old, new = angles[i], angles[i] + generator.uniform(-width, width)
        neighbours = angles[max(0, i - 1) : i] + angles[i + 1 : i + 2]
        gain = force * (math.cos(new) - math.cos(old))
        gain += stiffness * sum(math.cos(new - other) - math.cos(old - other) for other in neighbours)
        if gain >= 0 or generator.random() < math.exp(gain):
            angles[i] = new
    if sweep >= sweeps // 10:
        extensions.append(sum(map(math.cos, angles)) / bonds)
print(f"{sweeps} sweeps of {bonds} bonds")

# A time series gets its mean and its standard error from softal; a number, or [value, error], is as good.
print(json.dumps({"extension": {"series": extensions}}))
