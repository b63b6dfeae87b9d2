"""The loop of a campaign, its stock of proposals and its agents."""
