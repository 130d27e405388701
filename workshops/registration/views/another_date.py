"""Those who got no place start the next event: what is wanted, asking which date suits, and answering."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from flask import abort, flash, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from workshops.audit.rules import staff
from workshops.core.clock import now
from workshops.core.db import db, transaction
from workshops.core.errors import DomainError
from workshops.core.london_time import date_words, london_date
from workshops.registration import service
from workshops.registration.forms import AnotherDateForm, ChooseDateForm, DatePollForm
from workshops.registration.models import DatePoll, DatePollAnswer
from workshops.registration.queries import poll_answer_by_token, topics_wanted, wanted_events
from workshops.registration.views import blueprint
from workshops.registration.views.public import _private
from workshops.registration.views.staff import _own_event, _page
from workshops.schedule.models import Event
from workshops.schedule.queries.public import event_view
from workshops.schedule.queries.reach import within_reach
from workshops.schedule.rules.problems import DetailsDoNotFit
from workshops.schedule.rules.public_state import when_text
from workshops.schedule.rules.repeats import chosen_days
from workshops.web.access import BY_LINK, FACILITATOR, access
from workshops.web.guards import settings
from workshops.web.responses import see_other

#: What people wanted longer ago says little about now.
SINCE = timedelta(days=365)


@blueprint.get("/staff/demand")
@access(FACILITATOR)
def demand() -> ResponseReturnValue:
    """What people wanted and did not get, by area and topic: where the next event belongs. Counts alone."""
    wanted = wanted_events(db.session(), since=now() - SINCE, within=within_reach(current_user))
    areas: Counter[str] = Counter()
    for one in wanted:
        areas[one.area] += one.people
    return render_template(
        "registration/demand.html",
        wanted=wanted,
        areas=sorted(areas.items(), key=lambda item: (-item[1], item[0])),
        topics=topics_wanted(db.session(), wanted),
    )


@blueprint.route("/staff/events/<slug>/another-date", methods=["GET", "POST"])
@access(FACILITATOR, keeps_typed=True)
def another_date(slug: str) -> ResponseReturnValue:
    """Ask those who want another date which one suits; then choose."""
    event = _own_event(slug)
    poll = service.open_poll(db.session(), event.id)
    if poll is not None:
        return _choose(event, poll)
    form = AnotherDateForm()
    if request.method != "POST" or not form.validate():
        return _ask_page(event, form), 200 if request.method != "POST" else 422
    event_id = event.id
    try:
        days = chosen_days(form.dates.data, today=london_date(now()))
        with transaction() as session:
            service.ask_for_dates(
                session, event_id=event_id, days=days, now=now(), settings=settings(), actor=staff(current_user.id)
            )
    except DetailsDoNotFit as unfit:
        form.add_error(unfit.problems[0].sentence, "dates")
    except DomainError as error:
        form.add_error(str(error), error.field)
    else:
        flash("They are asked by email, and the new date is a draft. Come back here to see what they answer.")
        return see_other(url_for("registration.another_date", slug=slug))
    return _ask_page(_own_event(slug), form), 422


def _ask_page(event: Event, form: AnotherDateForm) -> str:
    people = service.people_to_ask(db.session(), event.id)
    return _page("another_date", event, form=form, poll=None, waiting=sum(one.state == "waiting" for one in people),
                 number=len(people))  # fmt: skip


def _choose(event: Event, poll: DatePoll) -> ResponseReturnValue:
    picture = service.picture_of(db.session(), poll)
    form = ChooseDateForm()
    form.day.choices = [(day, _words(day)) for day in poll.days]
    form.day.hints = {day: f"Suits {picture.suits[day]} of {picture.answered} who answered" for day in poll.days}
    event_id, slug, draft_slug = event.id, event.slug, poll.draft.slug
    status = 200
    if request.method == "POST":
        status = 422
        if form.validate():
            try:
                with transaction() as session:
                    service.choose_date(
                        session, event_id=event_id, day=form.day.data, now=now(), settings=settings(),
                        actor=staff(current_user.id),
                    )
            except DetailsDoNotFit as unfit:
                form.add_error(unfit.problems[0].sentence, "day")
            except DomainError as error:
                form.add_error(str(error), error.field)
            else:
                flash("The draft has this date. When you publish it, those whom it suits are offered its places first.")
                return see_other(url_for("schedule.staff_event", slug=draft_slug))
        event = _own_event(slug)
        found = service.open_poll(db.session(), event_id)
        if found is None:  # published in the meantime
            return see_other(url_for("registration.another_date", slug=slug))
        poll = found
    return _page(
        "another_date", event, form=form, poll=poll, picture=picture, draft=poll.draft,
        chosen=_words(poll.chosen) if poll.chosen else "",
    ), status


def _words(day: str) -> str:
    return date_words(date.fromisoformat(day))


@blueprint.route("/date-polls/<token>", methods=["GET", "POST"])
@access(BY_LINK, keeps_typed=True)
def date_poll(token: str) -> ResponseReturnValue:
    """Which of these dates suit you? Opening it changes nothing; the button does."""
    answer = poll_answer_by_token(db.session(), token)
    if answer is None:
        return make_response(render_template("registration/_link_gone.html"), 404)
    form = DatePollForm(data={"days": _ticked(answer)})
    form.days.choices = [*((day, _words(day)) for day in answer.poll.days), ("none", "None of these")]
    if request.method != "POST" or answer.poll.chosen is not None or not form.validate():
        status = 200 if request.method != "POST" else 422
        return _private(make_response(_poll_page(token, answer, form), status))
    answer_id = answer.id
    try:
        with transaction() as session:
            service.answer_poll(
                session, answer_id=answer_id, days=[day for day in form.days.data if day != "none"], now=now()
            )
    except DomainError as error:
        form.add_error(str(error))
        again = poll_answer_by_token(db.session(), token)
        if again is None:
            abort(404)
        return _private(make_response(_poll_page(token, again, form), 422))
    return see_other(url_for("registration.date_poll", token=token, saved=1))


def _ticked(answer: DatePollAnswer) -> list[str]:
    if answer.days is None:
        return []
    return answer.days or ["none"]


def _poll_page(token: str, answer: DatePollAnswer, form: DatePollForm) -> str:
    poll = answer.poll
    source = answer.registration.event
    return render_template(
        "registration/date_poll.html",
        token=token,
        event=source,
        when=when_text(event_view(source)),
        form=form,
        chosen=_words(poll.chosen) if poll.chosen else "",
        draft=poll.draft if poll.draft.state != "draft" else None,
        is_saved=request.args.get("saved") == "1" and answer.answered_at is not None,
    )
