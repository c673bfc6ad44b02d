"""The packages are listed in several places of pyproject.toml; they are the same everywhere, and nothing lies beside them."""

import tomllib

from tests.tidy.sources import PACKAGES, ROOT, every_source

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def contracts(kind: str) -> list[dict[str, object]]:
    return [contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"] if contract["type"] == kind]


def test_every_tool_sees_every_package() -> None:
    tool = PYPROJECT["tool"]
    assert set(tool["mypy"]["files"]) == set(PACKAGES)
    assert set(tool["importlinter"]["root_packages"]) == set(PACKAGES)
    assert {pattern.removesuffix("*") for pattern in tool["setuptools"]["packages"]["find"]["include"]} == set(PACKAGES)


def test_contracts_cover_every_package() -> None:
    (layers,) = contracts("layers")
    beside = [package for layer in layers["layers"] for package in layer.split(" | ")]  # type: ignore[attr-defined]
    assert sorted(beside) == sorted(PACKAGES)
    (circles,) = contracts("acyclic_siblings")
    assert set(circles["ancestors"]) == set(PACKAGES)  # type: ignore[call-overload]
    (edges,) = contracts("protected")
    with_edge = {
        source.module.partition(".edge.")[0]
        for source in every_source()
        if ".edge." in source.module and source.package != "tests"
    }
    assert set(edges["protected_modules"]) == {f"{package}.edge" for package in with_edge}  # type: ignore[call-overload]


def test_cores_are_under_the_contract_of_input_and_output() -> None:
    (contract,) = (contract for contract in contracts("forbidden") if "asyncio" in contract["forbidden_modules"])  # type: ignore[operator]
    cores = {source.package for source in every_source() if source.is_core}
    assert set(contract["source_modules"]) == cores  # type: ignore[call-overload]
    edges = ["*.edge.* -> **", "bss.*.edge.* -> **", "bss.api.** -> **", "bss.console.** -> **"]
    assert contract["ignore_imports"] == edges


def test_no_python_lies_beside_the_packages() -> None:
    stray = sorted(path.name for path in ROOT.glob("*.py"))
    assert not stray, f"move them into a package: {stray}"
