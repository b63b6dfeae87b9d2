"""The record of a campaign: the journal, its mirror in MLflow, and the report."""
