"""Settings from a TOML file, the environment and flags, in that order; all mistakes are found before any is reported.

A value is checked where it comes to be used: what a flag replaces is not looked at. Each mistake names the setting,
where its value came from, and what to write instead.
"""

import dataclasses
import difflib
import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from runtime.settings import Settings

ENVIRONMENT_PREFIX: Final = "FAREBOX_"
CONFIG_VARIABLE: Final = "FAREBOX_CONFIG"
OTHER_VARIABLES: Final = frozenset(
    # of tests, kill points, kernels and child processes: none is a setting
    {
        "FAREBOX_SPECS",
        "FAREBOX_SPECS_REQUIRED",
        "FAREBOX_SCREENSHOTS",
        "FAREBOX_EVIDENCE",
        "FAREBOX_WALK_SEED",
        "FAREBOX_KILL_AT",
        "FAREBOX_CACHE",
        "FAREBOX_PARENT",
        CONFIG_VARIABLE,
    }
)
OTHER_NAMES: Final = {"FAREBOX_SQL": "FAREBOX_BSS_URL"}
"""Variables that are settings under another name; the setting's own name goes before."""
DEFAULT_FILE: Final = Path("farebox.toml")
DEFAULT: Final = "default"
_SECTIONS: Final = frozenset(item.name for item in dataclasses.fields(Settings))
_PASSWORD: Final = re.compile(r"(://[^:@/]*:)[^@/]*@")
"""A store's password isn't shown."""
_WRONG: Final = object()
"""Stands for a value that is no such setting's; the mistake is in the list."""


class ConfigError(Exception):
    """The settings have mistakes; `problems` lists all of them, each with its place and remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class SettingRow(NamedTuple):
    """One setting as `farebox config show` prints it."""

    name: str
    value: str
    meaning: str
    source: str
    """`default`, the file, the variable of the environment, or `flag`"""


@dataclasses.dataclass(slots=True)
class _Reading:
    """Values by section and field, where each came from, and the mistakes so far."""

    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    sources: dict[str, str] = dataclasses.field(default_factory=dict)
    problems: list[str] = dataclasses.field(default_factory=list)
    ill_formed: set[str] = dataclasses.field(default_factory=set)
    """settings with a mistake, and those that a misspelt name may have meant: their defaults aren't what was written"""

    def put(self, section: str, name: str, value: Any, source: str) -> None:
        """A value of a later source takes the place of an earlier one's."""
        table = self.values.setdefault(section, {})
        if isinstance(table, dict):
            table[name] = value
            self.sources[f"{section}.{name}"] = source

    def source_of(self, name: str) -> str:
        """Where a setting's value came from; of a field within a table: where the table did."""
        while name not in self.sources:
            name, dot, _ = name.rpartition(".")
            if not dot:
                return DEFAULT
        return self.sources[name]

    def wrong(self, name: str, what: str) -> Any:
        """Note a mistake of a setting."""
        self.ill_formed.add(name.partition("[")[0])
        source = self.source_of(name)
        self.problems.append(f"{name}: {what}" if source == DEFAULT else f"{name} ({source}): {what}")
        return _WRONG


def read_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings that hold. `flags` are values by 'section.field', None where not given. ConfigError: every mistake."""
    return _settings_of(_read(file, environment, flags))


def explain_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> list[SettingRow]:
    """Every setting with its value, meaning and source. ConfigError as `read_settings`."""
    reading = _read(file, environment, flags)
    return [row._replace(source=reading.source_of(row.name)) for row in describe(_settings_of(reading))]


def environment_of(flags: Mapping[str, Any]) -> dict[str, str]:
    """The environment in which a child process has the same settings as these flags give here."""
    return {
        ENVIRONMENT_PREFIX + name.replace(".", "_").upper(): str(value)
        for name, value in flags.items()
        if value is not None
    }


def _read(file: Path | None, environment: Mapping[str, str] | None, flags: Mapping[str, Any] | None) -> _Reading:
    environment = os.environ if environment is None else environment
    reading = _Reading()
    named = file or (Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None)
    _add_file(reading, named or (DEFAULT_FILE if DEFAULT_FILE.exists() else None))
    _add_environment(reading, environment)
    for name, value in (flags or {}).items():
        if value is not None:
            section, _, field_name = name.partition(".")
            reading.put(section, field_name, value, "flag")
    return reading


def _settings_of(reading: _Reading) -> Settings:
    settings = _build(Settings, reading.values, "", reading)
    if reading.problems:
        raise ConfigError(reading.problems)
    return typing.cast(Settings, settings)


def _add_file(reading: _Reading, path: Path | None) -> None:
    if path is None:
        return
    try:
        found = tomllib.loads(path.read_text())
    except OSError as error:
        reading.problems.append(f"{path}: can't be read ({error.strerror}): name another file with --config")
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reading.problems.append(f"{path}: is not TOML: {error}")
        return
    for section, table in found.items():
        if not isinstance(table, dict) or section not in _SECTIONS:
            reading.values[section] = table
            reading.sources[section] = str(path)
            continue
        reading.values.setdefault(section, {})
        for name, value in table.items():
            reading.put(section, name, value, str(path))


def _add_environment(reading: _Reading, environment: Mapping[str, str]) -> None:
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in OTHER_VARIABLES:
            continue
        if name in OTHER_NAMES and environment.get(OTHER_NAMES[name]):
            continue
        section, _, field_name = OTHER_NAMES.get(name, name).removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
        if section not in _SECTIONS:
            known = ", ".join(sorted(_SECTIONS))
            reading.problems.append(
                f"environment {name}: no such section: FAREBOX_<SECTION>_<FIELD> with one of {known}"
            )
            continue
        reading.put(section, field_name, text, f"environment {name}")


def _build(kind: Any, values: Any, where: str, reading: _Reading) -> Any:
    """A dataclass of `kind` from a mapping; mistakes are noted.

    What is well-formed is built even so, with defaults for the rest, that its limits and those of what it is a part of are
    checked in the same run; _WRONG where nothing can be built.
    """
    if not isinstance(values, Mapping):
        return reading.wrong(where, f"is {values!r}: write a table [{where}]")
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in dataclasses.fields(kind)}
    for name in values:
        if name not in known:
            reading.wrong(_join(where, name), f"no such setting: {_meant(name, hints, where, reading)}")
    found = {name: _convert(hints[name], values[name], _join(where, name), reading) for name in known if name in values}
    good = {name: value for name, value in found.items() if value is not _WRONG}
    ill_formed = frozenset(reading.ill_formed)
    try:
        return kind(**good)
    except ValueError as error:
        for line in str(error).splitlines():
            name, _, what = line.partition(" ")
            if _join(where, name) not in ill_formed:  # else the default stands there, which nobody wrote
                reading.wrong(_join(where, name), what)
        return _WRONG


def _meant(name: str, hints: Mapping[str, Any], where: str, reading: _Reading) -> str:
    """What else a setting that isn't there may stand for; settings with that name are ill-formed, too."""
    for table, hint in hints.items():
        if name.startswith(f"{table}_") and _is_table(hint):
            return f"tables such as [{_join(where, table)}.<name>] stand in the configuration file alone"
    near = difflib.get_close_matches(name, hints, 1)
    reading.ill_formed.update(_join(where, meant) for meant in near)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(hints)}"


def _is_table(hint: Any) -> bool:
    """Is it settings by names that the file gives?"""
    origin = typing.get_origin(hint)
    return origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping))


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _convert(hint: Any, value: Any, where: str, reading: _Reading) -> Any:
    """`value` as the type that the field has, _WRONG where it is none; text from the environment is read as that type."""
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where, reading)
    if _is_table(hint):
        return _convert_table(hint, value, where, reading)
    if origin in (list, tuple):
        return _convert_list(hint, value, where, reading)
    if origin in (typing.Union, types.UnionType):
        hint = next(option for option in typing.get_args(hint) if option is not type(None))
        origin = typing.get_origin(hint)
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            choices = ", ".join(map(str, typing.get_args(hint)))
            return reading.wrong(where, f"is {value!r}: choose one of {choices}")
        return value
    return _convert_plain(hint, value, where, reading)


def _convert_table(hint: Any, value: Any, where: str, reading: _Reading) -> Any:
    if not isinstance(value, Mapping):
        return reading.wrong(where, f"is {value!r}: write a table a name in the file, such as [{where}.<name>]")
    item_hint = typing.get_args(hint)[1]
    items = {name: _convert(item_hint, item, _join(where, name), reading) for name, item in value.items()}
    return {name: item for name, item in items.items() if item is not _WRONG}


def _convert_list(hint: Any, value: Any, where: str, reading: _Reading) -> Any:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        return reading.wrong(where, f"is {value!r}: write a list")
    item_hint = typing.get_args(hint)[0]
    items = [_convert(item_hint, item, f"{where}[{index}]", reading) for index, item in enumerate(value)]
    if any(item is _WRONG for item in items):
        return _WRONG
    return tuple(items) if typing.get_origin(hint) is tuple else items


_WORDS: Final = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}


def _convert_plain(hint: Any, value: Any, where: str, reading: _Reading) -> Any:
    if hint is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _WORDS:
            return _WORDS[value.lower()]
        return reading.wrong(where, f"is {value!r}: write true or false")
    if hint is int:
        try:
            if not isinstance(value, bool | float):
                return int(value)
        except (TypeError, ValueError):
            pass
        return reading.wrong(where, f"is {value!r}: write a whole number")
    if hint is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    if hint is str and isinstance(value, str):
        return value
    return reading.wrong(where, f"is {value!r}: write text in quotes")


def describe(settings: Any, where: str = "") -> list[SettingRow]:
    """A row of every setting, tables of named parts spelled out; sources say `default`."""
    rows = []
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        name = _join(where, item.name)
        if dataclasses.is_dataclass(value):
            rows.extend(describe(value, name))
        elif isinstance(value, Mapping) and value and dataclasses.is_dataclass(next(iter(value.values()))):
            for key, part in value.items():
                rows.extend(describe(part, _join(name, key)))
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
            shown = _PASSWORD.sub(r"\1***@", shown)
            rows.append(SettingRow(name, shown, item.metadata.get("meaning", ""), DEFAULT))
    return rows
