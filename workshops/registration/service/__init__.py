"""The use cases of registration. Everything about places is decided under the lock of the event's row."""

from workshops.registration.service.asking_again import ask_again, asking_at, free_unanswered, say_still_coming
from workshops.registration.service.finding import find_my_place
from workshops.registration.service.foreseeing import foresee_news, foresee_place_rules
from workshops.registration.service.in_calendars import what_is_in_calendars
from workshops.registration.service.inviting import (
    Invited,
    check_can_be_told,
    invite_people,
    look_at_people,
    reason_not_to_send_invitation,
    remove_invitee,
    tell_again,
    tell_untold,
)
from workshops.registration.service.listeners import (
    attention_for,
    count_people_asking,
    fill_free_places,
    has_registrations,
    messages_needing_attention,
    note_change_while_off,
    reason_not_to_send,
    tell_event_changed,
    tell_event_off,
    tell_event_reinstated,
)
from workshops.registration.service.own_place import (
    Changes,
    cancel_place,
    change_details,
    decline_offer,
    make_calendar,
    move_place,
    take_offer,
)
from workshops.registration.service.people import (
    Answered,
    answer_people,
    approve_person,
    cancel_for_person,
    decline_person,
    note_needs_seen,
    resend_link,
    skip_person,
)
from workshops.registration.service.registering import (
    Details,
    Outcome,
    RegisteredMeanwhile,
    add_person,
    new_form_key,
    register,
)
from workshops.registration.service.reminding import make_reminders
from workshops.registration.service.telling import event_when
from workshops.registration.service.upkeep import erase_expired, lapse_offers, release_shares

__all__ = [
    "Answered",
    "answer_people",
    "tell_untold",
    "tell_again",
    "remove_invitee",
    "reason_not_to_send_invitation",
    "look_at_people",
    "invite_people",
    "check_can_be_told",
    "Invited",
    "Changes",
    "Details",
    "Outcome",
    "RegisteredMeanwhile",
    "add_person",
    "approve_person",
    "ask_again",
    "asking_at",
    "attention_for",
    "messages_needing_attention",
    "cancel_for_person",
    "cancel_place",
    "change_details",
    "count_people_asking",
    "decline_offer",
    "decline_person",
    "erase_expired",
    "event_when",
    "fill_free_places",
    "find_my_place",
    "foresee_news",
    "foresee_place_rules",
    "free_unanswered",
    "has_registrations",
    "lapse_offers",
    "make_calendar",
    "make_reminders",
    "move_place",
    "new_form_key",
    "note_change_while_off",
    "note_needs_seen",
    "reason_not_to_send",
    "register",
    "release_shares",
    "resend_link",
    "say_still_coming",
    "skip_person",
    "take_offer",
    "tell_event_changed",
    "tell_event_off",
    "tell_event_reinstated",
    "what_is_in_calendars",
]
