"""Several iCalendar objects in one stream (RFC 5545 3.4), taken apart again."""

from __future__ import annotations

_END = b"END:VCALENDAR\r\n"


def calendar_objects(stream: bytes) -> list[bytes]:
    """The iCalendar objects of a stream, in their order and byte for byte; none for an empty stream.

    Only for streams that we wrote: their lines end in CRLF and no value holds a line END:VCALENDAR.
    """
    if stream.count(_END) < 2:
        return [stream] if stream else []
    return [part + _END for part in stream.split(_END) if part]
