"""Observing: how the outputs of any MCP server feed its inputs, found by calling its tools and watching the answers.

Two things are seen over MCP alone. Result paths that share their values show one column; a parameter is of the column
whose values it answers to, significantly more often than to those of other columns and to strangers of the same look.
What comes out has the form in which our environments declare it, so that a tool graph is built from either.
"""

from envfactory_client.observing.observation import Agreement, Observation, ObservedParameter, ObservedResult
from envfactory_client.observing.observer import Pace, observe
from envfactory_client.observing.trials import Counts

__all__ = ["Agreement", "Counts", "Observation", "ObservedParameter", "ObservedResult", "Pace", "observe"]
