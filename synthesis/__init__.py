"""The engine that turns environments into trajectories: graph, chains, plans, references, tasks, records."""
