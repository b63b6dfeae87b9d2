"""Kinds: the class behind a name, its settings, what is wrong with them, and what they mean in words."""
