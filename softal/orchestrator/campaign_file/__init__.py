"""The campaign file: YAML to a specification, and what is wrong with it."""
