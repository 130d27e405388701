"""How far somebody's rights reach: which events they run and which programmes they organise. Pure.

Admins everything; organisers the events of their programmes; facilitators their own events; viewers read. A
programme in which nobody is named belongs to every organiser, and so does an event of no programme.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from workshops.core.errors import NotAllowed

NOT_YOURS = "This event belongs to somebody else. Ask them, or an organiser of its programme, to let you run it."
NOT_YOUR_PROGRAMME = "This programme has other organisers. Ask one of them, or an admin, to name you too."


class Owned(Protocol):
    """What of an event decides who runs it."""

    @property
    def id(self) -> int: ...

    @property
    def owner_id(self) -> int | None: ...

    @property
    def programme_id(self) -> int | None: ...


@dataclass(frozen=True)
class Reach:
    """What one account may do in the schedule.

    organises: ids of the programmes it is named in.   claimed: of all programmes in which anybody is named.
    facilitates: ids of events that it runs beside their owner.
    """

    account_id: int
    role: str
    organises: frozenset[int] = field(default_factory=frozenset)
    claimed: frozenset[int] = field(default_factory=frozenset)
    facilitates: frozenset[int] = field(default_factory=frozenset)

    def may_run(self, event: Owned) -> bool:
        """Whether it may change an event and see who is registered for it."""
        if self.role == "admin":
            return True
        if self.role not in ("organiser", "facilitator"):
            return False
        if event.owner_id == self.account_id or event.id in self.facilitates:
            return True
        return self.role == "organiser" and self.may_organise(event.programme_id)

    def may_organise(self, programme_id: int | None) -> bool:
        """Whether it may change a programme, and put events into it; None stands for events of no programme."""
        if self.role == "admin":
            return True
        return self.role == "organiser" and (programme_id not in self.claimed or programme_id in self.organises)

    def require_may_run(self, event: Owned) -> None:
        """Raise NotAllowed with a sentence unless it may run the event."""
        if not self.may_run(event):
            raise NotAllowed(NOT_YOURS)

    def require_may_organise(self, programme_id: int | None) -> None:
        """Raise NotAllowed with a sentence unless it may organise the programme."""
        if not self.may_organise(programme_id):
            raise NotAllowed(NOT_YOUR_PROGRAMME)
