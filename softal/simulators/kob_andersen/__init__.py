"""The Kob-Andersen mixture."""
