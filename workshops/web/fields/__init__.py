"""Form fields that look and behave as the Scottish Government Design System asks.

`{{ form.name() }}` in a template draws the whole question (label, hint, error, field) through the
macros in templates/components; `{{ error_summary(form) }}` lists what is wrong, in the order of the
fields. What was typed is kept on every error. Sentences are for people: no "please", no "invalid".

Knows no slice. Limits and wording of a question belong to the forms that use these fields.
"""

from __future__ import annotations

from workshops.web.fields.base import MaxLength, Question, Required, component, max_length, required
from workshops.web.fields.choices import CheckboxesField, CheckboxField, FileField, RadioField, SelectField
from workshops.web.fields.dates import DateField
from workshops.web.fields.form import OPEN_TOO_LONG, Form, HiddenField
from workshops.web.fields.typed import (
    EmailField,
    NumberField,
    PasswordField,
    TextAreaField,
    TextField,
    TimeField,
    UrlField,
    is_web_address,
)

__all__ = [
    "OPEN_TOO_LONG",
    "CheckboxField",
    "CheckboxesField",
    "DateField",
    "EmailField",
    "FileField",
    "Form",
    "HiddenField",
    "MaxLength",
    "NumberField",
    "PasswordField",
    "Question",
    "RadioField",
    "Required",
    "SelectField",
    "TextAreaField",
    "TextField",
    "TimeField",
    "UrlField",
    "component",
    "is_web_address",
    "max_length",
    "required",
]
