"""Our NF instance id: what is configured, else one that all front ends of a store make alike."""

import uuid

import numpy as np

from balances.store import StoreMeta
from runtime.nf_instance import nf_instance_id


def meta(*secret: int) -> StoreMeta:
    return StoreMeta(2, np.array(secret, np.uint64), ("a", "b"), "always", 1)


def test_it_is_a_uuid_of_the_stores_own() -> None:
    made = nf_instance_id("", meta(1, 2))
    assert uuid.UUID(made).version == 4
    assert made == nf_instance_id("", meta(1, 2))
    assert made != nf_instance_id("", meta(1, 3))


def test_what_is_configured_holds() -> None:
    assert nf_instance_id("9F1C5A44-6D7E-4A0B-8F62-3D1F0A5B7C21", meta(1, 2)) == "9f1c5a44-6d7e-4a0b-8f62-3d1f0a5b7c21"
