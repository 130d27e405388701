"""The forms of sign-in and staff accounts."""

from __future__ import annotations

from typing import Any

from wtforms.validators import StopValidation

from workshops.accounts import password_rules, rules
from workshops.web.fields import (
    CheckboxField,
    EmailField,
    Form,
    HiddenField,
    PasswordField,
    RadioField,
    TextField,
    max_length,
    required,
)

ROLE_CHOICES = [(role, role.capitalize()) for role in rules.ROLES]
ROLE_HINTS = {role: words[0].upper() + words[1:] + "." for role, words in rules.ROLE_WORDS.items()}


class GoodPassword:
    """The password must be one that is taken; form.email_for_password says whose it is."""

    def __call__(self, form: Any, field: Any) -> None:
        problem = password_rules.password_problem(field.data, email=form.email_for_password)
        if problem is not None:
            raise StopValidation(problem)


class SignInForm(Form):
    """Address and password, and where to go on to."""

    email = EmailField("Email address", [required("Enter your email address")], autocomplete="username")
    password = PasswordField("Password", [required("Enter your password")])
    next = HiddenField()


class ForgottenPasswordForm(Form):
    """Whose password."""

    email = EmailField("Email address", [required("Enter your email address")], autocomplete="username")


class _WithNewPassword(Form):
    #: The address of the account that the password is for; the view sets it before validation.
    email_for_password: str = ""


def _new_password_field(label: str) -> PasswordField:
    return PasswordField(
        label,
        [required("Enter a password"), GoodPassword()],
        hint=password_rules.HINT,
        autocomplete="new-password",
    )


class InvitationForm(_WithNewPassword):
    """What somebody invited says about themselves."""

    name = TextField("Your name", [required("Enter your name"), max_length(rules.MAX_NAME)], autocomplete="name")
    password = _new_password_field("Password")


class NewPasswordForm(_WithNewPassword):
    """A password chosen by link."""

    password = _new_password_field("New password")


class ButtonForm(Form):
    """Only a button."""


class NameForm(Form):
    """One's own name."""

    name = TextField("Your name", [required("Enter your name"), max_length(rules.MAX_NAME)], autocomplete="name")


class CalendarForm(Form):
    """Whether the events one runs come into one's own calendar."""

    calendar_invitations = CheckboxField(
        "Send me the events I run as invitations for my calendar",
        hint="Also when their time or place changes, when they are cancelled, and when I no longer run them. "
        "If you turn this off, what is in your calendar stays there and no longer follows.",
    )


class ChangePasswordForm(_WithNewPassword):
    """A new password instead of the current one."""

    current_password = PasswordField("Current password", [required("Enter your current password")])
    password = _new_password_field("New password")


class InviteForm(Form):
    """Whom to let in, as what."""

    email = EmailField("Email address", [required("Enter their email address")], autocomplete="off")
    name = TextField("Name", [max_length(rules.MAX_NAME)], hint="They can write it themselves.", autocomplete="off")
    role = RadioField(
        "What may they do?", [required("Choose what they may do")], choices=ROLE_CHOICES, hints=ROLE_HINTS
    )


class AccountForm(Form):
    """Somebody's name, role, and whether they may sign in."""

    name = TextField("Name", [max_length(rules.MAX_NAME)], autocomplete="off")
    role = RadioField(
        "What may they do?", [required("Choose what they may do")], choices=ROLE_CHOICES, hints=ROLE_HINTS
    )
    sees_needs = RadioField(
        "May they read access and food needs?",
        [required("Choose whether they may read access and food needs")],
        choices=[("yes", "Yes, of people at the events they run"), ("no", "No")],
        hints={"yes": "Each look at names is written down. Somebody who only reads never sees needs."},
    )
    is_active = RadioField(
        "May they sign in?",
        [required("Choose whether they may sign in")],
        choices=[("yes", "Yes"), ("no", "No, close the account")],
        hints={"no": "They are signed out everywhere at once. What they did stays in the history."},
    )
