"""`farebox` and words, within this process: the command is made once, which takes longer than most of what it does."""

import functools
from collections.abc import Mapping

from typer import testing

from runtime.cli.main import build

Result = testing.Result
whole_command = functools.cache(build)
"""The command with all its groups."""
testing._get_command = functools.cache(testing._get_command)  # the runner would make each part of it anew each time


def typed(*words: str, answer: str = "", env: Mapping[str, str | None] | None = None) -> Result:
    """What came of it; what a command didn't expect is raised."""
    result = testing.CliRunner(env=env).invoke(whole_command(), list(words), input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
