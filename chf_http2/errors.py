"""What is wrong with settings or requests of the 5G front end."""

from chf_http2.schema import ProblemDetails


class ChfConfigError(ValueError):
    """Settings of [chf] that can't be; a line a fault, each beginning with the name of the setting."""


class RequestRefused(Exception):
    """A request that no row is made of; `problem` says why, `headers` are those beside the body."""

    def __init__(self, problem: ProblemDetails, *headers: tuple[str, str]) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.headers = headers
