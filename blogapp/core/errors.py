"""What a use case raises when it cannot do what it was asked.

One handler in `app.py` turns these into a page, and the command line turns them into one line on stderr.
"""

from collections.abc import Mapping


class BlogError(Exception):
    """A refusal that a person can understand. `str(error)` is the sentence to show."""

    status = 400
    title = "That did not work"


class NotFound(BlogError):
    """There is no such thing, or the asker may not know that there is."""

    status = 404
    title = "Not found"


class Gone(BlogError):
    """It was public once and has been taken away for good."""

    status = 410
    title = "Gone"


class NotAllowed(BlogError):
    """The asker is known, and may not do this."""

    status = 403
    title = "Not allowed"


class Conflict(BlogError):
    """Somebody else was faster; nothing was changed and nothing is lost."""

    status = 409
    title = "Somebody else was faster"


class Invalid(BlogError):
    """Something in the input is wrong. `fields` maps a field's name to what is wrong with it."""

    status = 422
    title = "Something is missing or wrong"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class TooMany(BlogError):
    """The same was asked too often. `retry_after` is in seconds."""

    status = 429
    title = "Too many tries"

    def __init__(self, message: str, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(BlogError):
    """Something that this needs does not answer just now: a store of files."""

    status = 503
    title = "Not at hand just now"


class BadSetting(BlogError):
    """A setting stops the start; the message names it and what it should be."""


class OldSchema(BlogError):
    """The database was made by another version of the program; the message says what to run."""

    status = 503
    title = "The database has to be upgraded"
