"""Dialogs that ask for something: a form is a list of fields, and what was typed comes back by their names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

from bss.console.frame import answer_of, named_dialog

Rule = tuple[str, Callable[[str], bool]]
"""(what is said of a text that doesn't fit, whether one does)"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A field of a form."""

    name: str
    label: str
    value: str = ""
    choices: Mapping[str, str] | None = None
    """words by value: one of them is chosen instead of typed"""
    is_long: bool = False
    rule: Rule | None = None
    hint: str = ""


def given(what: str) -> Rule:
    """Some text has to be there; `what` says which."""
    return what, lambda text: bool(text.strip())


async def ask(title: str, fields: Sequence[Asked], verb: str, *, text: str = "") -> dict[str, str] | None:
    """What somebody filled in, by field, all of it fit; None where they thought better of it."""
    with named_dialog(title) as dialog, ui.card().classes("w-96 max-w-full gap-3"):
        ui.label(title).props("role=heading aria-level=2").classes("text-lg font-semibold")
        if text:
            ui.label(text)
        inputs = {field.name: _input(field, has_focus=place == 0) for place, field in enumerate(fields)}
        with ui.row().classes("w-full justify-end"):
            ui.button("Back", on_click=lambda: dialog.submit(None)).props("flat")
            ui.button(verb, on_click=lambda: dialog.submit(True) if _are_fit(inputs.values()) else None)
    if not await answer_of(dialog):
        return None
    return {name: str(box.value or "").strip() for name, box in inputs.items()}


def _input(field: Asked, *, has_focus: bool) -> Any:
    box: Any
    if field.choices is not None:
        box = ui.select(dict(field.choices), value=field.value or next(iter(field.choices), None), label=field.label)
    else:
        checks = None if field.rule is None else {field.rule[0]: _reading(field.rule[1])}
        make: Any = ui.textarea if field.is_long else ui.input
        box = make(field.label, value=field.value, placeholder=field.hint, validation=checks)
    return box.props("outlined autofocus" if has_focus else "outlined").classes("w-full")


def _reading(fits: Callable[[str], bool]) -> Callable[[str | None], bool]:
    """The rule for what a box has: an empty one may have nothing."""
    return lambda text: fits(text or "")


def _are_fit(inputs: Any) -> bool:
    """Every field is looked at, so that each says what it lacks."""
    fit = [box.validate() for box in inputs if hasattr(box, "validate")]
    return all(fit)
