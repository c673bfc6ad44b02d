"""Documents: tables equal the code's, links lead somewhere, what code refers to is there, what has to be named is named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.config import describe
from runtime.settings import Settings
from runtime.telemetry import METRICS
from tests.tidy.sources import PACKAGES, ROOT, every_source
from tests.tidy.tables import TABLES, table_in, with_table

DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
    if "evidence" not in path.parts
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(document: Path | str) -> str:
    return (ROOT / document).read_text()


def anchors_of(document: Path) -> set[str]:
    """Anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text_of(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("document", "name", "make"), TABLES, ids=[name for _, name, _ in TABLES])
def test_table_is_the_codes(document: str, name: str, make: Callable[[], str]) -> None:
    assert table_in(text_of(document), name) == make(), f"{document} is old: run `python -m tests.tidy.tables`"


def test_an_old_table_is_replaced_and_nothing_else() -> None:
    text = (
        "# A\n<!-- table: x -->\n| old |\n<!-- end of table -->\nB\n<!-- table: y -->\n| y |\n<!-- end of table -->\n"
    )
    new = with_table(text, "x", "| new |\n")
    assert new == text.replace("| old |", "| new |")
    assert table_in(new, "y") == "| y |\n"
    with pytest.raises(ValueError, match="<!-- table: z -->"):
        table_in(text, "z")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    dead = []
    for target in _LINK.findall(text_of(document)):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        found = (document.parent / path) if path else document
        if not (ROOT / found).exists():
            dead.append(f"{target}: no such file")
        elif anchor and anchor not in anchors_of(found):
            dead.append(f"{target}: no such heading")
    assert not dead, f"{document}: {dead}"


def test_every_document_is_in_the_index() -> None:
    index = {target.partition("#")[0] for target in _LINK.findall(text_of("docs/README.md"))}
    missing = [
        str(path)
        for path in DOCUMENTS
        if path.parts[0] == "docs" and str(path.relative_to("docs")) not in {*index, "README.md"}
    ]
    assert not missing, f"link them in docs/README.md: {missing}"


def test_decisions_say_what_why_and_what_lost() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {page.name[:4]}: "), page.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert [heading for heading in headings if heading in ("Decided", "Why", "What lost")] == [
            "Decided",
            "Why",
            "What lost",
        ]


def test_documents_that_code_refers_to_are_there() -> None:
    referred = {
        (str(source.path), path)
        for source in every_source()
        if source.package in PACKAGES
        for path in re.findall(r"\bdocs/[\w./-]*\w", source.text)
    }
    missing = [f"{source}: {path}" for source, path in sorted(referred) if not list(ROOT.glob(f"{path}*"))]
    assert not missing, missing


@pytest.mark.parametrize("row", describe(Settings()), ids=lambda row: row.name)
def test_setting_is_documented(row: object) -> None:
    name = re.sub(r"\.peers\.\w+\.", ".peers.<name>.", row.name)  # type: ignore[attr-defined]
    assert f"`{name}`" in text_of("docs/configuration.md"), f"add a row for {name} to docs/configuration.md"


@pytest.mark.parametrize("name", [row.name for row in METRICS])
def test_metric_is_documented(name: str) -> None:
    assert f"`{name}`" in text_of("docs/metrics.md"), f"add a row for {name} to docs/metrics.md"


def test_log_lines_are_documented() -> None:
    """Each line that a process may log at warning or error is in docs/operating/running.md, with what to do."""
    page = " ".join(text_of("docs/operating/running.md").split())
    logged = {
        (str(source.path), line)
        for source in every_source()
        if source.package in PACKAGES
        for line in re.findall(r"log\.(?:warning|error)\(\s*\"([^\"]+)\"", source.text)
    }
    assert len(logged) >= 8
    missing = [f"{path}: {line}" for path, line in sorted(logged) if line not in page]
    assert not missing, f"say in docs/operating/running.md what they mean: {missing}"


def test_glossary_has_a_word_once_and_in_order() -> None:
    words = [
        line.split("**")[1].lower() for line in text_of("docs/glossary.md").splitlines() if line.startswith("- **")
    ]
    assert words == sorted(set(words))
    assert len(words) >= 40


def test_clauses_name_modules_and_tests_that_are_there() -> None:
    rows = [line.split("|")[3:5] for line in text_of("docs/clauses.md").splitlines() if line.startswith("| ")][1:]
    cells = [[cell.strip().strip("`") for cell in row] for row in rows]
    assert len(cells) > 20
    faults = [fault for module, test in cells for fault in clause_faults(module, test)]
    assert not faults, faults


def clause_faults(module: str, test: str) -> list[str]:
    """What is wrong with the last two cells of a row: both say `not done`, or a module and a test that are there."""
    if module == test == "not done":
        return []
    path, colons, name = test.partition("::")
    if not re.fullmatch(r"[a-z][\w/]*\.py", module) or not re.fullmatch(r"tests/[\w/]*/test_\w+\.py", path):
        return [f"{module!r} and {test!r}: write a module and a test, or not done in both"]
    missing = [one for one in (module, path) if not (ROOT / one).is_file()]
    if missing or not colons:
        return [f"{one} isn't there" for one in missing]
    is_there = re.search(rf"^(async )?def {re.escape(name)}\(", text_of(path), re.MULTILINE)
    return [] if is_there and name.startswith("test_") else [f"{path} has no test {name}"]


@pytest.mark.parametrize(
    ("module", "test", "fault"),
    [
        ("chf_http2/routes.py", "tests/chf_http2/test_routes.py", None),
        ("chf_http2/routes.py", "tests/chf_http2/test_features.py::test_nowhere", "has no test test_nowhere"),
        ("chf_http2/nowhere.py", "tests/chf_http2/test_routes.py", "chf_http2/nowhere.py isn't there"),
        ("chf_http2/routes.py", "tests/chf_http2/test_nowhere.py::test_a", "test_nowhere.py isn't there"),
        ("chf_http2/routes.py", "tests/chf_http2/test_routes.py::", "has no test "),
        ("chf_http2/routes.py", "tests/tidy/tables.py::apis", "write a module and a test"),
        ("chf_http2/routes.py", "not done", "write a module and a test"),
        ("chf_http2/routes.py", "", "write a module and a test"),
        ("-", "-", "write a module and a test"),
    ],
)
def test_rows_of_clauses_that_are_wrong_would_be_said(module: str, test: str, fault: str | None) -> None:
    faults = clause_faults(module, test)
    assert (fault in faults[0]) if fault else not faults
