"""The blind solver: it meets the user's wishes from their logical form and the tools, knowing nothing of any plan.

It plans its own look-ups by the tools' contracts, sees what they show, and finds the rows that descriptions fit; it
keeps what was spoken of, and asks when something is missing or fits several rows. What it comes to must be what the
plan comes to, or the task doesn't ship. Nothing here may import what grounds a plan.
"""

from synthesis.solver.agreement import Solved, solve
from synthesis.solver.ladder import Ladder, climb
from synthesis.solver.outcome import Outcome
from synthesis.solver.skill import RUNGS, Skill
from synthesis.solver.solver import Solver
from synthesis.solver.toolbox import Toolbox

__all__ = ["RUNGS", "Ladder", "Outcome", "Skill", "Solved", "Solver", "Toolbox", "climb", "solve"]
