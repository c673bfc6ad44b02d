"""The package's errors: PeerError is the peer's mistake and says what to answer, the others are ours."""


class DiameterError(Exception):
    """The base of the package's errors."""


class PeerError(DiameterError):
    """The peer's message is wrong; it is answered with `result_code`.

    failed_avp   octets of the AVP to name, with its header; b"" where none is at fault
    """

    def __init__(self, result_code: int, reason: str, failed_avp: bytes = b"") -> None:
        self.result_code = result_code
        self.reason = reason
        self.failed_avp = failed_avp
        super().__init__(f"{reason} ({result_code})")


class LocalError(DiameterError):
    """We asked for what can't be: a value that its AVP can't hold, or an event that has no place in a state."""


class GyConfigError(DiameterError, ValueError):
    """The settings contradict themselves; one line a mistake, each naming the field and the remedy."""
