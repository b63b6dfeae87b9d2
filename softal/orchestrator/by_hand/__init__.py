"""Trials that people do: asked for without a launch, and told."""
