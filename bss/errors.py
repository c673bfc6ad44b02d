"""What an operation of the business side may refuse with. Each names the field and the remedy; edges translate them."""


class BusinessError(Exception):
    """Nothing was done. `field` is where in what was asked, `reason` what is wrong, `remedy` what to do about it."""

    def __init__(self, field: str, reason: str, remedy: str) -> None:
        super().__init__(f"{field}: {reason}. {remedy}")
        self.field = field
        self.reason = reason
        self.remedy = remedy


class Invalid(BusinessError):
    """A value that can't be."""


class NotFound(BusinessError):
    """What is named isn't there, or is another tenant's."""


class Conflict(BusinessError):
    """What is asked contradicts what is."""


class Stale(BusinessError):
    """It was changed meanwhile: the revision that the caller saw is not the one in force."""


class IdempotencyKeyReused(BusinessError):
    """The key stands for another request already."""
