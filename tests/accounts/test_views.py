"""Signing in, one-time links and staff accounts, as a browser sees them."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.factories import make_account
from workshops.accounts import queries, rules, service
from workshops.accounts.models import Account, AccountLink, SignIn
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.messages.models import OutboxMessage
from workshops.messages.service import unsealed_links

GOOD = "umbrella-granite-violin"


@pytest.fixture
def member(session: Session, clock: Any) -> Account:
    """Somebody with a password."""
    account = make_account(session, email="mairi@example.org", name="Màiri Example")
    account.password_hash = service.hash_password(GOOD)
    session.commit()
    return account


def link_for(account: Account, purpose: str, settings: Settings, clock: Any) -> str:
    account_id = account.id
    with transaction() as session:
        found = queries.account_by_id(session, account_id)
        assert found is not None
        address = service.make_link(session, account=found, purpose=purpose, now=clock.now, settings=settings)
    return address.removeprefix(settings.base_url)


def sign_in(client: Any, email: str = "mairi@example.org", password: str = GOOD, **more: Any) -> Any:
    return client.send("/staff/sign-in", {"email": email, "password": password, **more})


def heading(response: Any) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", response.text, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""


def raw_cookie(client: Any) -> str:
    cookie = client.get_cookie("session")
    return cookie.value if cookie else ""


# --- sign in -------------------------------------------------------------------------------------------------


def test_signing_in_leads_to_my_events(client: Any, member: Account) -> None:
    page = client.get("/staff/sign-in")
    assert page.status_code == 200
    assert heading(page) == "Staff sign in"
    assert 'autocomplete="username"' in page.text
    assert 'autocomplete="current-password"' in page.text
    answer = sign_in(client)
    assert (answer.status_code, answer.location) == (303, "/staff/")
    assert client.get("/staff/account").status_code == 200


def test_every_failure_says_the_same(client: Any, session: Session, member: Account) -> None:
    make_account(session, email="invited@example.org")
    closed = make_account(session, email="closed@example.org")
    closed.password_hash, closed.is_active = service.hash_password(GOOD), False
    session.commit()
    tries = [
        ("mairi@example.org", "wrong-granite-violin"),
        ("nobody@example.org", GOOD),
        ("invited@example.org", GOOD),
        ("closed@example.org", GOOD),
    ]
    pages = []
    for email, password in tries:
        answer = sign_in(client, email, password)
        assert answer.status_code == 422
        assert rules.SIGN_IN_FAILED in answer.text
        assert "<title>Error: " in answer.text
        body = answer.text.replace(email, "EMAIL")
        pages.append(re.sub(r'name="csrf_token" value="[^"]+"', "", body))
        assert password not in answer.text
    assert len(set(pages)) == 1


def test_blank_fields_are_named(client: Any) -> None:
    answer = sign_in(client, "", "")
    assert answer.status_code == 422
    assert "Enter your email address" in answer.text
    assert "Enter your password" in answer.text


def test_too_many_failures_get_words_and_a_time(client: Any, member: Account, change_settings: Any) -> None:
    change_settings(rate_limits=True)
    for _ in range(5):
        assert sign_in(client, password="wrong-granite-violin").status_code == 422
    answer = sign_in(client)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert heading(answer)


def test_a_session_from_before_sign_in_is_worth_nothing_after(client: Any, member: Account) -> None:
    client.get("/staff/sign-in")
    with client.session_transaction() as cookie:
        cookie["planted"] = "by somebody else"
    before = raw_cookie(client)
    sign_in(client)
    assert raw_cookie(client) != before
    with client.session_transaction() as cookie:
        assert "planted" not in cookie


def test_a_sign_in_from_another_site_or_without_token_is_not_taken(client: Any, member: Account) -> None:
    bare = client.post("/staff/sign-in", data={"email": "mairi@example.org", "password": GOOD})
    assert bare.status_code == 422
    assert 'value="mairi@example.org"' in bare.text
    assert GOOD not in bare.text
    cross = client.send(
        "/staff/sign-in",
        {"email": "mairi@example.org", "password": GOOD},
        headers={"Sec-Fetch-Site": "cross-site"},
    )
    assert cross.status_code == 403
    assert client.get("/staff/account").status_code == 303


@pytest.mark.parametrize("onward", ["/staff/account", "/staff/account?a=b"])
def test_after_sign_in_one_goes_on_to_where_one_was_going(client: Any, member: Account, onward: str) -> None:
    sent_away = client.get(onward)
    assert sent_away.status_code == 303
    assert sent_away.location.startswith("/staff/sign-in?next=/staff/account")
    page = client.get(sent_away.location)
    kept = re.search(r'name="next" value="([^"]*)"', page.text)
    assert kept is not None
    assert kept[1] == onward
    assert sign_in(client, next=onward).location == onward


@pytest.mark.parametrize(
    "onward", ["//evil.example.org", "/\\evil", "https:evil", "/%09/evil", "/..//evil", "javascript:x"]
)
def test_nobody_is_sent_to_another_site(client: Any, member: Account, onward: str) -> None:
    assert "evil" not in client.get("/staff/sign-in", query_string={"next": onward}).text
    assert sign_in(client, next=onward).location == "/staff/"
    # signed in already: the same
    assert client.get("/staff/sign-in", query_string={"next": onward}).location == "/staff/"


def test_signing_out_ends_the_row_and_clears_the_browser(client: Any, session: Session, member: Account) -> None:
    sign_in(client)
    stolen = raw_cookie(client)
    answer = client.send("/staff/sign-out")
    assert (answer.status_code, answer.location) == (303, "/staff/sign-in")
    assert '"cache"' in answer.headers["Clear-Site-Data"]
    session.rollback()
    assert session.scalars(select(SignIn)).one().ended_at is not None
    client.set_cookie("session", stolen)
    assert client.get("/staff/account").status_code == 303


def test_signing_out_twice_is_signing_out(client: Any, app: Any) -> None:
    assert client.send("/staff/sign-out").location == "/staff/sign-in"
    assert "You are signed out." in client.get("/staff/sign-in").text


def test_a_get_does_not_sign_out(client: Any, member: Account) -> None:
    sign_in(client)
    assert client.get("/staff/sign-out").status_code == 405
    assert client.get("/staff/account").status_code == 200


def test_a_sign_in_ends_after_two_hours_without_use(client: Any, member: Account, clock: Any) -> None:
    sign_in(client)
    for _ in range(3):
        clock.advance(hours=1, minutes=59)
        assert client.get("/staff/account").status_code == 200
    clock.advance(hours=2)
    assert client.get("/staff/account").status_code == 303


def test_a_sign_in_ends_after_twelve_hours_in_any_case(client: Any, member: Account, clock: Any) -> None:
    sign_in(client)
    for _ in range(11):
        clock.advance(hours=1)
        assert client.get("/staff/account").status_code == 200
    clock.advance(hours=1)
    assert client.get("/staff/account").status_code == 303


def test_the_last_use_is_written_once_a_minute_at_most(staff: Callable[..., Any], session: Session, clock: Any) -> None:
    browser = staff("viewer")
    begun = clock.now
    seen = []
    for _ in range(5):
        browser.get("/staff/account")
        session.rollback()
        seen.append(session.scalars(select(SignIn.last_seen_at)).one())
        clock.advance(seconds=30)
    assert [(instant - begun).total_seconds() for instant in seen] == [0, 0, 60, 60, 120]


def test_pages_behind_sign_in_are_kept_by_nobody(staff: Callable[..., Any]) -> None:
    answer = staff("viewer").get("/staff/account")
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.full
def test_unknown_and_known_addresses_take_the_same_time(client: Any, member: Account) -> None:
    sign_in(client, "nobody@example.org", "wrong-granite-violin")
    times: dict[str, list[float]] = {"mairi@example.org": [], "nobody@example.org": []}
    # in turn, so that what else the machine does falls on both alike
    for _ in range(60):
        for email, taken in times.items():
            begun = time.perf_counter()
            sign_in(client, email, "wrong-granite-violin")
            taken.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert abs(known - unknown) < max(0.010, 0.25 * known)


# --- forgotten password --------------------------------------------------------------------------------------


def test_forgotten_password_answers_the_same_for_everybody(client: Any, session: Session, member: Account) -> None:
    answers = []
    for email in ("mairi@example.org", "nobody@example.org"):
        answer = client.send("/staff/forgotten-password", {"email": email})
        assert answer.status_code == 303
        answers.append(client.get(answer.location).text)
    assert answers[0] == answers[1]
    assert "If there is an account for that address, we have sent a link." in answers[0]
    session.rollback()
    assert [message.to_email for message in session.scalars(select(OutboxMessage))] == ["mairi@example.org"]


def test_forgotten_password_five_times_an_hour(client: Any, member: Account, change_settings: Any, clock: Any) -> None:
    change_settings(rate_limits=True)
    for email in ("mairi@example.org", "nobody@example.org"):
        for _ in range(5):
            assert client.send("/staff/forgotten-password", {"email": email}).status_code == 303
        assert client.send("/staff/forgotten-password", {"email": email}).status_code == 429
    clock.advance(hours=1)
    assert client.send("/staff/forgotten-password", {"email": "mairi@example.org"}).status_code == 303


def test_the_mailed_link_sets_a_new_password(
    client: Any, session: Session, member: Account, settings: Settings
) -> None:
    client.send("/staff/forgotten-password", {"email": "mairi@example.org"})
    session.rollback()
    links = unsealed_links(session.scalars(select(OutboxMessage)).one(), settings=settings)
    assert links is not None
    path = links["account"].removeprefix(settings.base_url)
    assert heading(client.get(path)) == "Choose a new password"
    weak = client.send(path, {"password": "Password123!"})
    assert weak.status_code == 422
    assert "easy to guess" in weak.text
    assert client.send(path, {"password": "velvet-otter-lantern"}).location == "/staff/"
    assert client.get("/staff/account").status_code == 200
    client.send("/staff/sign-out")
    assert sign_in(client, password=GOOD).status_code == 422
    assert sign_in(client, password="velvet-otter-lantern").status_code == 303


# --- links ---------------------------------------------------------------------------------------------------


def test_looking_at_a_link_changes_nothing(
    client: Any, session: Session, member: Account, settings: Settings, clock: Any
) -> None:
    paths = [link_for(member, purpose, settings, clock) for purpose in rules.LINK_LIFE]
    for path in paths:
        for _ in range(5):
            page = client.get(path)
            assert page.status_code == 200
            assert '<form method="post"' in page.text
            assert page.headers["Referrer-Policy"] == "no-referrer"
            assert "no-store" in page.headers["Cache-Control"]
            assert client.head(path).status_code == 200
            assert client.options(path).status_code == 200
    session.rollback()
    assert all(link.used_at is None for link in session.scalars(select(AccountLink)))
    assert session.scalars(select(SignIn)).all() == []


def test_an_invitation_asks_for_name_and_password(
    client: Any, session: Session, settings: Settings, clock: Any
) -> None:
    account = make_account(session, email="new@example.org", name="")
    path = link_for(account, "invitation", settings, clock)
    page = client.get(path)
    assert heading(page) == "Set up your account"
    assert 'autocomplete="new-password"' in page.text
    blank = client.send(path, {"name": "", "password": ""})
    assert blank.status_code == 422
    assert "Enter your name" in blank.text
    assert "Enter a password" in blank.text
    own = client.send(path, {"name": "Ailsa", "password": "new@example.org 1"})
    assert own.status_code == 422
    assert 'value="Ailsa"' in own.text
    assert client.send(path, {"name": "Ailsa", "password": GOOD, "role": "admin"}).location == "/staff/"
    session.rollback()
    found = queries.account_by_email(session, "new@example.org")
    assert found is not None
    assert (found.name, found.role) == ("Ailsa", "organiser")


def test_a_demonstration_link_is_one_button(client: Any, member: Account, settings: Settings, clock: Any) -> None:
    path = link_for(member, "demonstration", settings, clock)
    assert heading(client.get(path)) == "Sign in to the demonstration"
    assert client.send(path).location == "/staff/"
    assert client.get("/staff/account").status_code == 200
    again = client.send(path)
    assert again.status_code == 410
    assert heading(again) == "This link no longer works"


def test_a_used_or_old_link_says_so(client: Any, member: Account, settings: Settings, clock: Any) -> None:
    path = link_for(member, "new_password", settings, clock)
    clock.advance(hours=1)
    for answer in (client.get(path), client.send(path, {"password": GOOD})):
        assert answer.status_code == 410
        assert heading(answer) == "This link no longer works"


@pytest.mark.parametrize("token", ["x", "A" * 43])
def test_an_unknown_link_is_not_found(client: Any, app: Any, token: str) -> None:
    assert client.get(f"/staff/link/{token}").status_code == 404
    assert client.send(f"/staff/link/{token}", {"password": GOOD}).status_code == 404


def test_a_link_form_open_too_long_comes_back_filled(
    client: Any, session: Session, settings: Settings, clock: Any
) -> None:
    path = link_for(make_account(session, name=""), "invitation", settings, clock)
    answer = client.post(path, data={"name": "Ailsa", "password": GOOD})
    assert answer.status_code == 422
    assert 'value="Ailsa"' in answer.text
    assert GOOD not in answer.text


def test_the_command_lines_link_works(client: Any, app: Any, settings: Settings, clock: Any) -> None:
    with transaction() as session:
        link = service.create_account(
            session, email="first@example.org", role="admin", now=clock.now, actor=COMMAND, settings=settings
        ).link
    client.send(link.removeprefix(settings.base_url), {"name": "First", "password": GOOD})
    assert client.get("/staff/accounts").status_code == 200


# --- one's own account ---------------------------------------------------------------------------------------


def test_changing_the_password_signs_out_the_others_and_not_this_one(app: Any, client: Any, member: Account) -> None:
    other = app.test_client()
    sign_in(client)
    sign_in(other)
    fields = {"change": "password", "current_password": GOOD, "password": "velvet-otter-lantern"}
    before = raw_cookie(client)
    assert client.send("/staff/account", fields).status_code == 303
    assert raw_cookie(client) != before
    assert "Your new password is set" in client.get("/staff/account").text
    assert other.get("/staff/account").status_code == 303


def test_changing_the_password_asks_for_the_current_one(client: Any, member: Account, change_settings: Any) -> None:
    change_settings(rate_limits=True)
    sign_in(client)
    fields = {"change": "password", "current_password": "wrong", "password": "velvet-otter-lantern"}
    for _ in range(5):
        answer = client.send("/staff/account", fields)
        assert answer.status_code == 422
        assert "Your current password is not right" in answer.text
        assert "velvet" not in answer.text
    assert client.send("/staff/account", fields).status_code == 429
    assert client.send("/staff/account", {"change": "password"}).status_code == 422


def test_changing_ones_name(client: Any, session: Session, member: Account) -> None:
    sign_in(client)
    assert client.send("/staff/account", {"change": "name", "name": ""}).status_code == 422
    assert client.send("/staff/account", {"change": "name", "name": "Màiri\r\nNew"}).status_code == 303
    session.rollback()
    assert session.scalars(select(Account.name)).one() == "Màiri New"


def test_ending_another_sign_in_of_mine(app: Any, client: Any, session: Session, member: Account) -> None:
    other = app.test_client()
    sign_in(other)
    sign_in(client)
    page = client.get("/staff/account")
    paths = re.findall(r'action="(/staff/account/sign-ins/\d+/end)"', page.text)
    assert len(paths) == 1
    assert client.send(paths[0]).status_code == 303
    assert other.get("/staff/account").status_code == 303
    assert client.get("/staff/account").status_code == 200


def test_ending_all_other_sign_ins(app: Any, client: Any, member: Account) -> None:
    others = [app.test_client() for _ in range(2)]
    for other in others:
        sign_in(other)
    sign_in(client)
    assert client.send("/staff/account/end-other-sign-ins").status_code == 303
    assert [other.get("/staff/account").status_code for other in others] == [303, 303]
    assert client.get("/staff/account").status_code == 200


def test_nobody_ends_somebody_elses_sign_in(staff: Callable[..., Any], session: Session) -> None:
    staff("viewer")
    theirs = session.scalars(select(SignIn.id)).one()
    session.rollback()
    assert staff("admin").send(f"/staff/account/sign-ins/{theirs}/end").status_code == 404


# --- staff accounts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "facilitator", "organiser"])
def test_only_admins_see_the_accounts(staff: Callable[..., Any], role: str) -> None:
    browser = staff(role)
    account_id = browser.account_id
    for path in ("/staff/accounts", "/staff/accounts/invite", f"/staff/accounts/{account_id}"):
        assert browser.get(path).status_code == 403
    fields = {"name": "", "role": "admin", "is_active": "yes"}
    assert browser.send(f"/staff/accounts/{account_id}", fields).status_code == 403
    assert browser.send(f"/staff/accounts/{account_id}/send-link").status_code == 403
    assert browser.send(f"/staff/accounts/{account_id}/end-sign-ins").status_code == 403


def test_an_admin_invites_by_mail(staff: Callable[..., Any], session: Session) -> None:
    admin = staff("admin", name="Example Admin")
    assert admin.get("/staff/accounts/invite").status_code == 200
    fields = {"email": "new@example.org", "name": "", "role": "facilitator"}
    assert admin.send("/staff/accounts/invite", fields).location == "/staff/accounts"
    page = admin.get("/staff/accounts").text
    assert "An invitation is on its way to new@example.org." in page
    assert "Invited" in page
    session.rollback()
    message = session.scalars(select(OutboxMessage)).one()
    assert message.to_email == "new@example.org"
    assert "Example Admin" in message.body_text
    again = admin.send("/staff/accounts/invite", fields)
    assert again.status_code == 422
    assert "There is already an account" in again.text
    assert 'value="new@example.org"' in again.text


@pytest.mark.parametrize(
    "fields",
    [
        {"email": "new@example.org"},
        {"email": "new@example.org", "role": "root"},
        {"email": "a@b@example.org", "role": "viewer"},
        {"role": "viewer"},
    ],
)
def test_an_incomplete_invitation_comes_back(staff: Callable[..., Any], session: Session, fields: Any) -> None:
    assert staff("admin").send("/staff/accounts/invite", fields).status_code == 422
    session.rollback()
    assert session.scalars(select(OutboxMessage)).all() == []


def test_a_changed_role_takes_effect_at_the_next_click(staff: Callable[..., Any]) -> None:
    admin, other = staff("admin"), staff("admin")
    assert other.get("/staff/accounts").status_code == 200
    fields = {"name": "Other", "role": "viewer", "is_active": "yes"}
    assert admin.send(f"/staff/accounts/{other.account_id}", fields).status_code == 303
    assert other.get("/staff/accounts").status_code == 403
    assert admin.send(f"/staff/accounts/{other.account_id}", {**fields, "is_active": "no"}).status_code == 303
    assert other.get("/staff/account").status_code == 303


def test_an_admin_cannot_lock_themselves_out(staff: Callable[..., Any]) -> None:
    admin = staff("admin")
    path = f"/staff/accounts/{admin.account_id}"
    for change in ({"role": "viewer", "is_active": "yes"}, {"role": "admin", "is_active": "no"}):
        answer = admin.send(path, {"name": "Me", **change})
        assert answer.status_code == 422
        assert "You cannot change your own role" in answer.text
    assert admin.send(path, {"name": "Me", "role": "admin", "is_active": "yes"}).status_code == 303


def test_an_admin_sends_a_new_link_and_signs_somebody_out(
    staff: Callable[..., Any], session: Session, clock: Any
) -> None:
    admin, other = staff("admin"), staff("viewer")
    path = f"/staff/accounts/{other.account_id}"
    assert admin.get(path).status_code == 200
    assert admin.send(f"{path}/send-link").status_code == 303
    session.rollback()
    assert session.scalars(select(OutboxMessage.kind)).one() == "accounts/invitation"
    assert admin.send(f"{path}/end-sign-ins").status_code == 303
    assert other.get("/staff/account").status_code == 303
    assert admin.get("/staff/accounts/999999").status_code == 404
    assert admin.send("/staff/accounts/999999/send-link").status_code == 404
    assert admin.send("/staff/accounts/999999/end-sign-ins").status_code == 404


def test_names_are_escaped_everywhere(staff: Callable[..., Any]) -> None:
    admin = staff("admin", name="<script>alert(1)</script>")
    for path in ("/staff/accounts", f"/staff/accounts/{admin.account_id}", "/staff/account"):
        page = admin.get(path).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;" in page


def test_tables_tell_when(staff: Callable[..., Any], clock: Any) -> None:
    admin = staff("admin")
    clock.now += timedelta(seconds=30)
    page = admin.get("/staff/accounts").text
    assert "1 March 2027" in page
