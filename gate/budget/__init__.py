"""Reckon what rate limits let a profile do, and put it in words."""

from gate.budget.reckoning import Budget, fitting, reckon
from gate.budget.words import headline, lines

__all__ = ["Budget", "fitting", "headline", "lines", "reckon"]
