"""Numbers, SIMs and products that customers have."""
