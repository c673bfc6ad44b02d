"""The saved state of the assembly of all partitions, as one NumPy archive, uncompressed; its hash stands in the manifest.

A checkpoint only shortens a restart: from an older one, or from none, the same state comes out of the journal. So one
that is damaged, or was written by a release with another layout, is passed over and not an error.
"""

import io
import zipfile
from collections.abc import Mapping

import numpy as np

from cdr.assembly import Assembly, AssemblyError


def pack(assemblies: Mapping[int, Assembly]) -> bytes:
    """The octets of a checkpoint."""
    arrays = {
        f"{partition}.{name}": array
        for partition, assembly in assemblies.items()
        for name, array in assembly.saved().items()
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_into(octets: bytes, assemblies: Mapping[int, Assembly]) -> bool:
    """Take the saved state over into fresh assemblies; False, and some of them changed, where it can't be used."""
    try:
        with np.load(io.BytesIO(octets), allow_pickle=False) as arrays:
            for partition, assembly in assemblies.items():
                prefix = f"{partition}."
                names = [name for name in arrays.files if name.startswith(prefix)]
                if names:
                    assembly.restore({name.removeprefix(prefix): arrays[name] for name in names})
    except (AssemblyError, KeyError, ValueError, EOFError, OSError, zipfile.BadZipFile):
        return False
    return True
