"""Scenario files: YAML to a Scenario, or all mistakes at once, each with the field that has it and what to do."""

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import yaml

from catalog_loader.amounts import AmountInvalid
from catalog_loader.faults import suggestion
from runtime.simulate.amounts import MEMBERS, amount_of
from runtime.simulate.scenario import STATUS, Body, Chf, Kind, Notify, Scenario, Step

SAMPLES: Final = Path(__file__).parent / "samples"
TIMES_MAX: Final = 10_000
_TOP: Final = ("name", "chf", "notify", "sequence", "members", "steps")
_SEQUENCES: Final = {"counted": True, "zero": False}
_STEP_KEYS: Final = (*Kind, "times", "expect", "note")
_WAIT_KEYS: Final = ("seconds", "notification")
_SESSION_NEEDED: Final = (Kind.UPDATE, Kind.RELEASE)


class ScenarioError(Exception):
    """A scenario that can't be played; `mistakes` is a line each."""

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))


class _Loader(yaml.SafeLoader):
    """Instants stay the texts that they are: they are sent as they are written."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, expression) for tag, expression in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_scenario(path: Path) -> Scenario:
    """The scenario of a file. ScenarioError."""
    try:
        text = path.read_text()
    except OSError as error:
        raise ScenarioError(
            [f"{path}: {error.strerror}: name a scenario file, or one of {', '.join(sample_names())}"]
        ) from None
    return parse_scenario(text, str(path))


def sample_names() -> list[str]:
    """Names of the scenarios that come with Farebox."""
    return sorted(path.stem for path in SAMPLES.glob("*.yaml"))


def parse_scenario(text: str, file: str) -> Scenario:
    """The scenario of a text; `file` stands before each mistake. ScenarioError."""
    try:
        written = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise ScenarioError([f"{file}: no YAML: {error}"]) from None
    reader = _Reader(file)
    scenario = reader.scenario(written)
    if reader.mistakes:
        raise ScenarioError(reader.mistakes)
    return scenario


class _Reader:
    """Reads values and notes mistakes; what is wrong is read as if it weren't there."""

    def __init__(self, file: str) -> None:
        self.mistakes: list[str] = []
        self._file = file

    def note(self, place: str, problem: str, remedy: str) -> None:
        """A mistake at a place."""
        self.mistakes.append(f"{self._file}: {place}: {problem}. {remedy}{'' if remedy.endswith('?') else '.'}")

    # --- kinds of values -------------------------------------------------------------------------------------------------

    def mapping(self, place: str, written: Any, known: Iterable[str] | None = None) -> Body:
        """A mapping; with `known`, without keys beside those."""
        if written is None:
            return {}
        if not isinstance(written, dict) or not all(isinstance(key, str) for key in written):
            self.note(place, f"{written!r} is no mapping", "Write `name: value` lines below it")
            return {}
        if known is not None:
            for key in written.keys() - set(known):
                words = f"Known are {', '.join(known)}"
                self.note(
                    f"{place}.{key}".removeprefix("scenario."), "no such field", suggestion(key, known, otherwise=words)
                )
        return written

    def items(self, place: str, written: Any) -> list[Any]:
        """A list."""
        if isinstance(written, list):
            return written
        self.note(place, f"{written!r} is no list", "Write `- item` lines below it")
        return []

    def text(self, place: str, written: Any, otherwise: str) -> str:
        """A text."""
        if isinstance(written, str):
            return written
        self.note(
            place, f"{written!r} is no text", f"Write it as {otherwise or 'text'}, in quotes where it is a number"
        )
        return otherwise

    def number(self, place: str, written: Any, low: int, high: int) -> int:
        """A whole number of a range."""
        if isinstance(written, int) and not isinstance(written, bool) and low <= written <= high:
            return written
        self.note(place, f"{written!r} is no number of {low} to {high}", "Write one that is")
        return low

    def seconds(self, place: str, written: Any) -> float:
        """Seconds above 0."""
        if isinstance(written, int | float) and not isinstance(written, bool) and 0 < written <= 3600:
            return float(written)
        self.note(place, f"{written!r} is no time", "Write seconds, above 0 and up to 3600")
        return 1.0

    # --- the file --------------------------------------------------------------------------------------------------------

    def scenario(self, written: Any) -> Scenario:
        """The whole."""
        top = self.mapping("scenario", written, _TOP)
        sequence = top.get("sequence", "counted")
        if sequence not in _SEQUENCES:
            self.note("sequence", f"{sequence!r} is none", f"Write one of {', '.join(_SEQUENCES)}")
        return Scenario(
            name=self.text("name", top.get("name", "a scenario"), "a scenario"),
            chf=self._chf(top.get("chf")),
            notify=self._notify(top.get("notify")),
            common=self._body("members", top.get("members")),
            steps=self._steps(top.get("steps")),
            is_counting=_SEQUENCES.get(sequence, True),
        )

    def _chf(self, written: Any) -> Chf:
        defaults = Chf()
        said = self.mapping("chf", written, [field.name for field in fields(Chf)])
        values: Body = {
            name: self.text(f"chf.{name}", said[name], getattr(defaults, name))
            for name in ("url", "resource", "ca", "certificate", "key")
            if name in said
        }
        if "headers" in said:
            headers = self.mapping("chf.headers", said["headers"])
            values["headers"] = {name: self.text(f"chf.headers.{name}", value, "") for name, value in headers.items()}
        if "answer_s" in said:
            values["answer_s"] = self.seconds("chf.answer_s", said["answer_s"])
        chf = Chf(**values)
        if not chf.url.startswith(("http://", "https://")):
            self.note("chf.url", f"{chf.url!r} is no address", f"Write it as {defaults.url}")
        if not chf.resource.startswith("/"):
            self.note("chf.resource", f"{chf.resource!r} is no path", f"Write it as {defaults.resource}")
        if bool(chf.certificate) != bool(chf.key):
            self.note("chf.key", "a certificate and its key come together", "Write both or neither")
        for name in ("ca", "certificate", "key"):
            file = getattr(chf, name)
            if file and not Path(file).is_file():
                self.note(f"chf.{name}", f"{file}: no such file", "Name a PEM file")
        return chf

    def _notify(self, written: Any) -> Notify:
        defaults = Notify()
        said = self.mapping("notify", written, [field.name for field in fields(Notify)])
        reports: dict[int, tuple[Body, ...]] = {}
        for index, usage in enumerate(self._usages("notify.reports", said.get("reports", []))):
            if "requestedUnit" in usage:
                self.note(f"notify.reports[{index}].requestedUnit", "a report asks for nothing", "Leave it out")
            reports[usage.get("ratingGroup", 0)] = tuple(usage.get("usedUnitContainer", ()))
        path = self.text("notify.path", said.get("path", defaults.path), defaults.path)
        if not path.startswith("/"):
            self.note("notify.path", f"{path!r} is no path", f"Write it as {defaults.path}")
        return Notify(
            host=self.text("notify.host", said.get("host", defaults.host), defaults.host),
            port=self.number("notify.port", said.get("port", defaults.port), 0, 65535),
            path=path,
            reports=reports,
        )

    # --- steps -----------------------------------------------------------------------------------------------------------

    def _steps(self, written: Any) -> tuple[Step, ...]:
        steps = [self._step(f"steps[{index}]", step) for index, step in enumerate(self.items("steps", written or []))]
        if not steps and not written:
            self.note("steps", "nothing is done", "Write at least a create and a release")
        is_open = has_asked = False
        for step in steps:
            if step.kind in _SESSION_NEEDED and not is_open:
                self.note(f"{step.place}.{step.kind}", "no session is open", "Write a create before it")
            if step.kind is Kind.CREATE and is_open:
                self.note(f"{step.place}.create", "a session is open already", "Write a release before it")
            if step.kind is Kind.REPEAT and not has_asked:
                self.note(
                    f"{step.place}.repeat", "nothing was asked that could be repeated", "Write a request before it"
                )
            if step.kind in (Kind.CREATE, Kind.RELEASE):
                is_open = step.kind is Kind.CREATE
            has_asked = has_asked or step.kind is not Kind.WAIT
        return tuple(steps)

    def _step(self, place: str, written: Any) -> Step:
        said = self.mapping(place, written, _STEP_KEYS)
        kinds = [kind for kind in Kind if kind in said]
        if len(kinds) != 1:
            problem = f"is {' and '.join(kinds)} at once" if kinds else "does nothing"
            if kinds or said.keys() <= set(_STEP_KEYS):  # else its misspelt kind was noted
                self.note(place, problem, f"Write one of {', '.join(Kind)}")
            return Step(Kind.WAIT, place)
        (kind,) = kinds
        note = self.text(f"{place}.note", said.get("note", ""), "")
        if kind is Kind.WAIT:
            for name in ("times", "expect"):
                if name in said:
                    self.note(f"{place}.{name}", "a wait has none", "Leave it out")
            return self._wait(place, said["wait"], note)
        expected = self.mapping(f"{place}.expect", said.get("expect"), ("status", "answer"))
        status = self.number(f"{place}.expect.status", expected.get("status", STATUS.get(kind, 100)), 100, 599)
        return Step(
            kind,
            place,
            body=self._body(f"{place}.{kind}", said[kind]),
            times=self.number(f"{place}.times", said.get("times", 1), 1, TIMES_MAX),
            status=0 if kind is Kind.REPEAT and "status" not in expected else status,
            answer=self._expected(f"{place}.expect.answer", expected.get("answer")),
            note=note,
        )

    def _wait(self, place: str, written: Any, note: str) -> Step:
        said = self.mapping(f"{place}.wait", written, _WAIT_KEYS)
        wait_s = self.seconds(f"{place}.wait.seconds", said.get("seconds", 10))
        notification = self.text(f"{place}.wait.notification", said.get("notification", ""), "")
        return Step(Kind.WAIT, place, note=note, wait_s=wait_s, notification=notification)

    # --- bodies ----------------------------------------------------------------------------------------------------------

    def _body(self, place: str, written: Any) -> Body:
        """Members of a request; amounts in words become numbers. Only what the simulator itself reads is checked."""
        body = dict(self.mapping(place, written))
        if body.get("multipleUnitUsage") is not None:
            body["multipleUnitUsage"] = self._usages(f"{place}.multipleUnitUsage", body["multipleUnitUsage"])
        return body

    def _usages(self, place: str, written: Any) -> list[Body]:
        return [self._usage(f"{place}[{index}]", usage) for index, usage in enumerate(self.items(place, written))]

    def _usage(self, place: str, written: Any) -> Body:
        usage = dict(self.mapping(place, written))
        if "ratingGroup" not in usage:
            self.note(f"{place}.ratingGroup", "is missing", "Say which traffic is meant, by its number")
        else:
            self.number(f"{place}.ratingGroup", usage["ratingGroup"], 0, 2**32 - 1)
        if usage.get("requestedUnit") is not None:
            asked = usage["requestedUnit"]
            usage["requestedUnit"] = self._amounts(f"{place}.requestedUnit", asked, may_be_granted=False)
        if usage.get("usedUnitContainer") is not None:
            place = f"{place}.usedUnitContainer"
            usage["usedUnitContainer"] = [
                self._amounts(f"{place}[{index}]", used, may_be_granted=True)
                for index, used in enumerate(self.items(place, usage["usedUnitContainer"]))
            ]
        return usage

    def _amounts(self, place: str, written: Any, *, may_be_granted: bool) -> Body:
        said = dict(self.mapping(place, written))
        for member in MEMBERS.keys() & said.keys():
            if said[member] is None:
                continue  # an answer that must not have it
            try:
                said[member] = amount_of(member, said[member], may_be_granted=may_be_granted)
            except AmountInvalid as error:
                self.note(f"{place}.{member}", error.problem, error.remedy)
        return said

    def _expected(self, place: str, written: Any) -> Body:
        answer = dict(self.mapping(place, written))
        information = answer.get("multipleUnitInformation")
        if information is None:
            return answer
        place = f"{place}.multipleUnitInformation"
        said = [dict(self.mapping(f"{place}[{i}]", one)) for i, one in enumerate(self.items(place, information))]
        for index, one in enumerate(said):
            if one.get("grantedUnit") is not None:
                granted = one["grantedUnit"]
                one["grantedUnit"] = self._amounts(f"{place}[{index}].grantedUnit", granted, may_be_granted=False)
        return {**answer, "multipleUnitInformation": said}
