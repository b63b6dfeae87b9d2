"""A system that lives outside softal: a gel with a density profile, and a learner of when it sets."""
