"""A learner that says of each particle which crystal, or fluid, it is in, by the bond order around it."""
