"""What documents show can be done: their TOML is read without a mistake, their commands, options and targets are there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from runtime.cli.main import build
from runtime.config import read_settings
from tests.tidy.sources import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r"^[A-Z_]+=")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """(document, text) of each block of a language; '' is plain."""
    for document in DOCUMENTS:
        for found, text in _BLOCK.findall(document.read_text()):
            if found == language:
                yield document.relative_to(ROOT).as_posix(), text


def commands(program: str) -> list[tuple[str, tuple[str, ...]]]:
    """(document, words) of each line that runs a program, in blocks and in indented text."""
    found = []
    for document in DOCUMENTS:
        for line in document.read_text().splitlines():
            words = line.strip().removeprefix("$ ").split(" # ")[0]
            while _ASSIGNMENT.match(words):
                words = words.partition(" ")[2]
            is_shown = line.startswith((program, "    ", "$ ")) or _ASSIGNMENT.match(line)
            if is_shown and words.startswith(f"{program} "):
                found.append((document.relative_to(ROOT).as_posix(), tuple(shlex.split(words, comments=True)[1:])))
    return found


TOML = list(blocks("toml"))
COMMANDS = commands("farebox")


@pytest.mark.parametrize(("document", "text"), TOML, ids=[document for document, _ in TOML])
def test_toml_is_read(document: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "farebox.toml"
    file.write_text(text)
    assert read_settings(file, {}).gy.peers


def test_the_readme_shows_who_may_connect() -> None:
    (text,) = (text for document, text in TOML if document == "README.md")
    assert "origin_host" in text
    assert "[gy.peers." in text


@pytest.mark.parametrize(("document", "words"), COMMANDS, ids=[" ".join(words) for _, words in COMMANDS])
def test_command_is_there(document: str, words: tuple[str, ...]) -> None:
    command: click.Command = typer.main.get_command(build())
    left = list(words)
    while hasattr(command, "commands"):
        assert left, f"{document}: `farebox {' '.join(words)}` lacks a command"
        name = left.pop(0)
        assert name in command.commands, f"{document}: there is no `farebox {' '.join(words)}`"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts} | {"-h", "--help"}
    unknown = [word for word in left if word.startswith("-") and word.partition("=")[0] not in known]
    assert not unknown, f"{document}: `farebox {' '.join(words)}` has no {unknown}"


def test_examples_were_found() -> None:
    documents = {document for document, _ in COMMANDS}
    assert {"README.md", "docs/operating/kill-points.md"} <= documents
    assert len(COMMANDS) >= 10


def test_targets_of_make_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        (path.name, target) for path in DOCUMENTS for target in re.findall(r"(?<!\w)`?make ([a-z]+)`", path.read_text())
    }
    named |= {("README.md", words[0]) for document, words in commands("make") if document == "README.md"}
    assert len(named) >= 3
    assert not {(document, target) for document, target in named if target not in targets}
