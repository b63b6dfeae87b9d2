"""The answer of a campaign: what it found, with its error, and whether that lies on the edge of what was searched."""

from softal.answer.answer import BEATEN, Answer, Single, answer, mean_of_runs, point_key

__all__ = ["BEATEN", "Answer", "Single", "answer", "mean_of_runs", "point_key"]
