"""Diameter: the base protocol and Gy/Ro."""
