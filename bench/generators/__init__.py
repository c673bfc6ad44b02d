"""Load generators, processes of their own: they know the wire and the workload, nothing of the engine."""
