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
    for module, test in cells:
        assert (module == "-") == (test == "-"), f"{module} has no test, or {test} no module"
        missing = [path for path in (module, test) if path != "-" and not (ROOT / path).is_file()]
        assert not missing, missing
