"""The orchestrator: reads the campaign file, runs the loop on Ray, and keeps the agents and workers going."""
