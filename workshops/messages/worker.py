"""Sends what is due: claim with a lease, check again, send, note it down.

At-least-once: a worker that is killed after the server took a mail and before that was noted leaves a lease
behind, and after it the mail goes out again with the same Message-ID. Nothing is lost, nothing is sent that
was rolled back. Logs hold ids and kinds, never a name, an address or a link.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.errors import MessageError

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from workshops.config import Settings
from workshops.core.db import db, transaction
from workshops.core.text import clean_text
from workshops.messages import mime, queries, render, rules, service
from workshops.messages.models import OutboxMessage
from workshops.messages.reply_address import sender_of
from workshops.messages.transports import MAIL_BUDGET_S, NotSent, Parcel, Transport, file_name, transport_for

#: How long a batch is held. No mail is begun unless it can end within the lease (MAIL_BUDGET_S), so a lease
#: never runs out while its mail is on the way, however slow the server is.
LEASE_S = 300
#: How long the worker sleeps when there is nothing to do.
IDLE_S = 2.0
#: How often other due work is looked at.
DUE_WORK_EVERY_S = 10
BATCH = 20

#: check(session, message, now) -> why it must not be sent any more, or None.
Check = Callable[[Session, OutboxMessage, datetime], str | None]
#: work(session, *, now, settings) -> how many things it did.
DueWork = Callable[..., int]
Clock = Callable[[], datetime]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Held:
    """A message this worker holds: whose lease, and until when."""

    message_id: int
    owner: str
    until: datetime


def send_due(
    settings: Settings,
    *,
    checks: Mapping[str, Check],
    transport: Transport,
    clock: Clock,
    batch: int = BATCH,
    stop: threading.Event | None = None,
) -> int:
    """Send one batch of due messages; returns how many were taken in hand (0: nothing is due).

    stop: when set, the message in hand is finished and the others are given back.
    Needs an application context. Raises SQLAlchemyError when the database does not answer.
    """
    held = _claim(clock(), batch)
    down: NotSent | None = None
    try:
        for each in held:
            is_stopping = stop is not None and stop.is_set()
            if is_stopping or clock() + timedelta(seconds=MAIL_BUDGET_S) > each.until:
                _give_back(each)
            else:
                down = _send_one(each, settings, checks, transport, clock, down) or down
    finally:
        transport.close()
    return len(held)


def _claim(now: datetime, batch: int) -> Sequence[_Held]:
    if not queries.has_due_messages(db.session(), now):
        db.session.rollback()
        return []  # without asking for the write lock every two seconds
    owner = f"{os.getpid()}-{secrets.token_hex(8)}"
    until = now + timedelta(seconds=LEASE_S)
    with transaction() as session:
        taken = queries.lock_due_messages(session, now, limit=batch)
        for message in taken:
            message.state, message.lease_owner, message.lease_until = "sending", owner, until
        return [_Held(message.id, owner, until) for message in taken]


def _give_back(held: _Held) -> None:
    """The batch took too long, or the worker is to stop: what is left is due again, for anybody."""
    with transaction() as session:
        message = queries.lock_held_message(session, held.message_id, held.owner)
        if message is not None:
            _release(message, "retry" if message.attempts else "due")


def _send_one(
    held: _Held,
    settings: Settings,
    checks: Mapping[str, Check],
    transport: Transport,
    clock: Clock,
    down: NotSent | None,
) -> NotSent | None:
    """Take one message to its end. down: why the server takes nothing just now, learnt from an earlier mail.

    Returns that reason when this mail learnt it.
    """
    ready = _prepare(held, settings, checks, clock())
    if ready is None:
        return None
    try:
        if down is not None:
            raise down
        transport.send(ready)
    except NotSent as error:
        _note_failure(held, error, clock())
        return error if error.server_down else None
    _finish(held, "sent", "", clock())
    return None


def _prepare(held: _Held, settings: Settings, checks: Mapping[str, Check], now: datetime) -> Parcel | None:
    """The mail ready to go; None when it must not go (any more), which is noted down."""
    session = db.session()
    session.rollback()
    try:
        message = session.get(OutboxMessage, held.message_id)
        if message is None or message.lease_owner != held.owner:
            return None
        check = checks.get(message.about_kind)
        reason = check(session, message, now) if check is not None else None
        if rules.is_too_late(message.drop_after, now):
            reason = reason or "too late"
        if reason is None:
            return _parcel(message, settings, now)
        state = "cancelled"
    except SQLAlchemyError:
        raise
    except _Unsendable as error:
        state, reason = "failed", str(error)
    except Exception as error:  # one bad message or check must not stop the others
        _log.error("message %d could not be prepared: %s", held.message_id, where(error))
        session.rollback()
        _note_failure(held, NotSent(f"It could not be prepared ({type(error).__name__})."), now)
        return None
    finally:
        session.rollback()
    _finish(held, state, reason, now)
    return None


class _Unsendable(Exception):
    """A message that can never be sent, with the reason."""


def _parcel(message: OutboxMessage, settings: Settings, now: datetime) -> Parcel:
    links = service.unsealed_links(message, settings=settings)
    if links is None:
        raise _Unsendable("Its personal link was sealed with another secret key. Send the person a new link.")
    try:
        letter = mime.Letter(
            message_id=message.message_id,
            to_email=message.to_email,
            to_name=message.to_name,
            subject=message.subject,
            text=render.put_links_in(message.body_text, links, is_html=False),
            html=render.put_links_in(message.body_html, links, is_html=True),
            calendar=message.calendar,
            calendar_method=message.calendar_method,
        )
        mail = mime.build_mail(letter, mail_from=sender_of(message, settings), sent_at=now)
    except (ValueError, KeyError, IndexError, MessageError) as error:
        raise _Unsendable(f"It cannot be written as a mail ({type(error).__name__}).") from None
    return Parcel(message.to_email, mail, file_name(message.created_at, message.id, message.kind))


def _release(message: OutboxMessage, state: str) -> None:
    message.state = state
    message.lease_owner = message.lease_until = None


def _finish(held: _Held, state: str, words: str, now: datetime) -> None:
    """Note the end of a message down: sent, cancelled or failed. Its personal links go."""
    with transaction() as session:
        message = queries.lock_held_message(session, held.message_id, held.owner)
        if message is None:
            return  # the lease ran out; whoever has it now notes the end
        _release(message, state)
        message.sealed_links = None
        message.last_error = _short(words)
        if state == "sent":
            message.attempts += 1
            message.sent_at = now


def _note_failure(held: _Held, error: NotSent, now: datetime) -> None:
    with transaction() as session:
        message = queries.lock_held_message(session, held.message_id, held.owner)
        if message is None:
            return
        message.attempts += 1
        outcome = rules.after_failure(message.attempts, now, permanent=error.permanent, jitter=random.random())
        _release(message, outcome.state)
        message.last_error = _short(str(error))
        if outcome.try_at is None:
            message.sealed_links = None
            message.refused_at = now if error.permanent else None
        else:
            message.due_at = outcome.try_at
        _log.warning("message %d (%s) was not taken: %s", message.id, message.kind, outcome.state)


def _short(words: str) -> str:
    return clean_text(words)[: rules.MAX_ERROR_LENGTH]


def where(error: BaseException) -> str:
    """The kind of an error and where it came from, without its words, which may hold somebody's data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "somewhere"
    return f"{type(error).__name__} at {place}"


def do_due_work(settings: Settings, due_work: Mapping[str, DueWork], now: datetime) -> int:
    """Do each piece of due work in a transaction of its own; one that fails does not stop the others.

    Returns how many things were done in all.
    """
    done = 0
    for name, work_on in due_work.items():
        try:
            with transaction() as session:
                done += work_on(session, now=now, settings=settings)
        except Exception as error:  # told in the log, and tried again next time
            _log.error("due work was not done: %s: %s", name, where(error))
    return done


def do_once(
    settings: Settings,
    *,
    checks: Mapping[str, Check],
    due_work: Mapping[str, DueWork],
    clock: Clock,
    transport: Transport | None = None,
) -> int:
    """Do all due work and send all that is due now, then return how many messages were taken in hand."""
    transport = transport or transport_for(settings)
    do_due_work(settings, due_work, clock())
    total = 0
    while taken := send_due(settings, checks=checks, transport=transport, clock=clock):
        total += taken
    return total


def work(
    settings: Settings,
    *,
    checks: Mapping[str, Check],
    due_work: Mapping[str, DueWork],
    stop: threading.Event,
    clock: Clock,
    sleep: Callable[[float], object] | None = None,
    transport: Transport | None = None,
) -> None:
    """Do due work and send mail until `stop` is set; what is in hand then is finished first.

    sleep: how to wait; stop.wait when None, so that a stop is felt at once.
    A database that does not answer is waited for. Needs an application context.
    """
    sleep = sleep or stop.wait
    transport = transport or transport_for(settings)
    next_due_work = clock()
    while not stop.is_set():
        try:
            if clock() >= next_due_work:
                do_due_work(settings, due_work, clock())
                next_due_work = clock() + timedelta(seconds=DUE_WORK_EVERY_S)
            taken = send_due(settings, checks=checks, transport=transport, clock=clock, stop=stop)
        except Exception as error:  # nothing may end the worker but a stop
            _log.error("the worker waits after an error: %s", where(error))
            db.session.remove()
            taken = 0
        if not taken:
            sleep(IDLE_S)
