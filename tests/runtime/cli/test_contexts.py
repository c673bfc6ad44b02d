"""Commands that get what they work on, made of options that they don't declare."""

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from runtime.cli.contexts import add_group, works_on

NameOption = Annotated[str, typer.Option("--name", help="Whose.")]


def _shouted(name: NameOption = "nobody", times: int = 1) -> str:
    return name.upper() * times


@works_on(_shouted)
def say(shouted: str, word: str, is_short: Annotated[bool, typer.Option("--short")] = False) -> None:
    """Say a word to somebody."""
    typer.echo(word if is_short else f"{word} {shouted}")


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    add_group(app, "people", "People.", [("say", say), ("shout", say)])
    return app


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("hello",), "hello NOBODY\n"),
        (("hello", "--name", "ann"), "hello ANN\n"),
        (("hello", "--name", "ann", "--times", "2"), "hello ANNANN\n"),
        (("hello", "--short", "--name", "ann"), "hello\n"),
    ],
)
def test_the_context_is_made_of_its_own_options(app: typer.Typer, words: tuple[str, ...], said: str) -> None:
    assert CliRunner().invoke(app, ["people", "say", *words]).stdout == said


def test_help_shows_both(app: typer.Typer) -> None:
    text = CliRunner().invoke(app, ["people", "say", "--help"]).stdout
    for part in ("Say a word to somebody.", "word", "--short", "--name", "Whose.", "--times"):
        assert part in text
    assert "shouted" not in text


def test_what_is_missing_or_unknown_is_said(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["people", "say"]).exit_code == 2
    assert CliRunner().invoke(app, ["people", "say", "hello", "--times", "x"]).exit_code == 2


def test_called_by_name_it_is_an_ordinary_function(capsys: pytest.CaptureFixture[str]) -> None:
    say(word="hello", name="ann")
    assert capsys.readouterr().out == "hello ANN\n"
