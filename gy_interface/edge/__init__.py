"""Diameter's sockets."""
