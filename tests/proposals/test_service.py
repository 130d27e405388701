"""Proposing, confirming, answering, the host's link, news of the event, and forgetting: on both engines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_account, make_event, make_programme, make_proposal, make_registration, proposal_link
from workshops.audit.models import AuditEntry
from workshops.audit.rules import Actor
from workshops.audit.rules import staff as by_staff
from workshops.config import Settings
from workshops.core.addresses import email_key
from workshops.core.errors import DomainError, EditClash
from workshops.messages.models import OutboxMessage
from workshops.proposals import service
from workshops.proposals.models import Proposal, ProposalStep, ProposalToken
from workshops.proposals.queries import by_token, coming_people, queue, queue_counts
from workshops.proposals.rules import Details, FormClosed, WrongState
from workshops.schedule import service as schedule
from workshops.schedule.models import Event, ProgrammeOrganiser
from workshops.schedule.rules.events import EventDetails, Place
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.states import CANCEL

DETAILS = Details(
    organisation="Example Partner", name="Ann Example", title="Walk and talk", summary="A walk through the town.",
    kind="workshop", starts_on=date(2027, 4, 6), start_time="10:00", end_time="12:00", venue_name="Partner Hall",
    places=25,
)  # fmt: skip


class Desk:
    """The use cases with what they need, and what was mailed."""

    def __init__(self, session: Session, clock: FakeClock, settings: Settings) -> None:
        self.session, self.clock, self.settings = session, clock, settings
        self.organiser = make_account(session, name="Olivia Example")
        self.programme = make_programme(session, host_form_is_open=True, ask_form_is_open=True)

    @property
    def how(self) -> dict[str, Any]:
        return {"now": self.clock.now, "settings": self.settings}

    @property
    def actor(self) -> Actor:
        return by_staff(self.organiser.id)

    def propose(self, **more: Any) -> Proposal | None:
        values = {"purpose": "host", "programme_id": self.programme.id, "details": DETAILS,
                  "email": "ann@example.org", "form_key": "", **more}  # fmt: skip
        service.propose(self.session, **values, **self.how)
        self.session.commit()
        return self.session.scalar(select(Proposal).order_by(Proposal.id.desc()).limit(1))

    def details(self, **more: Any) -> EventDetails:
        return EventDetails(
            title="Walk and talk", kind="workshop", when=DETAILS.when, host="Example Partner", summary="A walk.",
            programme=self.programme.title, venue=Place("Partner Hall", "", ""), owner_id=self.organiser.id,
            capacity_in_person=25, **more,
        )  # fmt: skip

    def accept(self, proposal: Proposal, message: str = "Lovely.") -> Event:
        event = service.accept(
            self.session, proposal_id=proposal.id, edition=proposal.edition, details=self.details(),
            message=message, actor=self.actor, **self.how,
        )  # fmt: skip
        self.session.commit()
        return event

    def publish(self, event: Event) -> None:
        schedule.publish_event(self.session, event_id=event.id, actor=self.actor, **self.how)
        self.session.commit()

    def mails(self) -> Sequence[OutboxMessage]:
        return self.session.scalars(
            select(OutboxMessage).where(OutboxMessage.kind.startswith("proposals/")).order_by(OutboxMessage.id)
        ).all()

    def kinds(self) -> list[str]:
        return [mail.kind.removeprefix("proposals/") for mail in self.mails()]


@pytest.fixture
def desk(session: Session, clock: FakeClock, settings: Settings) -> Desk:
    return Desk(session, clock, settings)


# --- sending and confirming ------------------------------------------------------------------------------------


def test_nothing_enters_the_queue_before_it_is_confirmed(desk: Desk) -> None:
    proposal = desk.propose()
    assert proposal is not None and proposal.state == "unconfirmed"
    assert queue_counts(desk.session, desk.organiser) == {}
    assert desk.kinds() == ["confirm"]
    assert service.confirm(desk.session, proposal_id=proposal.id, **desk.how)
    assert not service.confirm(desk.session, proposal_id=proposal.id, **desk.how)
    desk.session.commit()
    assert queue_counts(desk.session, desk.organiser) == {"waiting": 1}
    assert desk.kinds() == ["confirm", "received"]


def test_an_unconfirmed_address_is_sent_nothing_that_was_typed(desk: Desk) -> None:
    secret = "Zaphira"
    desk.propose(details=replace(DETAILS, title=secret, summary=f"{secret} is the word for today", name=secret,
                                 organisation=secret, message=secret))  # fmt: skip
    mail = desk.mails()[0]
    assert secret not in mail.subject + mail.body_text + mail.body_html + mail.to_name


def test_the_same_form_sent_twice_is_one_proposal(desk: Desk) -> None:
    for _ in range(2):
        desk.propose(form_key="the same page")
    assert desk.session.scalar(select(func.count()).select_from(Proposal)) == 1
    assert desk.kinds() == ["confirm"]


def test_an_address_is_not_filled_with_mail(desk: Desk) -> None:
    for number in range(5):
        desk.propose(form_key=f"page {number}", email="Ann@example.org" if number % 2 else "ann@example.org")
    assert desk.kinds() == ["confirm"] * 3
    desk.clock.advance(days=8)
    desk.propose(form_key="later")
    assert len(desk.kinds()) == 4


def test_rubbish_and_closed_forms_keep_nothing(desk: Desk) -> None:
    with pytest.raises(DetailsDoNotFit):
        desk.propose(details=replace(DETAILS, title="https://cheap.example"))
    desk.session.rollback()
    desk.programme.host_form_is_open = False
    desk.session.commit()
    with pytest.raises(FormClosed):
        desk.propose()
    with pytest.raises(FormClosed):
        desk.propose(purpose="ask", programme_id=None)
    desk.session.rollback()
    assert desk.mails() == [] and desk.session.scalar(select(Proposal)) is None


def test_a_link_to_confirm_ends_after_a_week_and_opens_nothing_else(desk: Desk) -> None:
    proposal = desk.propose()
    assert proposal is not None
    token = proposal_link(desk.session, proposal, "confirm")
    assert by_token(desk.session, "confirm", token, now=desk.clock.now) is not None
    assert by_token(desk.session, "proposal", token, now=desk.clock.now) is None
    desk.clock.advance(days=7)
    assert by_token(desk.session, "confirm", token, now=desk.clock.now) is None
    with pytest.raises(WrongState):
        service.confirm(desk.session, proposal_id=proposal.id, **desk.how)


def test_every_mail_has_a_link_of_its_own_and_only_hashes_are_kept(desk: Desk) -> None:
    proposal = desk.propose()
    assert proposal is not None
    service.confirm(desk.session, proposal_id=proposal.id, **desk.how)
    service.send_link(desk.session, proposal_id=proposal.id, actor=desk.actor, **desk.how)
    desk.session.commit()
    kept = desk.session.scalars(select(ProposalToken).order_by(ProposalToken.id)).all()
    assert [token.purpose for token in kept] == ["confirm", "proposal", "proposal"]
    assert len({token.token_hash for token in kept}) == 3
    assert not re.search(r"/proposals/[\w-]{43}", "".join(mail.body_text for mail in desk.mails()))


# --- answering -------------------------------------------------------------------------------------------------


def test_accepting_makes_a_draft_and_tells_once(desk: Desk) -> None:
    proposal = make_proposal(desk.session, programme_id=desk.programme.id)
    edition = proposal.edition
    event = desk.accept(proposal)
    assert (event.state, event.title, event.host and event.host.name) == ("draft", "Walk and talk", "Example Partner")
    assert (event.programme_id, event.owner_id) == (desk.programme.id, desk.organiser.id)
    assert (proposal.state, proposal.event_id) == ("accepted", event.id)
    assert desk.kinds() == ["accepted"] and "Lovely." in desk.mails()[0].body_text
    with pytest.raises(WrongState):
        service.accept(desk.session, proposal_id=proposal.id, edition=edition, details=desk.details(), message="",
                       actor=desk.actor, **desk.how)  # fmt: skip
    desk.session.rollback()
    assert desk.kinds() == ["accepted"] and desk.session.scalar(select(func.count()).select_from(Event)) == 1


def test_what_is_shown_is_what_is_sent(desk: Desk) -> None:
    message = "First line.\n\n[[link:proposal]] and {{ 7 * 7 }} <b>"
    for decision, decide in (("ask", service.ask_for_changes), ("decline", service.decline)):
        proposal = make_proposal(desk.session, programme_id=desk.programme.id)
        letter = service.letter_for(proposal, decision, message, settings=desk.settings)
        decide(desk.session, proposal_id=proposal.id, edition=1, message=message, actor=desk.actor, **desk.how)
        desk.session.commit()
        sent = desk.mails()[-1]
        assert sent.subject == letter.subject
        assert sent.body_text.replace("[[link:proposal]]", "(a link of their own)") == letter.text
        assert sent.to_email == proposal.email


def test_nobody_answers_what_they_have_not_read(desk: Desk) -> None:
    proposal = make_proposal(desk.session, programme_id=desk.programme.id)
    changed = replace(service.details_of(proposal), title="Another walk")
    service.edit_proposal(desk.session, proposal_id=proposal.id, details=changed, now=desk.clock.now)
    desk.session.commit()
    with pytest.raises(EditClash):
        service.decline(desk.session, proposal_id=proposal.id, edition=1, message="No.", actor=desk.actor, **desk.how)
    desk.session.rollback()
    assert desk.mails() == []


@pytest.mark.parametrize("decide", [service.ask_for_changes, service.decline])
def test_an_answer_needs_words(desk: Desk, decide: Any) -> None:
    proposal = make_proposal(desk.session)
    for message in ("", " \u200e\n", "x" * 2001):
        with pytest.raises(DomainError) as caught:
            decide(desk.session, proposal_id=proposal.id, edition=1, message=message.strip("\u200e \n"),
                   actor=desk.actor, **desk.how)  # fmt: skip
        assert caught.value.field == "message"
        desk.session.rollback()


def test_changes_come_back_into_the_queue(desk: Desk) -> None:
    proposal = make_proposal(desk.session, programme_id=desk.programme.id)
    service.ask_for_changes(desk.session, proposal_id=proposal.id, edition=1, message="More places?",
                            actor=desk.actor, **desk.how)  # fmt: skip
    desk.clock.advance(days=2)
    changed = replace(service.details_of(proposal), places=40)
    service.edit_proposal(desk.session, proposal_id=proposal.id, details=changed, now=desk.clock.now)
    desk.session.commit()
    assert (proposal.state, proposal.places, proposal.sent_at) == ("waiting", 40, desk.clock.now)
    steps = desk.session.scalars(select(ProposalStep.step).order_by(ProposalStep.id)).all()
    assert list(steps) == ["proposal_changes_asked", "proposal_sent_back"]


def test_the_history_of_everybody_holds_no_personal_value(desk: Desk) -> None:
    proposal = desk.propose()
    assert proposal is not None
    service.confirm(desk.session, proposal_id=proposal.id, **desk.how)
    service.ask_for_changes(desk.session, proposal_id=proposal.id, edition=1, message="Dear Ann Example",
                            actor=desk.actor, **desk.how)  # fmt: skip
    desk.session.commit()
    kept = select(AuditEntry).where(AuditEntry.subject_kind == "proposal").order_by(AuditEntry.id)
    rows = desk.session.scalars(kept).all()
    assert [row.action for row in rows] == ["proposal_made", "proposal_confirmed", "proposal_changes_asked"]
    assert [row.actor_kind for row in rows] == ["host", "host", "staff"]
    assert all("Ann" not in row.fields + row.reason and "ann@" not in row.fields + row.reason for row in rows)


def test_organisers_find_their_programmes_and_what_belongs_to_none(desk: Desk) -> None:
    other = make_programme(desk.session, title="Another Week")
    colleague = make_account(desk.session, name="Oscar Example")
    desk.session.add(ProgrammeOrganiser(programme_id=other.id, account_id=colleague.id))
    mine = make_proposal(desk.session, programme_id=desk.programme.id)
    theirs = make_proposal(desk.session, programme_id=other.id)
    general = make_proposal(desk.session, purpose="ask", programme_id=None, starts_on=None)
    make_proposal(desk.session, programme_id=desk.programme.id, state="unconfirmed")

    def found(account: Any) -> set[int]:
        return {one.id for one in queue(desk.session, account, "waiting", page=1)}

    assert found(desk.organiser) == {mine.id, general.id}
    assert found(colleague) == {mine.id, theirs.id, general.id}
    assert found(make_account(desk.session, role="admin")) == {mine.id, theirs.id, general.id}
    for role in ("facilitator", "viewer"):
        assert found(make_account(desk.session, role=role)) == set()


# --- the host's link -------------------------------------------------------------------------------------------


def test_revoked_links_open_nothing_and_a_new_one_does(desk: Desk) -> None:
    proposal = make_proposal(desk.session)
    old = proposal_link(desk.session, proposal)
    service.revoke_links(desk.session, proposal_id=proposal.id, now=desk.clock.now, actor=desk.actor)
    desk.session.commit()
    assert by_token(desk.session, "proposal", old, now=desk.clock.now) is None
    new = proposal_link(desk.session, proposal)
    assert by_token(desk.session, "proposal", new, now=desk.clock.now) is not None


def test_the_host_changes_the_draft_and_nothing_after_it_is_published(desk: Desk) -> None:
    proposal = make_proposal(desk.session, programme_id=desk.programme.id)
    event = desk.accept(proposal)
    fields = service.event_fields_of(schedule.details_of(desk.session, event))
    assert (fields.title, str(fields.start_time), fields.places_in_person) == ("Walk and talk", "10:00:00", 25)
    fields = replace(fields, title="A longer walk", places_in_person=30, venue_name="Other Hall")
    service.edit_event(desk.session, proposal_id=proposal.id, fields=fields, **desk.how)
    desk.session.commit()
    event = desk.session.get(Event, event.id)  # type: ignore[assignment]
    assert (event.title, event.capacity_in_person, event.venue and event.venue.name) == (
        "A longer walk", 30, "Other Hall"
    )  # fmt: skip
    assert (event.state, event.owner_id, event.programme_id) == ("draft", desk.organiser.id, desk.programme.id)
    with pytest.raises(DetailsDoNotFit):
        service.edit_event(desk.session, proposal_id=proposal.id, fields=replace(fields, title=""), **desk.how)
    desk.session.rollback()
    desk.publish(event)
    with pytest.raises(WrongState):
        service.edit_event(desk.session, proposal_id=proposal.id, fields=replace(fields, title="Late"), **desk.how)
    desk.session.rollback()
    assert event.title == "A longer walk"


def test_names_are_granted_with_a_reason_and_hold_no_address(desk: Desk) -> None:
    proposal = make_proposal(desk.session, programme_id=desk.programme.id)
    with pytest.raises(WrongState):
        service.grant_names(desk.session, proposal_id=proposal.id, shows=True, reason="Door", now=desk.clock.now,
                            actor=desk.actor)  # fmt: skip
    event = desk.accept(proposal)
    with pytest.raises(DomainError):
        service.grant_names(desk.session, proposal_id=proposal.id, shows=True, reason=" ", now=desk.clock.now,
                            actor=desk.actor)  # fmt: skip
    service.grant_names(desk.session, proposal_id=proposal.id, shows=True, reason="A list at the door",
                        now=desk.clock.now, actor=desk.actor)  # fmt: skip
    desk.session.commit()
    assert proposal.shows_names
    step = desk.session.scalars(select(ProposalStep).order_by(ProposalStep.id.desc()).limit(1)).one()
    assert (step.step, step.words, step.account_id) == (
        "proposal_names_granted", "A list at the door", desk.organiser.id
    )  # fmt: skip
    make_registration(desk.session, event, name="Bea Example")
    make_registration(desk.session, event, name="Wanda Waiting", state="waiting")
    assert coming_people(desk.session, event.id) == [("Bea Example", "in_person")]


# --- news ------------------------------------------------------------------------------------------------------


def test_the_host_is_told_once_of_what_becomes_of_the_event(desk: Desk) -> None:
    event = desk.accept(make_proposal(desk.session, programme_id=desk.programme.id))
    desk.publish(event)
    details = schedule.details_of(desk.session, event)
    desk.clock.advance(days=1)
    moved = replace(details, when=replace(DETAILS, starts_on=date(2027, 4, 7)).when, title="Also renamed")
    for _ in range(2):
        schedule.change_event(desk.session, event_id=event.id, details=moved, tell=None, actor=desk.actor, **desk.how)
        desk.session.commit()
    desk.clock.advance(days=1)
    schedule.cancel_event(desk.session, event_id=event.id, reason="Snow", tell=None, actor=desk.actor, **desk.how)
    desk.session.commit()
    assert desk.kinds() == ["accepted", "event_published", "event_changed", "event_cancelled"]
    changed, cancelled = desk.mails()[2:]
    assert "Wednesday 7 April 2027" in changed.body_text and "Tuesday 6 April 2027" in changed.body_text
    assert "Snow" in cancelled.body_text


def test_what_follows_is_foreseen_with_the_mail_that_goes(desk: Desk) -> None:
    event = desk.accept(make_proposal(desk.session, programme_id=desk.programme.id))
    desk.publish(event)
    moved = replace(schedule.details_of(desk.session, event), when=replace(DETAILS, starts_on=date(2027, 4, 7)).when)
    foreseen = schedule.foresee_change(desk.session, event_id=event.id, details=moved, **desk.how)
    desk.session.commit()
    assert ("The partner who proposed it", 1, "Email, whatever you choose") in [
        (one.who, one.number, one.how) for one in foreseen.audiences
    ]
    assert not foreseen.asks, "nobody is registered, so there is nothing to choose"
    assert desk.kinds() == ["accepted", "event_published"]
    schedule.change_event(desk.session, event_id=event.id, details=moved, tell=None, actor=desk.actor, **desk.how)
    desk.session.commit()
    sent = desk.mails()[-1]
    (example,) = [one for one in foreseen.examples if one.who.startswith("the partner")]
    assert (example.subject, example.text) == (
        sent.subject, sent.body_text.replace("[[link:proposal]]", "(a link of their own)")
    )  # fmt: skip
    desk.clock.advance(days=1)
    off = schedule.foresee_step(desk.session, event_id=event.id, step=CANCEL, reason="Snow", **desk.how)
    (example,) = [one for one in off.examples if one.who.startswith("the partner")]
    schedule.cancel_event(desk.session, event_id=event.id, reason="Snow", tell=None, actor=desk.actor, **desk.how)
    desk.session.commit()
    assert example.text == desk.mails()[-1].body_text.replace("[[link:proposal]]", "(a link of their own)")


def test_host_and_organiser_do_not_overwrite_each_other(desk: Desk) -> None:
    proposal = make_proposal(desk.session, programme_id=desk.programme.id)
    event = desk.accept(proposal)
    read = event.edition
    fields = service.event_fields_of(schedule.details_of(desk.session, event))
    theirs = replace(schedule.details_of(desk.session, event), title="By the organiser")
    schedule.change_event(desk.session, event_id=event.id, details=theirs, tell=None, actor=desk.actor, **desk.how)
    desk.session.commit()
    with pytest.raises(EditClash):
        service.edit_event(desk.session, proposal_id=proposal.id, fields=replace(fields, title="By the host"),
                           edition=read, **desk.how)  # fmt: skip
    desk.session.rollback()
    assert event.title == "By the organiser"


def test_events_that_nobody_proposed_tell_nobody(desk: Desk) -> None:
    event = make_event(desk.session, state="draft")
    desk.publish(event)
    assert desk.mails() == []


# --- forgetting ------------------------------------------------------------------------------------------------


def test_what_its_time_has_passed_goes(desk: Desk) -> None:
    gone = [
        make_proposal(desk.session, state="unconfirmed"),
        make_proposal(desk.session, state="declined"),
        make_proposal(desk.session, state="withdrawn"),
    ]
    waiting = make_proposal(desk.session)
    accepted = make_proposal(
        desk.session, programme_id=desk.programme.id, name="Ann Example", message="Ring me",
        **dict.fromkeys(("organisation", "title", "summary", "when_words", "venue_name", "venue_address", "postcode",
                         "topics", "access"), "Planted"),
    )  # fmt: skip
    event = desk.accept(accepted)
    service.send_link(desk.session, proposal_id=gone[1].id, actor=desk.actor, **desk.how)
    desk.session.commit()
    ids = [one.id for one in gone]
    desk.clock.advance(days=30)
    counted = service.erase_expired(desk.session, now=desk.clock.now, dry_run=True)
    assert counted == {"proposals": 3, "people who proposed events": 0}
    assert service.erase_expired(desk.session, now=desk.clock.now, dry_run=False) == counted
    desk.session.commit()
    left = set(desk.session.scalars(select(Proposal.id)))
    assert left == {waiting.id, accepted.id} and not left & set(ids)
    assert desk.kinds() == ["accepted"]
    desk.clock.now = event.over_at + timedelta(days=365)
    assert service.erase_expired(desk.session, now=desk.clock.now, dry_run=False) == {
        "proposals": 1, "people who proposed events": 1,
    }  # fmt: skip
    desk.session.commit()
    erased = desk.session.scalars(select(Proposal)).one()
    assert (erased.name, erased.email, erased.message, erased.event_id) == ("Name removed", "", "", event.id)
    assert "Planted" not in [getattr(erased, column.name) for column in Proposal.__table__.columns]
    assert desk.session.scalars(select(ProposalToken)).all() == [] and desk.mails() == []
    assert all(step.words == "" for step in desk.session.scalars(select(ProposalStep)))
    assert service.erase_expired(desk.session, now=desk.clock.now, dry_run=False) == {
        "proposals": 0, "people who proposed events": 0,
    }  # fmt: skip


def test_the_worker_forgets_what_nobody_confirmed(desk: Desk) -> None:
    desk.propose()
    assert service.forget_unconfirmed(desk.session, now=desk.clock.now) == 0
    desk.clock.advance(days=7)
    assert service.forget_unconfirmed(desk.session, now=desk.clock.now) == 1
    desk.session.commit()
    assert desk.mails() == []


def test_mail_that_is_no_longer_true_is_not_sent(desk: Desk) -> None:
    proposal = desk.propose()
    assert proposal is not None
    mail = desk.mails()[0]
    assert service.reason_not_to_send(desk.session, mail, desk.clock.now) is None
    service.confirm(desk.session, proposal_id=proposal.id, **desk.how)
    assert service.reason_not_to_send(desk.session, mail, desk.clock.now) is not None
    assert email_key(proposal.email) == proposal.email_key
