"""Local structures that nobody has named: particles' environments in clusters, without labels."""
