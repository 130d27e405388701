"""Which passwords are taken: long ones that nobody would try first. No demand for digits or signs (ASVS 6.2).

Pure and offline. Instead of a long list of leaked passwords there are the words they are built from: with at
least 12 characters, what people choose badly is nearly always such words, a year, a row of keys or a repetition.
"""

from __future__ import annotations

import re

MIN_LENGTH = 12
MAX_LENGTH = 256

HINT = f"Use {MIN_LENGTH} characters or more. Three random words are easy to remember and hard to guess."

TOO_SHORT = f"Password must be {MIN_LENGTH} characters or more"
TOO_LONG = f"Password must be {MAX_LENGTH} characters or fewer"
TOO_COMMON = "This password is easy to guess. Use three random words, or let your browser make one"
OWN_WORDS = "Password must not contain your email address or the name of this service"

#: The words most leaked passwords are made of, and those that somebody here would try first.
_COMMON = """
    access account admin administrator adobe alba andrew angel anything apple april arsenal august autumn azerty
    baseball basketball batman betty blink buster celtic changeme charlie cheese chelsea chocolate christmas
    computer cookie corona council coffee daniel darling david december default diamond dragon dundee
    easter edinburgh elephant england event events everton facebook february flower football forever freedom
    friday george ginger glasgow google government hannah harley health hearts hello hibernian highland holiday
    hunter iceman iloveyou internet james january jennifer jessica jordan joshua july june justin killer kitten
    letmein liverpool login london love lovely maggie manchester march martin master matrix may merlin
    michael microsoft monday monkey mustang myspace nhs nicole november october office oliver online orange
    pa pass passphrase passw password passwort pepper princess purple qazwsx qwerty qwertyuiop rainbow rangers
    robert rockyou samantha samsung saltire saturday scot scotland scottish scotgov secret secure security
    september service shadow shop snoopy soccer spring starwars staff summer sunday sunshine super superman
    teacher team temp temporary test testing thebest thistle thomas thursday tigger trustno tuesday twitter
    unicorn user username wednesday welcome whatever william winter word work workshop workshops you
""".split()
_SMALL = "a an and are is it me my of our the this to your".split()
_WORDS = sorted([*_COMMON, *_SMALL], key=len, reverse=True)
#: From so many different ones on, even common words are hard to guess in the tries there are.
_ENOUGH_WORDS = 3

_SIGNS = re.compile(r"[\x00-/:-@\[-`{-\x7f]")
_SIGNS_AND_DIGITS = re.compile(r"[\x00-@\[-`{-\x7f]")

_ROWS = (
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "01234567890123456789012345678901234567890",
    "qwertyuiopasdfghjklzxcvbnmqwertyuiop",
    "qazwsxedcrfvtgbyhnujmikolp",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "azertyuiopqsdfghjklmwxcvbn",
)
_READ_AS = str.maketrans("013457@$!|+", "oieastasiit")


def password_problem(password: str, *, email: str) -> str | None:
    """Why a password is not taken, in one sentence, or None.

    email: of the account it is for; neither the address nor its first part may stand in the password.
    """
    if len(password) < MIN_LENGTH:
        return TOO_SHORT
    if len(password) > MAX_LENGTH:
        return TOO_LONG
    if _has_own_words(password.lower(), email.strip().lower()):
        return OWN_WORDS
    return TOO_COMMON if is_easy_to_guess(password) else None


def _has_own_words(password: str, email: str) -> bool:
    local = email.partition("@")[0]
    letters = re.sub(r"[^a-z0-9]", "", password)
    return (
        (bool(email) and email in password)
        or (len(local) >= 4 and local in password)
        or "coproduction" in letters
        or "coproduction" in letters.translate(_READ_AS)
    )


def is_easy_to_guess(password: str) -> bool:
    """Whether it is one of what is tried first: common words with years and signs, rows of keys, repetitions."""
    lowered = password.lower()
    plain = _SIGNS.sub("", lowered)
    if len(set(plain)) <= 4 or _is_repetition(plain):
        return True
    if any(plain in row or plain in row[::-1] for row in _ROWS):
        return True
    # digits either stand for letters (p4ssw0rd) or are put beside the words (summer2024)
    return any(_is_few_common_words(letters) for letters in _readings(lowered))


def _is_few_common_words(letters: str) -> bool:
    """Whether the letters are common words end to end, and too few different ones."""
    # place -> the common words that lead there; a regular expression would try every way to split them
    ways: dict[int, frozenset[str]] = {0: frozenset()}
    for place in range(len(letters)):
        if place in ways:
            for word in _WORDS:
                if letters.startswith(word, place):
                    found = ways[place] if word in _SMALL else ways[place] | {word}
                    end = place + len(word)
                    ways[end] = min(ways.get(end, found), found, key=len)
    return len(letters) in ways and len(ways[len(letters)]) < _ENOUGH_WORDS


def _readings(lowered: str) -> set[str]:
    """The letters alone: digits and signs left out, or read as the letters they look like."""
    trimmed = re.sub(rf"^(?:{_SIGNS_AND_DIGITS.pattern})+|(?:{_SIGNS_AND_DIGITS.pattern})+$", "", lowered)
    return {
        _SIGNS_AND_DIGITS.sub("", text) for text in (lowered, lowered.translate(_READ_AS), trimmed.translate(_READ_AS))
    }


def _is_repetition(text: str) -> bool:
    """abcabcabcabc: the same few characters over and over, the last time perhaps cut off."""
    return any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 3 + 1))
