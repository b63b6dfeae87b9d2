"""Contract suites that the author of a plug-in runs against their own simulator, strategy, surrogate or learner."""
