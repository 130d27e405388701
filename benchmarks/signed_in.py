"""Prints the cookie of an organiser who is signed in to this instance, for pages that only staff see.

    python -m benchmarks.signed_in
"""

from __future__ import annotations

from datetime import UTC, datetime

from tests.factories import make_account, sign_in
from workshops.accounts.queries import account_by_email
from workshops.app import create_app
from workshops.core.db import db

EMAIL = "measured-organiser@example.org"


def main() -> None:
    """Make the account, sign it in, print NAME=VALUE."""
    app = create_app()
    with app.app_context():
        session, now = db.session(), datetime.now(UTC)
        account = account_by_email(session, EMAIL) or make_account(session, role="organiser", email=EMAIL, now=now)
        client = app.test_client()
        sign_in(session, client, account, now=now)
        cookie = client.get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert cookie is not None
        print(f"{cookie.key}={cookie.value}")


if __name__ == "__main__":
    main()
