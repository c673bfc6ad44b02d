"""The decision: rating, quota, sessions. Pure kernels, no I/O, no clock."""
