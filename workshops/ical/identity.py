"""The one maker of UIDs. Nothing else in the application invents an identifier for a calendar.

A UID stays the same for the whole life of an event, whatever happens to its title, its address
or the name of the host, because calendars recognise an entry by nothing else.
"""

from __future__ import annotations

import uuid

#: Fixed for ever: changing it would make every subscribed calendar look like a new one.
PROJECT_NAMESPACE = uuid.UUID("6f1d1b0e-3c0a-5d0b-9a34-2f6f0c9b7a51")


def new_uid() -> str:
    """A new permanent UID for one event: random, with no host name and no personal data.

    Asked for once, when the event is made (also for a copy and for each event of a series), and
    then stored. Source: RFC 7986 5.3.
    """
    return str(uuid.uuid4())


def uid_for_form(form_key: str, what: str) -> str:
    """The UID of what one form makes: the same form sent twice makes the same, so it is found and not made again.

    form_key: the random hidden value of a fresh form.   what: says which of the events of that form, and of what it
    is made; texts that are equal mean the same event. Without a key it is random, as new_uid. Source: RFC 7986 5.3.
    """
    return str(uuid.uuid5(PROJECT_NAMESPACE, f"form:{form_key}:{what}")) if form_key else new_uid()


def feed_uid(feed_key: str) -> str:
    """What names an Atom feed for ever, on every host and in every process (RFC 4287 4.2.6).

    feed_key: what names the feed inside the application, such as "write-ups".
    """
    return str(uuid.uuid5(PROJECT_NAMESPACE, feed_key))
