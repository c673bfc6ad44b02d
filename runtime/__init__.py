"""The composition root: configuration, clock, processes, telemetry."""
