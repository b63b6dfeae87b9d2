"""The commands: parse, call `softal.orchestrator`, print. Libraries that are slow to import wait until used."""
