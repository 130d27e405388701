"""The base of every error that carries a sentence for people."""

from __future__ import annotations


class DomainError(Exception):
    """A use case that cannot be done, with the reason in words a person can act on.

    field: the form field that the sentence belongs to, when there is one.
    """

    #: The sentence when the raiser gives none.
    sentence = "This cannot be done."

    def __init__(self, sentence: str | None = None, *, field: str | None = None) -> None:
        super().__init__(sentence or self.sentence)
        self.field = field


class NotFound(DomainError):
    """Nothing is there, or nothing that the asker may know of. Shown as 404."""

    sentence = "There is nothing here."


class NotAllowed(DomainError):
    """The asker is known and may not do this. Shown as 403."""

    sentence = "Your account may not do this."


class EditClash(DomainError):
    """Somebody saved the same thing in between; nothing was overwritten."""

    sentence = "Someone else changed this while you were writing. Both versions are shown below."
