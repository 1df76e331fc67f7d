"""Members' e-mail addresses: one spelling each."""

from email_validator import EmailNotValidError, validate_email

from blogapp.core.errors import Invalid

# RFC 5321 §4.5.3.1: 64 before the @, 255 after it. A longer text would only take long to look at.
MAX_TYPED = 320


def normalise_email(text: str) -> str:
    """The spelling that is stored and compared: small letters, an international domain as its A-label.

    Raises:
        Invalid: it is not an address that mail can be sent to. The field is `email`.
    """
    if len(text) > MAX_TYPED:
        raise _wrong("That is longer than an address can be (254 characters).")
    try:
        parts = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise _wrong("Give an e-mail address like name@example.org.") from None
    if parts.ascii_email is None:
        raise _wrong("Only plain letters, figures and signs can stand before the @.")
    return parts.ascii_email.lower()


def _wrong(message: str) -> Invalid:
    return Invalid(message, {"email": message})
