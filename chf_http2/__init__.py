"""Nchf: converged charging over HTTP/2."""
