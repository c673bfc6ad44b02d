"""The words that all packages share: money, units, instants, outcomes, limits."""
