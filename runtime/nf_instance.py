"""Who we are among network functions: the NF instance id (TS 29.571 §5.3.2)."""

import hashlib
import uuid
from typing import Final

from balances.store import StoreMeta

_PURPOSE: Final = b"NF instance id"


def nf_instance_id(configured: str, meta: StoreMeta) -> str:
    """A UUID in lower case: what is configured, else one made of the store's secret.

    All front ends of a store are one network function, so that they say the same one, at each start.
    """
    if configured:
        return configured.lower()
    digest = hashlib.blake2b(_PURPOSE, key=meta.secret.tobytes(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))
