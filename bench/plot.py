"""The plot of the farm's bench: what a call costs, beside its rivals."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.farm_calls import CONNECTIONS, Costs


def plot_costs(costs: Costs, path: Path) -> None:
    """Draw the CPU of each call as bars on a scale of powers, one for each number of connections, into a PNG."""
    names = list(dict.fromkeys(name for name, _ in costs.rounds))
    with mpl.rc_context({"font.size": 9}):
        figure = Figure(figsize=(9, 0.5 + 0.55 * len(names)), layout="constrained")
        axes = figure.subplots()
        height = 0.8 / len(CONNECTIONS)
        for number, connections in enumerate(CONNECTIONS):
            places = [place + (number - 1) * height for place in range(len(names))]
            values = [costs.cpu(name, connections) for name in names]
            drawn = axes.barh(places, values, height, label=f"{connections} connections")
            axes.bar_label(drawn, [f"{value:.0f}" for value in values], padding=2, fontsize=7)
        axes.set_xscale("log")
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("server CPU of a call (µs)")
        axes.set_title("What a tool call costs over HTTP")
        axes.legend()
        figure.savefig(path, dpi=140)
