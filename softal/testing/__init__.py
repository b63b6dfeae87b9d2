"""Contract suites that the author of a plug-in runs against their own simulator, strategy or surrogate."""
