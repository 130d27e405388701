"""When people are reminded: a week before and a day before, at the time of day at which the event starts.

Not before 9am and not after 6pm, whenever it starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from workshops.core.london_time import from_london, start_of_day, to_london

#: Key -> how many days before, and the words of the mail's heading.
REMINDERS = {"week": (7, "in a week"), "day": (1, "tomorrow")}
#: Nobody is reminded outside these hours. Of whole days, in the morning.
FIRST_HOUR, LAST_HOUR = time(9, 0), time(18, 0)
#: Who got a place less than this long before a reminder has read all of it just now.
KNOWS_SINCE = timedelta(hours=24)


#: So long before it starts the link goes to those who take part online, to lie on top when they look for it.
JOINING_AHEAD = timedelta(hours=1)


@dataclass(frozen=True)
class Reminder:
    """One reminder of an event. key: week, day or joining.   due_at, drop_after: it goes out between these two.

    It is dropped when its day is over: "tomorrow" would not be true any more.
    """

    key: str
    due_at: datetime
    drop_after: datetime

    @property
    def words(self) -> str:
        """When the event is, seen from the reminder: "tomorrow"."""
        return REMINDERS[self.key][1] if self.key in REMINDERS else ""

    @property
    def knows_since(self) -> timedelta:
        """Who got a place less than this long before has read all of it just now."""
        return JOINING_AHEAD if self.key == "joining" else KNOWS_SINCE

    def is_due(self, now: datetime) -> bool:
        """Whether it is made now."""
        return self.due_at <= now < self.drop_after


def reminders_of(starts: datetime | date | None) -> tuple[Reminder, ...]:
    """The reminders of an event that starts then: an instant, or a whole day; none when only its month is known.

    Counted in days of the calendar in Scotland, so that an event at 10am is reminded of at 10am although the clocks
    change in between. Between 9am and 6pm every hour is there once.
    """
    if starts is None:
        return ()
    local = to_london(starts) if isinstance(starts, datetime) else None
    first, at = (local.date(), local.time()) if local is not None else (starts, FIRST_HOUR)
    found = []
    for key, (days, _) in REMINDERS.items():
        day = first - timedelta(days=days)
        due_at = from_london(day, min(max(at, FIRST_HOUR), LAST_HOUR))
        found.append(Reminder(key, due_at, start_of_day(day + timedelta(days=1))))
    return tuple(found)


def joining_mail_of(starts: datetime | None) -> Reminder | None:
    """When the joining link is sent once more, an hour before; it is dropped when the event has begun."""
    return None if starts is None else Reminder("joining", starts - JOINING_AHEAD, starts)
