"""How names are searched: without case, accents and signs, by the beginning of the family name or of the given name."""

import unicodedata
from typing import Final

from bss.crm.tables import NAME_KEY_CHARACTERS_MAX

_LETTERS: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i"}
)


def search_key(*parts: str | None) -> str:
    """The parts as they are compared: "Müller-Lüdenscheidt", "Ann" is `muller ludenscheidt ann`."""
    text = " ".join(part for part in parts if part).casefold().translate(_LETTERS)
    bare = (sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    words = "".join(sign if sign.isalnum() else " " for sign in bare).split()
    return " ".join(words)[:NAME_KEY_CHARACTERS_MAX]


def keys_of_individual(given_name: str | None, middle_name: str | None, family_name: str | None) -> dict[str, str]:
    """The two columns by which a person is found."""
    return {
        "name_key": search_key(family_name, given_name, middle_name),
        "given_key": search_key(given_name, middle_name, family_name),
    }


def keys_of_organization(trading_name: str | None, legal_name: str | None) -> dict[str, str]:
    """The two columns by which an organisation is found: by either of its names."""
    return {"name_key": search_key(trading_name), "given_key": search_key(legal_name) or search_key(trading_name)}
