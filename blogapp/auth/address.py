"""Members' e-mail addresses: one spelling each."""

from email_validator import EmailNotValidError, validate_email

from blogapp.core.errors import Invalid


def normalise_email(text: str) -> str:
    """The spelling that is stored and compared: small letters, an international domain as its A-label.

    Raises:
        Invalid: it is not an address that mail can be sent to. The field is `email`.
    """
    try:
        parts = validate_email(text.strip(), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        message = "Give an e-mail address like name@example.org."
        raise Invalid(message, {"email": message}) from None
    if parts.ascii_email is None:
        message = "Only plain letters, figures and signs can stand before the @."
        raise Invalid(message, {"email": message})
    return parts.ascii_email.lower()
