"""The form itself: errors in order, nothing typed is lost, and the CSRF token said in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wtforms
from flask import request
from flask_wtf import FlaskForm
from flask_wtf.form import _Auto
from markupsafe import Markup
from werkzeug.datastructures import CombinedMultiDict

from workshops.core.text import clean_text
from workshops.web.fields.base import component

OPEN_TOO_LONG = "This page was open for too long. Check your answers and send them again."


class HiddenField(wtforms.HiddenField):
    """Sent with the form and not shown; hidden_fields(form) draws it."""

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        typed = next((value for value in valuelist if isinstance(value, str)), None)
        if typed is not None:
            self.data = clean_text(typed)


class Form(FlaskForm):
    """The base of every form.

    A missing or old CSRF token is an error of the whole form: all answers stay, and the page shown again
    carries a new token. (The view declares `@access(..., keeps_typed=True)`.)
    """

    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            # Flask-WTF takes an empty POST for a form not sent, and JSON for a form; neither is so here.
            if formdata is _Auto and form.is_submitted():
                return CombinedMultiDict((request.files, request.form))
            return super().wrap_formdata(form, formdata)

    def sent_values(self) -> Any:
        """What was sent, for fields that are made after the form; None when nothing was."""
        return self.meta.wrap_formdata(self, _Auto)

    def validate(self, extra_validators: Any = None) -> bool:
        """Check all fields, each one error at most, and the CSRF token."""
        fits = bool(super().validate(extra_validators))
        token = self._fields.get("csrf_token")
        if token is not None and token.errors:
            token.errors = []
            self.add_error(OPEN_TOO_LONG)
        return fits and not self.form_errors

    def add_error(self, sentence: str, field: str | None = None) -> None:
        """Say what is wrong from outside (a domain error), at a field or, without one, at the whole form."""
        if field is not None and field in self._fields:
            self._fields[field].errors = [sentence, *self._fields[field].errors]
        elif sentence not in self.form_errors:
            self.form_errors.append(sentence)

    def error_list(self) -> list[tuple[str, str]]:
        """What is wrong, as (id to link to, sentence): the whole form first, then field by field."""
        found = [("", str(sentence)) for sentence in self.form_errors]
        found += [(getattr(field, "anchor", field.id), str(field.errors[0])) for field in self if field.errors]
        return found

    def hidden_values(self) -> list[tuple[str, str]]:
        """(name, value) of what is sent and not shown, the CSRF token included."""
        return [(field.name, field._value()) for field in self if isinstance(field, wtforms.HiddenField)]

    def hidden_fields(self) -> Markup:
        """The hidden fields as HTML: `{{ form.hidden_fields() }}`."""
        return component("hidden_fields")(self)
