"""What stands in the log when something goes wrong: where, and never whose."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.factories import make_account
from workshops.accounts.models import Account
from workshops.web.errors import _unexpected


def test_an_error_of_the_database_names_nobody_in_the_log(
    app: Flask, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    make_account(session, email="zaphira@example.org", name="Zaphira")
    twin = Account(email="zaphira@example.org", email_key="zaphira@example.org", name="Zaphira", role="viewer",
                   is_active=True, created_at=session.query(Account.created_at).scalar())  # fmt: skip
    session.add(twin)
    with app.test_request_context("/"), pytest.raises(DBAPIError) as caught:
        session.flush()
    with app.test_request_context("/"):
        answer = _unexpected(caught.value)
    assert answer.status_code == 500  # type: ignore[union-attr]
    said = caplog.text.lower()
    assert "error" in said and "test_errors.py" in said
    assert "zaphira" not in said
