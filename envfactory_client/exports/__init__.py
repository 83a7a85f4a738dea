"""Exports: trajectories in the formats that trainers and chat APIs read.

    export("out/airline-100/trajectories.jsonl", "openai", "out/openai.jsonl")

A trajectory and the tools that were offered become a `Dialogue`, and each format is a pure function of that. The
calls of the user's own tools are in no export: they are not the agent's, and the user's next message tells of them.
"""

from envfactory_client.exports.dialogue import Dialogue, Exchange, Function, FunctionCall
from envfactory_client.exports.export import FORMATS, Exported, FormatName, export, record
from envfactory_client.exports.figures import Figures
from envfactory_client.exports.toolbox import Toolbox

__all__ = [
    "FORMATS",
    "Dialogue",
    "Exchange",
    "Exported",
    "Figures",
    "FormatName",
    "Function",
    "FunctionCall",
    "Toolbox",
    "export",
    "record",
]
