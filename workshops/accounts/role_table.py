"""Who may do what: every address of the application, by what it does and who may do that. Pure.

This is the table behind the page "Who may do what", and what `tests/guards/test_who_may.py` holds every route to:
it calls each of them as each of these people and compares. It decides nothing by itself; that is done where the
route is declared (`web.access`) and by `schedule.rules.reach`. A route that is not here fails that test: add it to
the action it belongs to, or add an action.

Endpoints are written "schedule.edit_event", for GET and POST alike, or "schedule.staff_kinds POST" for one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

# Who asks, seen from one event, its programme, its people and its write-up.
ADMIN = "admin"
ORGANISER = "organiser of this programme"
OTHER_ORGANISER = "organiser of other programmes"
OWNER = "facilitator who looks after this event"
BESIDE = "facilitator who runs this event beside its owner"
WRITER = "facilitator who writes it up"
FACILITATOR = "facilitator of other events"
VIEWER = "viewer"
HOST = "host, by their link"
PUBLIC = "anybody"

ACTORS = (ADMIN, ORGANISER, OTHER_ORGANISER, OWNER, BESIDE, WRITER, FACILITATOR, VIEWER, HOST, PUBLIC)

EVERYBODY = frozenset(ACTORS)
STAFF = EVERYBODY - {HOST, PUBLIC}
MAKERS = STAFF - {VIEWER}
#: Who runs an event, people included.
RUNNERS = frozenset({ADMIN, ORGANISER, OWNER, BESIDE})
#: Who may change a write-up: who runs its event, and who was asked to write it.
WRITERS = RUNNERS | {WRITER}
#: Who may change a programme.
ORGANISERS_OF_IT = frozenset({ADMIN, ORGANISER})
#: Who may do what concerns all programmes alike.
ORGANISERS = frozenset({ADMIN, ORGANISER, OTHER_ORGANISER})
ADMINS = frozenset({ADMIN})


@dataclass(frozen=True)
class Action:
    """One line of the table. by_link: nothing but a personal link opens it, whoever holds it."""

    words: str
    who: frozenset[str]
    endpoints: tuple[str, ...]
    by_link: bool = False


#: By heading.
TABLE: dict[str, tuple[Action, ...]] = {
    "What is public": (
        Action(
            "Find events and programmes, read what came of them, and subscribe to calendars",
            EVERYBODY,
            (
                "schedule.start", "schedule.events", "schedule.event", "schedule.month", "schedule.past",
                "schedule.programmes", "schedule.programme", "followup.write_ups",
                "feeds.calendar_ics", "feeds.event_ics", "feeds.programme_ics", "feeds.calendars",
                "feeds.host_ics", "feeds.venue_ics", "feeds.series_ics", "feeds.events_atom",
                "feeds.write_ups_atom", "site.accessibility", "site.privacy", "site.cookies", "site.contact",
                "site.robots_txt", "site.security_txt", "static_file", "evidence.healthz", "evidence.readyz",
            ),
        ),
        Action(
            "Register for an event, and ask for the own link again",
            EVERYBODY,
            (
                "registration.register", "registration.receipt", "registration.register_for_several",
                "registration.receipt_for_several", "registration.find_my_place",
            ),
        ),
        Action(
            "See, change, move and cancel the own place",
            EVERYBODY,
            (
                "registration.place", "registration.change_place", "registration.cancel_place",
                "registration.move_place", "registration.take_offer", "registration.decline_offer",
                "registration.still_coming", "registration.pass_on", "registration.take_pass_back",
                "registration.take_over", "registration.date_poll", "registration.my_data",
                "registration.delete_my_data", "registration.make_calendar", "feeds.my_calendar_ics",
            ),
            by_link=True,
        ),
    ),
    "Reading": (
        Action(
            "Read all events, drafts too, and how many people registered; never names",
            STAFF,
            ("schedule.staff_home", "schedule.staff_event", "schedule.dates_of_event", "schedule.preview_event",
             "evidence.export_events"),
        ),
        Action("See how calendars are read", ORGANISERS, ("feeds.feed_health",)),
        Action("Read programmes, figures and write-ups", STAFF,
               ("schedule.staff_programmes", "schedule.staff_programme", "schedule.gap_map", "schedule.gap_events",
                "schedule.gap_map_csv", "evidence.figures", "followup.staff_write_ups")),
        Action(
            "Read venues, organisations, topics and kinds of events",
            STAFF,
            ("schedule.staff_more", "schedule.staff_venues", "schedule.staff_venue", "schedule.staff_hosts",
             "schedule.staff_host", "schedule.staff_topics GET", "schedule.staff_kinds GET"),
        ),
    ),
    "Events": (
        Action("Make an event, or copy one", MAKERS,
               ("schedule.new_event", "schedule.preview_description", "schedule.copy_event")),
        Action("Change, repeat and publish an event", RUNNERS,
               ("schedule.edit_event", "schedule.edit_part", "schedule.edit_days", "schedule.check_event",
                "schedule.publish_event", "schedule.unpublish_event", "schedule.repeat_event", "schedule.add_date",
                "schedule.publish_dates")),
        Action("Postpone, cancel and reinstate an event", RUNNERS,
               ("schedule.postpone_event", "schedule.cancel_event", "schedule.reinstate_event",
                "schedule.cancel_dates")),
        Action("Bring in events from a file", ORGANISERS, ("schedule.import_events",)),
    ),
    "People at an event": (
        Action(
            "See who registered, and what they were sent",
            RUNNERS,
            ("registration.people", "registration.person", "registration.event_messages",
             "registration.event_message", "registration.message", "evidence.export_people",
             "registration.ledger", "registration.to_reach"),
        ),
        Action(
            "See what people need and arrange it, where the account may read needs; each look at names is written down",
            RUNNERS,
            ("registration.needs", "registration.hide_needs", "registration.answer_need", "registration.choose_kinds",
             "registration.close_need"),
        ),
        Action("See at which of their own events people got no place", MAKERS, ("registration.demand",)),
        Action("Ask people which other date suits, and take one", RUNNERS, ("registration.another_date",)),
        Action("Say how places are given, and let somebody go first", RUNNERS,
               ("registration.place_rules", "registration.waiting_list", "registration.skip_person")),
        Action(
            "Add people, answer requests, cancel places and send links again",
            RUNNERS,
            ("registration.add_person", "registration.approve_person", "registration.decline_person",
             "registration.cancel_person", "registration.resend_link", "registration.answer_people",
             "registration.send_to_all", "registration.send_to_one"),
        ),
        Action(
            "Write to people, bring in a list, correct and move people, and put two registrations of one together",
            RUNNERS,
            ("registration.write_to_people", "registration.import_people", "registration.correct_person",
             "registration.move_person", "registration.people_twice", "registration.merge_people"),
        ),
        Action("See the messages of all their own events, and those that did not arrive", MAKERS,
               ("registration.messages",)),
        Action(
            "Hold, change, cancel and send again messages that are not sent yet",
            RUNNERS,
            ("registration.edit_message", "registration.act_on_message"),
        ),
        Action(
            "Invite people, and take an invitation back",
            RUNNERS,
            ("registration.invited", "registration.tell_invited", "registration.tell_invitee",
             "registration.remove_invitee"),
        ),
        Action(
            "Say who came",
            RUNNERS,
            ("attendance.on_the_day", "attendance.find_person", "attendance.mark", "attendance.attendance_after",
             "attendance.save_attendance", "attendance.register_sheet", "followup.record_headcount"),
        ),
    ),
    "Afterwards": (
        Action(
            "Write, publish and withdraw notes, and promise write-ups",
            RUNNERS,
            ("followup.afterwards", "followup.edit_notes", "followup.preview", "followup.publish_notes",
             "followup.choose_thanks", "followup.withdraw_notes", "followup.new_write_up"),
        ),
        Action("Change, publish and remove a write-up", WRITERS,
               ("followup.edit_write_up", "followup.publish_link", "followup.remove_write_up")),
    ),
    "Programmes": (
        Action("Make a programme", ORGANISERS, ("schedule.new_programme",)),
        Action(
            "Change a programme, name its organisers, and publish or cancel all of its events",
            ORGANISERS_OF_IT,
            ("schedule.edit_programme", "schedule.publish_programme", "schedule.cancel_programme"),
        ),
    ),
    "Proposals of partners and communities": (
        Action("Propose an event, or ask for one, where a form is open", EVERYBODY,
               ("proposals.host_an_event", "proposals.ask_for_an_event")),
        Action(
            "Confirm, follow, change and take back the own proposal, and change its draft until it is published",
            EVERYBODY,
            ("proposals.confirm", "proposals.proposal", "proposals.edit_proposal", "proposals.edit_draft",
             "proposals.withdraw"),
            by_link=True,
        ),
        Action("Look through proposals, and open or close the form to ask for an event", ORGANISERS,
               ("proposals.proposals", "proposals.edit_ask_form")),
        Action("Answer a proposal, send and end its links, and let its host see names", ORGANISERS_OF_IT,
               ("proposals.accept", "proposals.ask_for_changes", "proposals.decline", "proposals.send_link",
                "proposals.revoke_links", "proposals.names", "proposals.end_names")),
        Action("Read the proposal that an event was made of", RUNNERS, ("proposals.staff_proposal",)),
    ),
    "What events refer to": (
        Action(
            "Add and change venues and their rooms",
            MAKERS,
            ("schedule.new_venue", "schedule.edit_venue", "schedule.new_room", "schedule.edit_room",
             "schedule.delete_room"),
        ),
        Action("Merge and delete venues", ORGANISERS, ("schedule.merge_venue", "schedule.delete_venue")),
        Action("Change organisations and their contacts", ORGANISERS,
               ("schedule.new_host", "schedule.edit_host", "schedule.merge_host", "schedule.delete_host")),
        Action("Change the list of topics", ORGANISERS,
               ("schedule.staff_topics POST", "schedule.edit_topic", "schedule.merge_topic", "schedule.delete_topic")),
        Action("Add kinds of events", ADMINS, ("schedule.staff_kinds POST",)),
    ),
    "Accounts": (
        Action(
            "Sign in and out, and get a link for a new password",
            EVERYBODY,
            ("accounts.sign_in", "accounts.sign_out", "accounts.forgotten_password"),
        ),
        Action("Set a password by a link that was sent", EVERYBODY, ("accounts.use_link",), by_link=True),
        Action(
            "Change the own account and end own sign-ins",
            STAFF,
            ("accounts.me", "accounts.end_other_sign_ins", "accounts.end_sign_in",
             "accounts.roles"),
        ),
        Action("Have the events they run in their own calendar, by a private address", MAKERS,
               ("feeds.staff_calendars", "feeds.make_staff_calendar", "feeds.end_staff_calendar")),
        Action("Read that calendar", EVERYBODY, ("feeds.staff_calendar_ics",), by_link=True),
        Action(
            "Invite people, change roles and close accounts",
            ADMINS,
            ("accounts.staff_accounts", "accounts.invite", "accounts.edit_account", "accounts.end_account_sign_ins",
             "accounts.send_account_link"),
        ),
    ),
}  # fmt: skip


def action_of(endpoint: str, method: str) -> Action | None:
    """The line of the table that an address belongs to; None when it has none."""
    for actions in TABLE.values():
        for action in actions:
            if endpoint in action.endpoints or f"{endpoint} {method}" in action.endpoints:
                return action
    return None


#: The columns of the page, and who stands behind each.
COLUMNS = ("Admin", "Organiser", "Facilitator", "Viewer", "Host by link", "Anybody")


def in_words(action: Action) -> tuple[str, ...]:
    """What each column says of an action, in the order of COLUMNS."""
    if action.by_link:
        return ("With the link",) * len(COLUMNS)
    who = action.who
    organiser = "Yes" if OTHER_ORGANISER in who else "In their programmes" if ORGANISER in who else "No"
    facilitator = "No"
    if FACILITATOR in who:
        facilitator = "Yes"
    elif WRITER in who:
        facilitator = "For their events, and what they were asked to write"
    elif OWNER in who:
        facilitator = "For their events"
    return (
        "Yes" if ADMIN in who else "No",
        organiser,
        facilitator,
        *("Yes" if actor in who else "No" for actor in (VIEWER, HOST, PUBLIC)),
    )
