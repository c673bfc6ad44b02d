"""Reads across domains."""
