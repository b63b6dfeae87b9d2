"""Whole curves over a point of the space: density profiles, S(k), g(r), F_s(t), with what is known of them built in."""
