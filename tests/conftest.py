"""What holds for every test."""

from hypothesis import settings

settings.register_profile("farebox", deadline=None)  # the first example may compile kernels, the second doesn't
settings.load_profile("farebox")
