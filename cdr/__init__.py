"""Charging records: assembled from the journal, written as files."""
