#!/usr/bin/env python3
"""A bead in a harmonic trap by Metropolis Monte Carlo: your simulation could stand here, in any language.

It is an ordinary program: parameters come in as arguments, progress goes to standard output as it likes, and the last
line is the result as JSON. A time series gets its standard error from softal.

The cost is the bead's scatter and the price of the trap, <x^2> + price * stiffness. Exactly, <x^2> = 1 / stiffness in
units of kT, so that the cost is smallest, 1, at a stiffness of 2.
"""

import argparse
import json
import math
import random

parser = argparse.ArgumentParser()
parser.add_argument("--stiffness", type=float, required=True)
parser.add_argument("--seed", type=int, required=True)
parser.add_argument("--sweeps", type=int, default=20_000)
parser.add_argument("--price", type=float, default=0.25)
arguments = parser.parse_args()

generator = random.Random(arguments.seed)
x, squares = 0.0, []
for sweep in range(arguments.sweeps):
    moved = x + generator.uniform(-1.5, 1.5)
    if math.log(1.0 - generator.random()) < arguments.stiffness / 2 * (x * x - moved * moved):
        x = moved
    squares.append(x * x)
    if sweep % 10_000 == 0:
        print(f"sweep {sweep}")

cost = [square + arguments.price * arguments.stiffness for square in squares]
print(json.dumps({"x2": {"series": squares}, "cost": {"series": cost}}))
