"""What can be wrong with a Diameter message, with the Result-Code and the Failed-AVP that say so to the peer."""


class DiameterError(Exception):
    """The base of the package's errors."""


class PeerError(DiameterError):
    """The peer's message is wrong; it is answered with `result_code`.

    failed_avp      octets of the AVP to name, with its header; b"" where none is at fault
    ends            the connection can't go on after the answer
    """

    def __init__(self, result_code: int, reason: str, failed_avp: bytes = b"", *, ends: bool = False) -> None:
        self.result_code = result_code
        self.failed_avp = failed_avp
        self.ends = ends
        super().__init__(f"{reason} ({result_code})")


class GyConfigError(DiameterError, ValueError):
    """The settings contradict themselves; one line a mistake, each naming the field and the remedy."""
