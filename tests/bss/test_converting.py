"""Types are met where they are defined, before there are threads that could meet them at once."""

import msgspec
import pytest

from bss.converting import convert, meet


class Sample(msgspec.Struct):
    name: str


def test_only_what_was_met_is_converted() -> None:
    with pytest.raises(AssertionError, match="in the module that defines it"):
        convert({"name": "x"}, Sample)
    meet(Sample, Sample | None)
    assert convert({"name": "x"}, Sample) == convert({"name": "x"}, Sample | None) == Sample("x")
    with pytest.raises(msgspec.ValidationError):
        convert({"name": 1}, Sample)
