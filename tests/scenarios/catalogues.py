"""The releases that scenarios are charged by, and the tenants that have them."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
CATALOGUES: Final = ((_HERE / "catalogue.yaml", "default"), (_HERE / "catalogue-other.yaml", "other"))
TENANTS: Final = {"default": 1, "other": 2}
"""Numbers of the tenants, in the order in which a store gives them."""
