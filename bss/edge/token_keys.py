"""The key pair that access tokens are signed with: a file of the data directory, made by whoever needs it first."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from joserfc.jwk import ECKey

_FILE: Final = "token-key.pem"


def token_key(folder: Path) -> tuple[str, ECKey]:
    """(key id, key) of an installation. The file is for this user alone; of several processes that make it one wins.

    ValueError: the file holds no key, with what to do. OSError: the folder can't be written.
    """
    path = folder / _FILE
    if not path.exists():
        _make(path)
    try:
        key = ECKey.import_key(path.read_bytes())
        return key.thumbprint(), key
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} holds no key ({error}): remove it, and clients have to get new tokens") from None


def _make(path: Path) -> None:
    """Written whole under another name, then linked: whoever sees the file sees a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(ECKey.generate_key("P-256").as_pem(private=True))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)
