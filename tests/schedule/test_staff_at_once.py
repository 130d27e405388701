"""Several members of staff at the same moment, on connections of their own: nobody's change is lost or undone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Flask
from sqlalchemy.orm import Session

from tests.conftest import FakeClock
from tests.factories import (
    make_account,
    make_event,
    make_host,
    make_programme,
    make_proposal,
    make_venue,
    proposal_link,
)
from workshops.audit.rules import staff
from workshops.config import Settings
from workshops.core.db import db, transaction
from workshops.proposals import service as proposals
from workshops.proposals.rules import WrongState
from workshops.proposals.service.own import event_fields_of
from workshops.schedule import service
from workshops.schedule.models import Event, Series
from workshops.schedule.queries import lock_event
from workshops.schedule.rules.reach import Reach
from workshops.schedule.service import details_of
from workshops.schedule.service.names import merge_hosts
from workshops.schedule.service.venues import merge_venues

#: How long the first one stays inside, so that the second one has read what it is going to read.
INSIDE_S = 0.4


def meanwhile(
    app: Flask,
    first: Callable[[Session], Any],
    second: Callable[[Session], Any],
    then: Callable[[Session], Any] = lambda session: None,
) -> Any:
    """`second` in a thread that begins when `first` has done all but commit; what it returned or raised.

    then: what the first one goes on to do when the second has come as far as it comes.
    """
    db.session.rollback()
    done, answer = threading.Event(), []

    def run() -> None:
        with app.app_context():
            done.wait()
            try:
                with transaction() as session:
                    answer.append(second(session))
            except Exception as error:
                answer.append(error)
            finally:
                db.session.remove()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        with transaction() as session:
            first(session)
            done.set()
            time.sleep(INSIDE_S)
            then(session)
    finally:
        done.set()
        thread.join()
    return answer[0]


def test_merging_what_events_have_undoes_no_cancellation(
    app: Flask, session: Session, clock: FakeClock, settings: Settings
) -> None:
    account = make_account(session)
    how: dict[str, Any] = {"now": clock.now, "actor": staff(account.id), "settings": settings}
    venues = [make_venue(session, name).id for name in ("Old Hall", "New Hall")]
    hosts = [make_host(session, name).id for name in ("Old Network", "New Network")]
    merges: tuple[tuple[dict[str, int], Callable[..., Any], list[int]], ...] = (
        ({"venue_id": venues[0]}, merge_venues, venues), ({"host_id": hosts[0]}, merge_hosts, hosts)
    )
    for values, merge, (gone, kept) in merges:
        event_id = make_event(session, **values).id
        came = meanwhile(
            app,
            lambda own, one=event_id: service.cancel_event(own, event_id=one, reason="Snow", tell=None, **how),
            lambda own, merge=merge, gone=gone, kept=kept: merge(own, gone_id=gone, kept_id=kept, **how).id,
        )
        assert came == kept
        event = session.get_one(Event, event_id)
        assert event.state == "cancelled" and b"STATUS:CANCELLED" in (event.vevent or b"")
        assert b"New " in (event.vevent or b"") or "venue_id" not in values
        session.rollback()


def test_an_import_undoes_no_cancellation(app: Flask, session: Session, clock: FakeClock, settings: Settings) -> None:
    account = make_account(session)
    how: dict[str, Any] = {"now": clock.now, "actor": staff(account.id), "settings": settings}
    event = make_event(session)
    event_id = event.id
    sheet = f"uid,title,kind,starts,ends,mode,booking\n{event.uid},New,workshop,5 Apr 2027 10:00,5 Apr 2027 12:00,"
    sheet += "in person,first come\n"

    def bring(own: Session) -> Any:
        return service.import_rows(own, text_or_bytes=sheet, filename="a.csv", publish=True, dry_run=False, **how)

    report = meanwhile(
        app, lambda own: service.cancel_event(own, event_id=event_id, reason="Snow", tell=None, **how), bring
    )
    assert report.saved, report
    assert session.get_one(Event, event_id).state == "cancelled"


def test_two_organisers_who_publish_everything_at_once_publish_it_once(
    app: Flask, session: Session, clock: FakeClock, settings: Settings
) -> None:
    account = make_account(session, role="admin")
    how: dict[str, Any] = {"now": clock.now, "actor": staff(account.id), "settings": settings}
    programme = make_programme(session)
    series = Series(title="A series", created_at=clock.now)
    session.add(series)
    session.commit()
    ids = [make_event(session, state="draft", programme_id=programme.id, series_id=series.id).id for _ in range(4)]
    programme_id, reach = programme.id, Reach(account_id=account.id, role="admin")
    came = meanwhile(
        app,
        lambda own: service.publish_event(own, event_id=ids[1], **how),
        lambda own: service.publish_drafts(own, programme_id=programme_id, event_ids=ids[:3], **how),
    )
    assert came == (2, 0)
    came = meanwhile(
        app,
        lambda own: service.publish_event(own, event_id=ids[3], **how),
        lambda own: service.publish_dates(own, event_id=ids[0], reach=reach, **how),
    )
    assert came == 0
    assert {one.state for one in session.query(Event)} == {"published"}


def test_a_host_and_an_organiser_at_one_draft_do_not_wait_for_each_other(
    app: Flask, session: Session, clock: FakeClock, settings: Settings
) -> None:
    account = make_account(session)
    how: dict[str, Any] = {"now": clock.now, "settings": settings}
    event = make_event(session, state="draft")
    proposal = make_proposal(session, state="accepted", event_id=event.id)
    proposal_link(session, proposal)
    event_id, proposal_id, account_id = event.id, proposal.id, account.id
    fields = proposals.EventFields(**{**asdict(event_fields_of(details_of(session, event))), "title": "Another title"})
    came = meanwhile(
        app,
        lambda own: lock_event(own, event_id),
        lambda own: proposals.edit_event(own, proposal_id=proposal_id, fields=fields, **how),
        then=lambda own: service.publish_event(own, event_id=event_id, actor=staff(account_id), **how),
    )
    assert isinstance(came, WrongState)
    assert session.get_one(Event, event_id).state == "published"
