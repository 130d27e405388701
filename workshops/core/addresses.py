"""E-mail addresses: one strict reading, one way to compare."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

MAX_EMAIL = 254


def clean_email(text: str) -> str:
    """One e-mail address as it will be written to, or ValueError with a sentence for people.

    ASCII local parts only (SMTPUTF8 is not required of anybody); nothing is asked of the network.
    """
    address = text.strip()
    sentence = "Enter an email address in the correct format, like name@example.org"
    if len(address) > MAX_EMAIL:
        raise ValueError(f"Email address must be {MAX_EMAIL} characters or fewer")
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError(sentence) from None
    if found.ascii_email is None:
        raise ValueError(sentence)
    return found.ascii_email


def email_key(address: str) -> str:
    """What addresses are compared by: trimmed, in lower case."""
    return address.strip().lower()
