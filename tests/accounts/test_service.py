"""Accounts, links, passwords and sign-ins, on both engines with real commits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.factories import make_account
from workshops.accounts import queries, rules, service
from workshops.accounts.models import Account, AccountLink, SignIn
from workshops.audit.models import AuditEntry
from workshops.audit.rules import COMMAND, Actor, staff
from workshops.config import Settings
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError, NotFound
from workshops.messages.models import OutboxMessage
from workshops.messages.service import unsealed_links
from workshops.web.rate_limits import RateCounter

GOOD = "umbrella-granite-violin"


@pytest.fixture
def create(settings: Settings, clock: Any) -> Callable[..., str]:
    """Makes an account; returns the token of its invitation."""

    def made(email: str = "mairi@example.org", role: str = "organiser", **more: Any) -> str:
        with transaction() as session:
            created = service.create_account(
                session, email=email, role=role, now=clock.now, actor=COMMAND, settings=settings, **more
            )
            return created.link.rpartition("/")[2]

    return made


def accept(token: str, clock: Any, password: str = GOOD, name: str = "Màiri") -> str:
    with transaction() as session:
        return service.accept_invitation(
            session,
            token=token,
            name=name,
            password_hash=service.hash_password(password),
            browser="test",
            now=clock.now,
        )


def the_account(session: Session, email: str = "mairi@example.org") -> Account:
    session.rollback()
    found = queries.account_by_email(session, email)
    assert found is not None
    return found


# --- making accounts -----------------------------------------------------------------------------------------


def test_a_new_account_has_no_password_and_a_link(session: Session, settings: Settings, clock: Any) -> None:
    with transaction() as writing:
        made = service.create_account(
            writing, email=" Mairi@Example.org ", role="admin", now=clock.now, actor=COMMAND, settings=settings
        )
        link = made.link
    account = the_account(session)
    assert (account.role, account.password_hash, account.is_active) == ("admin", None, True)
    assert link.startswith("http://localhost/staff/link/")
    stored = session.scalars(select(AccountLink)).one()
    assert stored.token_hash not in link
    assert link.rpartition("/")[2] not in stored.token_hash
    assert stored.expires_at - clock.now == timedelta(days=7)
    assert session.scalars(select(OutboxMessage)).all() == []
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.actor_kind, entry.subject_id) == ("account_created", "command", account.id)


def test_one_account_an_address(create: Callable[..., str]) -> None:
    create("mairi@example.org")
    with pytest.raises(rules.AlreadyThere) as refused:
        create("MAIRI@example.org")
    assert refused.value.field == "email"


@pytest.mark.parametrize("email", ["a@b@c.org", "", "a@example.org\r\nBcc: b@example.org"])
def test_a_bad_address_makes_no_account(session: Session, create: Callable[..., str], email: str) -> None:
    with pytest.raises(ValueError, match="address"):
        create(email)
    assert session.scalars(select(Account)).all() == []


def test_an_invitation_is_mailed_with_its_link_sealed(session: Session, settings: Settings, clock: Any) -> None:
    with transaction() as writing:
        service.invite(
            writing,
            email="mairi@example.org",
            role="facilitator",
            invited_by="Example Admin",
            now=clock.now,
            actor=staff(1),
            settings=settings,
        )
    session.rollback()
    message = session.scalars(select(OutboxMessage)).one()
    assert (message.kind, message.to_email) == ("accounts/invitation", "mairi@example.org")
    assert "Example Admin has made an account for you" in message.body_text
    links = unsealed_links(message, settings=settings)
    assert links is not None
    link = queries.link_by_token(session, links["account"].rpartition("/")[2])
    assert link is not None
    assert link.purpose == "invitation"


# --- links ---------------------------------------------------------------------------------------------------


def test_an_invitation_sets_name_and_password_and_signs_in(
    session: Session, create: Callable[..., str], clock: Any
) -> None:
    token = accept(create(), clock)
    account = the_account(session)
    assert account.name == "Màiri"
    assert account.password_hash is not None
    assert account.password_hash.startswith("$argon2id$")
    assert GOOD not in account.password_hash
    found = queries.live_sign_in(session, token, clock.now)
    assert found is not None
    assert found.account_id == account.id
    assert token not in found.token_hash


def test_a_link_works_once(session: Session, create: Callable[..., str], clock: Any) -> None:
    link = create()
    accept(link, clock)
    with pytest.raises(rules.LinkGone):
        accept(link, clock, "other-granite-violin")


def test_a_link_works_for_its_time(create: Callable[..., str], clock: Any) -> None:
    link = create()
    clock.advance(days=7)
    with pytest.raises(rules.LinkGone):
        accept(link, clock)


def test_a_link_works_for_its_purpose_alone(create: Callable[..., str], clock: Any) -> None:
    link = create()
    with pytest.raises(NotFound), transaction() as session:
        service.sign_in_by_link(session, token=link, browser="test", now=clock.now)
    with pytest.raises(NotFound), transaction() as session:
        service.set_password_by_link(session, token=link, password_hash="x", browser="test", now=clock.now)
    accept(link, clock)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "../../etc", "A" * 42 + "!"])
def test_an_unknown_token_opens_nothing(session: Session, clock: Any, token: str) -> None:
    assert queries.link_by_token(session, token) is None
    assert queries.live_sign_in(session, token, clock.now) is None


def test_a_closed_account_has_no_links(session: Session, create: Callable[..., str], clock: Any) -> None:
    link = create()
    with transaction() as writing:
        writing.scalars(select(Account)).one().is_active = False
    with pytest.raises(rules.LinkGone):
        accept(link, clock)


def test_a_new_password_ends_every_other_sign_in_and_link(
    session: Session, create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    first = accept(create(), clock)
    with transaction() as writing:
        account = queries.account_by_email(writing, "mairi@example.org")
        assert account is not None
        tokens = [
            service.make_link(writing, account=account, purpose="new_password", now=clock.now, settings=settings)
            for _ in range(2)
        ]
    with transaction() as writing:
        second = service.set_password_by_link(
            writing,
            token=tokens[0].rpartition("/")[2],
            password_hash=service.hash_password("velvet-otter-lantern"),
            browser="test",
            now=clock.now,
        )
    assert queries.live_sign_in(session, first, clock.now) is None
    assert queries.live_sign_in(session, second, clock.now) is not None
    with pytest.raises(rules.LinkGone), transaction() as writing:
        service.set_password_by_link(
            writing, token=tokens[1].rpartition("/")[2], password_hash="x", browser="test", now=clock.now
        )


def test_forgotten_password_mails_known_addresses_only(
    session: Session, create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    create()
    for email in ("nobody@example.org", "MAIRI@example.org"):
        with transaction() as writing:
            service.send_new_password_link(writing, email=email, now=clock.now, settings=settings)
    session.rollback()
    message = session.scalars(select(OutboxMessage)).one()
    assert (message.kind, message.to_email) == ("accounts/new_password", "mairi@example.org")
    assert message.drop_after == clock.now + timedelta(hours=1)


def test_mail_about_a_closed_account_is_not_sent(
    session: Session, create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    create()
    with transaction() as writing:
        service.send_new_password_link(writing, email="mairi@example.org", now=clock.now, settings=settings)
    message = session.scalars(select(OutboxMessage)).one()
    assert service.reason_not_to_send(session, message, clock.now) is None
    with transaction() as writing:
        writing.scalars(select(Account)).one().is_active = False
    message = session.scalars(select(OutboxMessage)).one()
    assert service.reason_not_to_send(session, message, clock.now) == "the account was closed"


def test_two_sends_of_a_link_at_once_use_it_once(
    app: Flask, session: Session, create: Callable[..., str], clock: Any
) -> None:
    link = create()
    hashed = service.hash_password(GOOD)
    start, outcomes = threading.Barrier(4), []

    def send() -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction() as writing:
                    service.accept_invitation(
                        writing, token=link, name="Màiri", password_hash=hashed, browser="test", now=clock.now
                    )
                outcomes.append("used")
            except rules.LinkGone:
                outcomes.append("gone")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone", "gone", "gone", "used"]
    assert len(session.scalars(select(SignIn)).all()) == 1


# --- signing in ----------------------------------------------------------------------------------------------


def try_to_sign_in(
    settings: Settings, clock: Any, *, email: str = "mairi@example.org", password: str = GOOD, origin: str = "192.0.2.1"
) -> str | None:
    with transaction() as session:
        service.count_try(session, email=email, origin=origin, now=clock.now, settings=settings)
        credentials = service.credentials_of(session, email=email)
    if not service.is_right(credentials, password):
        return None
    with transaction() as session:
        return service.sign_in(
            session,
            credentials=credentials,
            email=email,
            origin=origin,
            browser="test",
            now=clock.now,
            settings=settings,
        )


def test_the_right_password_signs_in(
    session: Session, create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    accept(create(), clock)
    token = try_to_sign_in(settings, clock, email=" Mairi@EXAMPLE.org ")
    assert token is not None
    assert queries.live_sign_in(session, token, clock.now) is not None


def test_a_password_typed_in_another_unicode_form_is_the_same(
    create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    accept(create(), clock, "caf\u00e9-granite-violin")
    assert try_to_sign_in(settings, clock, password="cafe\u0301-granite-violin") is not None


@pytest.mark.parametrize("password", ["", GOOD.upper(), GOOD + " ", "x" * 100_000])
def test_another_password_does_not(create: Callable[..., str], settings: Settings, clock: Any, password: str) -> None:
    accept(create(), clock)
    assert try_to_sign_in(settings, clock, password=password) is None


def test_without_a_password_set_nobody_gets_in(create: Callable[..., str], settings: Settings, clock: Any) -> None:
    create()
    for password in ("", "nobody has this password"):
        assert try_to_sign_in(settings, clock, password=password) is None
        assert try_to_sign_in(settings, clock, email="nobody@example.org", password=password) is None


def test_a_password_changed_meanwhile_does_not_sign_in(
    session: Session, create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    accept(create(), clock)
    credentials = service.credentials_of(session, email="mairi@example.org")
    with transaction() as writing:
        writing.scalars(select(Account)).one().password_hash = service.hash_password("velvet-otter-lantern")
    with transaction() as writing:
        token = service.sign_in(
            writing,
            credentials=credentials,
            email="mairi@example.org",
            origin="192.0.2.1",
            browser="test",
            now=clock.now,
            settings=settings,
        )
    assert token is None


def test_six_failures_are_one_too_many_for_known_and_unknown_alike(
    create: Callable[..., str], change_settings: Any, clock: Any
) -> None:
    settings = change_settings(rate_limits=True)
    accept(create(), clock)
    for email in ("mairi@example.org", "nobody@example.org"):
        for number in range(5):
            assert try_to_sign_in(settings, clock, email=email, password="wrong", origin=f"192.0.2.{number}") is None
        with pytest.raises(service.TooManySignIns) as refused:
            try_to_sign_in(settings, clock, email=email, origin="192.0.2.99")
        assert 0 < refused.value.retry_after_s <= 900
    clock.advance(minutes=15)
    assert try_to_sign_in(settings, clock) is not None


def test_right_passwords_do_not_count(create: Callable[..., str], change_settings: Any, clock: Any) -> None:
    settings = change_settings(rate_limits=True)
    accept(create(), clock)
    for _ in range(8):
        assert try_to_sign_in(settings, clock) is not None


def test_one_address_of_origin_fails_thirty_times_at_most(
    session: Session, app: Flask, change_settings: Any, clock: Any
) -> None:
    settings = change_settings(rate_limits=True)
    for number in range(30):
        assert try_to_sign_in(settings, clock, email=f"person{number}@example.org", password="wrong") is None
    with pytest.raises(service.TooManySignIns):
        try_to_sign_in(settings, clock, email="another@example.org", password="wrong")
    assert try_to_sign_in(settings, clock, email="another@example.org", origin="192.0.2.2") is None
    session.rollback()
    kept = " ".join(session.scalars(select(RateCounter.key)))
    assert "192.0.2" not in kept
    assert "example.org" not in kept


def test_many_tries_at_once_are_counted_before_they_are_checked(app: Flask, change_settings: Any, clock: Any) -> None:
    settings = change_settings(rate_limits=True)
    start, outcomes = threading.Barrier(12), []

    def guess() -> None:
        with app.app_context():
            start.wait()
            try:
                try_to_sign_in(settings, clock, password="wrong")
                outcomes.append("tried")
            except service.TooManySignIns:
                outcomes.append("refused")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("tried") == 5


def test_a_sign_in_ends_when_idle_and_in_any_case(
    session: Session, create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    token = accept(create(), clock)
    found = queries.live_sign_in(session, token, clock.now)
    assert found is not None
    sign_in_id = found.id
    assert queries.live_sign_in(session, token, clock.now + timedelta(hours=2)) is None
    for _ in range(11):
        clock.advance(hours=1)
        with transaction() as writing:
            service.touch_sign_in(writing, sign_in_id=sign_in_id, now=clock.now)
        assert queries.live_sign_in(session, token, clock.now) is not None
    assert queries.live_sign_in(session, token, clock.advance(hours=1)) is None


def test_a_touch_never_goes_back(session: Session, create: Callable[..., str], clock: Any) -> None:
    token = accept(create(), clock)
    found = queries.live_sign_in(session, token, clock.now)
    assert found is not None
    with transaction() as writing:
        service.touch_sign_in(writing, sign_in_id=found.id, now=clock.now - timedelta(hours=1))
    found = queries.live_sign_in(session, token, clock.now)
    assert found is not None
    assert found.last_seen_at == clock.now


def test_only_own_sign_ins_can_be_ended(session: Session, create: Callable[..., str], clock: Any) -> None:
    token = accept(create(), clock)
    found = queries.live_sign_in(session, token, clock.now)
    assert found is not None
    other = make_account(session)
    with pytest.raises(NotFound), transaction() as writing:
        service.end_sign_in(
            writing, account_id=other.id, sign_in_id=found.id, now=clock.now, actor=Actor("staff", other.id)
        )
    assert queries.live_sign_in(session, token, clock.now) is not None


def test_ending_the_others_leaves_this_one(
    session: Session, create: Callable[..., str], settings: Settings, clock: Any
) -> None:
    accept(create(), clock)
    tokens = [try_to_sign_in(settings, clock) or "" for _ in range(3)]
    kept = queries.live_sign_in(session, tokens[1], clock.now)
    assert kept is not None
    with transaction() as writing:
        ended = service.end_all_sign_ins(
            writing, account_id=kept.account_id, except_id=kept.id, now=clock.now, actor=staff(kept.account_id)
        )
    assert ended == 3
    live = [token for token in tokens if queries.live_sign_in(session, token, clock.now)]
    assert live == [tokens[1]]


# --- changes by an admin -------------------------------------------------------------------------------------


def change(account: Account, clock: Any, actor: Actor = COMMAND, **changes: Any) -> None:
    values = {"name": account.name, "role": account.role, "is_active": account.is_active, **changes}
    account_id = account.id
    with transaction() as session:
        service.change_account(session, account_id=account_id, now=clock.now, actor=actor, **values)


def test_closing_an_account_signs_it_out_at_once(session: Session, create: Callable[..., str], clock: Any) -> None:
    token = accept(create(), clock)
    change(the_account(session), clock, is_active=False)
    assert queries.live_sign_in(session, token, clock.now) is None
    change(the_account(session), clock, is_active=True)
    assert queries.live_sign_in(session, token, clock.now) is None


def test_a_new_role_is_seen_at_the_next_look(session: Session, create: Callable[..., str], clock: Any) -> None:
    token = accept(create(), clock)
    change(the_account(session), clock, role="viewer")
    found = queries.live_sign_in(session, token, clock.now)
    assert found is not None
    assert found.account.role == "viewer"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "account_changed")).one()
    assert entry.fields == "role"


def test_two_admins_cannot_take_each_other_away(app: Flask, session: Session, clock: Any) -> None:
    admins = [make_account(session, role="admin").id for _ in range(2)]
    start, outcomes = threading.Barrier(2), []

    def demote(actor_id: int, account_id: int) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction() as writing:
                    service.change_account(
                        writing,
                        account_id=account_id,
                        name="",
                        role="viewer",
                        is_active=True,
                        now=clock.now,
                        actor=staff(actor_id),
                    )
                outcomes.append("done")
            except DomainError as error:
                outcomes.append(type(error).__name__)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=demote, args=pair) for pair in (tuple(admins), tuple(reversed(admins)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["LastAdmin", "done"]
    session.rollback()
    assert [account.role for account in queries.all_accounts(session)].count("admin") == 1


# --- forgetting ----------------------------------------------------------------------------------------------


def test_old_sign_ins_and_links_are_forgotten(session: Session, create: Callable[..., str], clock: Any) -> None:
    accept(create(), clock)
    create("other@example.org")
    clock.advance(days=30)

    def forget(dry_run: bool) -> int:
        with transaction() as writing:
            return service.forget_old_sign_ins(writing, now=clock.now, dry_run=dry_run)

    assert forget(False) == 0
    clock.advance(days=7, seconds=1)
    assert forget(True) == 3
    assert forget(False) == 3
    session.rollback()
    assert session.scalars(select(SignIn)).all() == []
    assert session.scalars(select(AccountLink)).all() == []
    assert len(queries.all_accounts(session)) == 2
