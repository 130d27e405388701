"""The use cases of registration on both engines, with real commits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import make_event, make_registration
from tests.registration.conftest import Desk, invitation
from workshops.audit.models import AuditEntry
from workshops.audit.rules import COMMAND
from workshops.config import Settings
from workshops.core.db import transaction
from workshops.core.errors import DomainError, NotFound
from workshops.core.versions import public_version
from workshops.registration import queries, rules, service
from workshops.registration.models import CalendarToken, Needs, PlaceToken, Registration
from workshops.schedule.models import Event, Series


def test_registering_gives_a_place_a_mail_and_an_invitation(session: Session, desk: Desk) -> None:
    event = make_event(session)
    outcome = desk.register(event, access_needs="Step-free", organisation="Example Council")
    assert (outcome.kind, outcome.is_new) == ("place", True)
    person = desk.person()
    assert (person.state, person.attending, person.organisation) == ("confirmed", "in_person", "Example Council")
    assert desk.event(event).taken_in_person == 1
    (mail,) = desk.mails()
    assert mail.kind == "registration/place_confirmed"
    assert "ann" not in mail.subject.lower()
    method, vevent = invitation(mail)
    assert method == "REQUEST"
    assert vevent["SEQUENCE"] == 0
    assert str(vevent["UID"]) == event.uid
    assert str(vevent["ATTENDEE"]) == "mailto:ann@example.org"
    assert vevent["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert str(vevent["ORGANIZER"]) == "mailto:events@example.org"
    needs = session.get(Needs, person.id)
    assert needs is not None and needs.access_needs == "Step-free"
    entry = session.scalars(select(AuditEntry)).one()
    assert (entry.action, entry.subject_id, entry.event_id) == ("registered", person.id, event.id)


def test_no_invitation_holds_a_personal_link_and_no_token_is_kept_in_clear(session: Session, desk: Desk) -> None:
    desk.register(make_event(session))
    (mail,) = desk.mails()
    token = desk.link().rpartition("/")[2]
    assert mail.calendar is not None and token.encode() not in mail.calendar and b"/places/" not in mail.calendar
    assert token not in mail.body_text + mail.body_html + (mail.sealed_links or "")
    assert session.scalars(select(PlaceToken.token_hash)).one() != token
    found = queries.person_by_token(session, token)
    assert found is not None and found.email == "ann@example.org"


def test_each_mail_mints_its_own_link_and_older_ones_stay_valid(session: Session, desk: Desk) -> None:
    desk.register(make_event(session))
    first = desk.link()
    desk.do(service.resend_link, desk.person(), actor=COMMAND)
    second = desk.link()
    assert first != second
    for link in (first, second):
        assert queries.person_by_token(session, link.rpartition("/")[2]) is not None


def test_a_full_event_asks_and_then_puts_on_the_list(session: Session, desk: Desk) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event, "first@example.org")
    with pytest.raises(rules.FullChoice):
        desk.register(event)
    assert desk.states(event) == {"first": "confirmed"}
    assert desk.register(event, if_full="wait").kind == "waiting"
    assert desk.states(event) == {"first": "confirmed", "ann": "waiting"}
    (mail,) = desk.mails("ann@example.org")
    assert mail.kind == "registration/on_waiting_list" and mail.calendar is None
    kept = desk.event(event)
    assert (kept.taken_in_person, kept.waiting_in_person) == (1, 1)


def test_the_same_form_sent_again_has_no_second_effect(session: Session, desk: Desk) -> None:
    event = make_event(session, capacity_in_person=1)
    first = desk.register(event, form_key="k")
    # The only place is taken by the first send, and all the same the second is told "place".
    again = desk.register(event, form_key="k")
    assert (first.kind, again.kind, again.is_new) == ("place", "place", False)
    assert len(desk.states(event)) == 1 and len(desk.mails()) == 1


def test_the_same_form_can_register_a_colleague(session: Session, desk: Desk) -> None:
    event = make_event(session)
    desk.register(event, form_key="k")
    assert desk.register(event, "bob@example.org", form_key="k").is_new
    assert set(desk.states(event)) == {"ann", "bob"}


def test_a_form_sent_again_after_cancelling_registers_again(session: Session, desk: Desk) -> None:
    event = make_event(session)
    desk.register(event, form_key="k")
    desk.do(service.cancel_place, desk.person())
    assert desk.register(event, form_key="k").is_new
    assert desk.person().state == "confirmed"


def test_a_known_address_is_told_what_a_newcomer_would_get(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session, capacity_in_person=2)
    desk.register(event, " Ann@Example.org ".strip())
    assert desk.register(event, "ANN@example.org", form_key="other").kind == "place"
    assert len(desk.states(event)) == 1
    assert desk.kinds()[-1] == "already_registered"
    # Once an hour at most.
    desk.register(event)
    assert desk.kinds().count("already_registered") == 1
    clock.advance(hours=1)
    desk.register(event)
    assert desk.kinds().count("already_registered") == 2
    # Full meanwhile: what a newcomer would be asked, a known one is asked too.
    desk.register(event, "bob@example.org")
    with pytest.raises(rules.FullChoice):
        desk.register(event)
    assert desk.register(event, if_full="wait").kind == "waiting"
    assert desk.states(event)["Ann" if "Ann" in desk.states(event) else "ann"] == "confirmed"


def test_closed_events_say_why(session: Session, desk: Desk, clock: FakeClock) -> None:
    for values, key in (
        ({"state": "cancelled"}, "cancelled"),
        ({"booking": "closed"}, "closed"),
        ({"opens_at": clock.now + timedelta(days=1)}, "not_open"),
        ({"starts_at": clock.now - timedelta(days=9)}, "past"),
    ):
        with pytest.raises(rules.RegistrationClosed) as caught:
            desk.register(make_event(session, **values))
        assert caught.value.refusal.key == key
    with pytest.raises(NotFound), transaction() as open_session:
        service.register(
            open_session, event_id=424242, details=service.Details("A", "a@example.org"), now=clock.now,
            settings=desk.settings,
        )


def test_cancelling_offers_the_place_to_the_longest_waiting(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    for name in ("bea", "cal"):
        clock.advance(minutes=1)
        desk.register(event, f"{name}@example.org", if_full="wait")
    desk.do(service.cancel_place, desk.person(), reason="A clash")
    assert desk.states(event) == {"ann": "cancelled", "bea": "offered", "cal": "waiting"}
    kept = desk.event(event)
    assert (kept.taken_in_person, kept.waiting_in_person) == (1, 1)
    assert desk.person("bea@example.org").offer_expires_at == clock.now + timedelta(hours=48)
    method, vevent = invitation(desk.mails("ann@example.org")[-1])
    assert method == "CANCEL" and vevent["SEQUENCE"] == 1 and "STATUS" not in vevent
    offer = desk.mails("bea@example.org")[-1]
    assert offer.kind == "registration/place_offered" and offer.calendar is None
    assert offer.drop_after == clock.now + timedelta(hours=48)
    with pytest.raises(rules.PlaceGone):
        desk.do(service.cancel_place, desk.person())


def test_taking_an_offer_gives_the_place_and_the_invitation(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "bea@example.org", if_full="wait")
    desk.do(service.cancel_place, desk.person())
    desk.do(service.take_offer, desk.person("bea@example.org"))
    assert desk.states(event)["bea"] == "confirmed"
    method, vevent = invitation(desk.mails("bea@example.org")[-1])
    assert (method, vevent["SEQUENCE"]) == ("REQUEST", 0)
    with pytest.raises(rules.OfferGone):
        desk.do(service.take_offer, desk.person("bea@example.org"))


def test_an_offer_turned_down_or_run_out_goes_to_the_next(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    for name in ("bea", "cal", "dee"):
        clock.advance(minutes=1)
        desk.register(event, f"{name}@example.org", if_full="wait")
    desk.do(service.cancel_place, desk.person())
    desk.do(service.decline_offer, desk.person("bea@example.org"))
    assert desk.states(event) == {"ann": "cancelled", "bea": "cancelled", "cal": "offered", "dee": "waiting"}
    clock.advance(hours=48)
    with pytest.raises(rules.OfferGone):
        desk.do(service.take_offer, desk.person("cal@example.org"))
    with transaction() as open_session:
        assert service.lapse_offers(open_session, now=clock.now, settings=desk.settings) == 1
    assert desk.states(event)["cal"] == "lapsed" and desk.states(event)["dee"] == "offered"
    assert desk.kinds("cal@example.org")[-1] == "offer_lapsed"
    with transaction() as open_session:
        assert service.lapse_offers(open_session, now=clock.now, settings=desk.settings) == 0


def test_coming_back_after_cancelling_raises_the_sequence(session: Session, desk: Desk) -> None:
    event = make_event(session)
    desk.register(event)
    desk.do(service.cancel_place, desk.person())
    desk.register(event)
    sequences = [invitation(mail)[1]["SEQUENCE"] for mail in desk.mails()]
    assert sequences == [0, 1, 2]
    assert [mail.calendar_method for mail in desk.mails()] == ["REQUEST", "CANCEL", "REQUEST"]


def test_more_places_are_offered_in_order_and_fewer_take_nothing_away(
    session: Session, desk: Desk, clock: FakeClock, settings: Settings
) -> None:
    event = make_event(session, capacity_in_person=2)
    for name in "abcde":
        clock.advance(minutes=1)
        desk.register(event, f"{name}@example.org", if_full="wait")
    for capacity, expected in ((4, "offered"), (1, "offered")):
        with transaction() as open_session:
            changed = open_session.get(Event, event.id)
            assert changed is not None
            changed.capacity_in_person = capacity
            service.fill_free_places(changed, session=open_session, now=clock.now, settings=settings)
        assert desk.states(event) == {
            "a": "confirmed", "b": "confirmed", "c": expected, "d": expected, "e": "waiting",
        }
    assert desk.event(event).taken_in_person == 4


def test_by_approval_makes_a_tentative_entry_until_staff_answer(session: Session, desk: Desk) -> None:
    event = make_event(session, booking="by_approval", capacity_in_person=1)
    assert desk.register(event).kind == "requested"
    desk.register(event, "bob@example.org")
    desk.register(event, "cat@example.org")
    method, vevent = invitation(desk.mails("ann@example.org")[0])
    assert (method, str(vevent["STATUS"])) == ("REQUEST", "TENTATIVE")
    assert vevent["ATTENDEE"].params["PARTSTAT"] == "TENTATIVE"
    desk.do(service.approve_person, desk.person())
    desk.do(service.approve_person, desk.person("bob@example.org"))
    desk.do(service.decline_person, desk.person("cat@example.org"))
    assert desk.states(event) == {"ann": "confirmed", "bob": "waiting", "cat": "declined"}
    method, vevent = invitation(desk.mails("ann@example.org")[-1])
    assert (method, vevent["SEQUENCE"], str(vevent["STATUS"])) == ("REQUEST", 1, "CONFIRMED")
    assert [mail.calendar_method for mail in desk.mails("bob@example.org")] == ["REQUEST", "CANCEL"]
    assert [mail.calendar_method for mail in desk.mails("cat@example.org")] == ["REQUEST", "CANCEL"]
    with pytest.raises(rules.ChangeRefused):
        desk.do(service.approve_person, desk.person())


def test_the_joining_link_goes_to_confirmed_people_online_alone(session: Session, desk: Desk) -> None:
    event = make_event(
        session, mode="hybrid", capacity_in_person=5, capacity_online=1, joining_link="https://meet.example.org/x"
    )
    desk.register(event, "on@example.org", attending="online")
    desk.register(event, "in@example.org", attending="in_person")
    desk.register(event, "wait@example.org", attending="online", if_full="wait")
    told = {mail.to_email: "meet.example.org" in mail.body_text for mail in desk.mails()}
    assert told == {"on@example.org": True, "in@example.org": False, "wait@example.org": False}
    calendar = desk.mails("on@example.org")[0].calendar
    assert calendar is not None and b"meet.example.org" in calendar


def test_hybrid_people_change_sides_while_there_is_room(session: Session, desk: Desk) -> None:
    event = make_event(session, mode="hybrid", capacity_in_person=1, capacity_online=1)
    desk.register(event, attending="in_person")
    desk.register(event, "bob@example.org", attending="in_person", if_full="wait")
    changes = service.Changes(name="Ann Example", attending="online", access_needs="Captions")
    assert sorted(desk.do(service.change_details, desk.person(), changes=changes)) == ["access_needs", "attending"]
    assert desk.person().attending == "online"
    assert desk.states(event) == {"ann": "confirmed", "bob": "offered"}
    assert desk.kinds("ann@example.org") == ["place_confirmed", "place_confirmed"]
    desk.do(service.take_offer, desk.person("bob@example.org"))
    with pytest.raises(rules.ChangeRefused) as caught:
        desk.do(
            service.change_details, desk.person("bob@example.org"),
            changes=service.Changes(name="Bob", attending="online"),
        )
    assert caught.value.field == "attending"
    assert desk.person("bob@example.org").name == "Ann Example", "nothing was changed"
    unchanged = service.Changes(name="Ann Example", attending="online", access_needs="Captions")
    assert desk.do(service.change_details, desk.person(), changes=unchanged) == []
    desk.do(service.change_details, desk.person(), changes=service.Changes(name="Ann", attending="online"))
    assert session.get(Needs, desk.person().id) is None


def test_moving_to_another_date_frees_the_old_place(session: Session, desk: Desk, clock: FakeClock) -> None:
    series = Series(title="Example", created_at=clock.now)
    session.add(series)
    session.commit()
    series_id = series.id
    old = make_event(session, series_id=series_id, capacity_in_person=1)
    new = make_event(session, series_id=series_id, starts_at=clock.now + timedelta(days=60), capacity_in_person=1)
    other = make_event(session)
    desk.register(old, access_needs="Step-free")
    desk.register(old, "bob@example.org", if_full="wait")
    with pytest.raises(rules.ChangeRefused):
        desk.do(service.move_place, desk.person(), to_event_id=other.id)
    desk.do(service.move_place, desk.person(event=old), to_event_id=new.id)
    assert desk.states(old) == {"ann": "cancelled", "bob": "offered"}
    assert desk.states(new) == {"ann": "confirmed"}
    moved = desk.person(event=new)
    needs = session.get(Needs, moved.id)
    assert needs is not None and needs.access_needs == "Step-free"
    told = [(mail.kind.rpartition("/")[2], mail.calendar_method) for mail in desk.mails("ann@example.org")]
    assert told == [("place_confirmed", "REQUEST"), ("place_cancelled", "CANCEL"), ("place_confirmed", "REQUEST")]
    # The date moved to is full now: the choice comes before anything is given up.
    desk.do(service.take_offer, desk.person("bob@example.org"))
    with pytest.raises(rules.FullChoice):
        desk.do(service.move_place, desk.person("bob@example.org"), to_event_id=new.id)
    assert desk.states(old)["bob"] == "confirmed"
    desk.do(service.move_place, desk.person("bob@example.org"), to_event_id=new.id, if_full="wait")
    assert desk.states(new) == {"ann": "confirmed", "bob": "waiting"}


def test_staff_add_and_cancel_people_within_the_capacity(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session, capacity_in_person=1, booking="by_invitation")
    for name, state in (("ann", "confirmed"), ("bob", "waiting")):
        with transaction() as open_session:
            made = service.add_person(
                open_session, event_id=event.id, details=service.Details(name, f"{name}@example.org"),
                now=clock.now, settings=desk.settings, actor=COMMAND,
            )
            assert made.state == state
    with pytest.raises(DomainError) as caught, transaction() as open_session:
        service.add_person(
            open_session, event_id=event.id, details=service.Details("Ann", "ANN@example.org"), now=clock.now,
            settings=desk.settings, actor=COMMAND,
        )
    assert caught.value.field == "email"
    desk.do(service.cancel_for_person, desk.person(), actor=COMMAND)
    assert desk.states(event) == {"ann": "declined", "bob": "offered"}
    assert desk.mails("ann@example.org")[-1].calendar_method == "CANCEL"
    assert "organiser" in desk.mails("ann@example.org")[-1].subject


def test_a_personal_calendar_is_shown_once_and_ends_the_one_before(session: Session, desk: Desk) -> None:
    desk.register(make_event(session))
    first = desk.do(service.make_calendar, desk.person())
    second = desk.do(service.make_calendar, desk.person())
    assert first != second and second.startswith("http://localhost/calendars/") and second.endswith(".ics")
    tokens = [link.rpartition("/")[2].removesuffix(".ics") for link in (first, second)]
    assert queries.address_by_calendar_token(session, tokens[0]) is None
    found = queries.address_by_calendar_token(session, tokens[1])
    assert found is not None and found.email_key == "ann@example.org"
    assert queries.person_by_token(session, tokens[1]) is None, "a calendar's token opens no place"


def test_finding_a_place_tells_known_and_unknown_alike(session: Session, desk: Desk, clock: FakeClock) -> None:
    desk.register(make_event(session))
    desk.register(make_event(session))
    desk.register(make_event(session, starts_at=clock.now + timedelta(hours=1)))
    clock.advance(days=1)
    before = len(desk.mails())
    for email in ("nobody@example.org", "ann@example.org"):
        with transaction() as open_session:
            service.find_my_place(open_session, email=email, now=clock.now, settings=desk.settings)
    assert desk.mails("nobody@example.org") == []
    assert len(desk.mails()) == before + 1
    mail = desk.mails()[-1]
    assert mail.kind == "registration/find_my_place"
    assert mail.body_text.count("[[link:place_") == 2, "events that are over are left out"
    asked = session.scalar(select(func.count()).where(AuditEntry.action == "link_asked_for"))
    assert asked == 2


def test_the_check_at_sending_drops_what_is_no_longer_so(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session, capacity_in_person=1)
    desk.register(event)
    desk.register(event, "bob@example.org", if_full="wait")
    confirmed, waiting = desk.mails()
    assert service.reason_not_to_send(session, confirmed, clock.now) is None
    assert service.reason_not_to_send(session, waiting, clock.now) is None
    desk.do(service.cancel_place, desk.person())
    confirmed, waiting, cancelled, offered = desk.mails()
    assert service.reason_not_to_send(session, confirmed, clock.now)
    assert service.reason_not_to_send(session, waiting, clock.now)
    assert service.reason_not_to_send(session, cancelled, clock.now) is None
    assert service.reason_not_to_send(session, offered, clock.now) is None
    assert service.reason_not_to_send(session, offered, clock.now + timedelta(hours=48))


def test_pages_and_lists_move_only_when_their_words_change(session: Session, desk: Desk) -> None:
    event = make_event(session, capacity_in_person=30)
    before = public_version(session)
    page = event.version
    for name in "abc":
        desk.register(event, f"{name}@example.org")
    assert public_version(session) == before
    assert desk.event(event).version == page, "still “Places available”"
    for number in range(8):
        desk.register(event, f"n{number}@example.org")
    assert public_version(session) != before, "19 places left"
    assert desk.event(event).version > page


def test_what_has_had_its_time_is_erased_and_counts_stay(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session)
    desk.register(event, access_needs="Planted need", organisation="Planted Council", question="Planted question")
    desk.register(event, "bob@example.org")
    desk.do(service.make_calendar, desk.person())
    desk.do(service.cancel_place, desk.person("bob@example.org"), reason="Planted reason")
    token = desk.link().rpartition("/")[2]
    over_at = event.over_at

    def erase(dry_run: bool = False) -> dict[str, int]:
        with transaction() as open_session:
            return service.erase_expired(open_session, now=clock.now, dry_run=dry_run)

    clock.now = over_at + timedelta(days=29)
    assert set(erase().values()) == {0}
    clock.now = over_at + timedelta(days=30)
    assert erase(dry_run=True)["access and food needs"] == 1
    assert session.scalar(select(func.count()).select_from(Needs)) == 1
    assert erase()["access and food needs"] == 1
    assert desk.person().name == "Ann Example"
    clock.now = over_at + timedelta(days=365)
    gone = {
        "access and food needs": 0, "answers to personal questions": 0, "people": 2, "personal calendars": 1,
        "people invited": 0,
    }  # fmt: skip
    assert erase(dry_run=True) == gone
    assert erase() == gone
    assert set(erase().values()) == {0}
    session.rollback()
    rows = session.scalars(select(Registration).order_by(Registration.id)).all()
    assert [row.state for row in rows] == ["confirmed", "cancelled"]
    everything = " ".join(str(vars(row)) for row in rows)
    for planted in ("Planted", "ann@", "bob@", "Ann Example"):
        assert planted not in everything
    assert queries.person_by_token(session, token) is None
    assert session.scalars(select(CalendarToken)).all() == []
    with pytest.raises(NotFound):
        desk.do(service.cancel_place, rows[0].id)


def test_broken_order_is_put_right_before_a_newcomer_is_served(session: Session, desk: Desk, clock: FakeClock) -> None:
    event = make_event(session, capacity_in_person=1)
    make_registration(session, event, email="wait@example.org", state="waiting")
    with pytest.raises(rules.FullChoice):
        desk.register(event)
    # The refusal rolled the offer back too; the next change makes it.
    assert desk.register(event, if_full="wait").kind == "waiting"
    assert desk.states(event) == {"wait": "offered", "ann": "waiting"}
