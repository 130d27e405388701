"""Which calendar program asks for a feed, by what it calls itself. Pure.

Sources: the User-Agent headers that these programs are seen to send; none of them promises its own. Google's fetcher
and Exchange (Outlook on the web, new Outlook) ask once for all who subscribe there: their readers cannot be counted.
"""

from __future__ import annotations

#: In the order in which pages list them.
FAMILIES = {
    "outlook": "Outlook on a computer",
    "outlook_web": "Outlook on the web",
    "google": "Google Calendar",
    "apple": "Apple Calendar",
    "thunderbird": "Thunderbird",
    "other": "Other programs",
}
#: One fetch of these stands for everybody who subscribes with them.
CENTRAL = frozenset({"google", "outlook_web"})

_SIGNS = (
    ("google", ("google-calendar", "google calendar")),
    ("outlook_web", ("microsoft.exchange", "exchangeservicesclient", "outlook-calendar-sync")),
    ("outlook", ("microsoft outlook", "microsoft office", "outlook/")),
    ("thunderbird", ("thunderbird", "lightning/")),
    ("apple", ("dataaccessd", "calendaragent", "ical/", "ios/", "macos/", "mac os x/", "ccsclient")),
)
#: More of a header is not read.
_MOST = 300


def family_of(user_agent: str) -> str:
    """The family of programs, a key of FAMILIES; browsers and what is not known are other programs."""
    said = user_agent[:_MOST].lower()
    return next((family for family, signs in _SIGNS if any(sign in said for sign in signs)), "other")
