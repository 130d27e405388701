"""Roles, life of sign-ins and links, own paths, and which passwords are taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.accounts import password_rules, rules
from workshops.accounts.rules import Standing
from workshops.core.errors import DomainError
from workshops.web import access

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


# --- roles ---------------------------------------------------------------------------------------------------


def test_the_roles_are_those_of_the_access_rules() -> None:
    assert rules.ROLES == access.ROLES
    assert set(rules.ROLE_WORDS) == set(rules.ROLES)


# --- sign-ins and links --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "idle", "ended", "live"),
    [
        (timedelta(0), timedelta(0), False, True),
        (timedelta(hours=11, minutes=59), timedelta(hours=1, minutes=59), False, True),
        (timedelta(hours=3), timedelta(hours=2), False, False),
        (timedelta(hours=12), timedelta(0), False, False),
        (timedelta(0), timedelta(0), True, False),
    ],
)
def test_how_long_a_sign_in_holds(age: timedelta, idle: timedelta, ended: bool, live: bool) -> None:
    assert rules.is_live(NOW - age, NOW - idle, NOW if ended else None, NOW) is live


def test_a_link_works_once_and_for_its_time() -> None:
    assert rules.link_works(None, NOW + timedelta(seconds=1), NOW)
    assert not rules.link_works(None, NOW, NOW)
    assert not rules.link_works(NOW, NOW + timedelta(hours=1), NOW)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("<script>alert(1)</script>", "Unknown browser"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_in_words(header: str, words: str) -> None:
    assert rules.browser_words(header) == words


# --- where to go on to ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/staff/", "/staff/events/a-b/people", "/staff/?q=a%20b&from=2027-01-01", "/", "/staff/events/h%C3%A9"]
)
def test_own_paths_are_kept(path: str) -> None:
    assert rules.own_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "staff/",
        "//evil.example.org",
        "///evil.example.org",
        "/\\evil.example.org",
        "\\\\evil.example.org",
        "/%5cevil.example.org",
        "/%255cevil.example.org",
        "/%2f/evil.example.org",
        "/%2F%2Fevil.example.org",
        "/%252F%252Fevil.example.org",
        "/\tevil",
        "/%09/evil.example.org",
        "/\n/evil.example.org",
        "/%0d%0aLocation:%20https://evil.example.org",
        "/?a=%0d%0aSet-Cookie:x",
        "/..//evil.example.org",
        "/../evil",
        "/./evil",
        "/%2e%2e//evil.example.org",
        "/staff/..",
        "https:evil.example.org",
        "https://evil.example.org/",
        "javascript:alert(1)",
        "data:text/html,x",
        " /staff/",
        "/staff /",
        "/\u00a0/evil",
        "/a//b",
        "/#https://evil.example.org",
        "/" + "a" * 3000,
        "/" + "%25" * 200 + "5c",
    ],
)
def test_everything_else_is_not_followed(path: str | None) -> None:
    assert rules.own_path(path) is None


@given(st.text(alphabet="/\\.%25cC2fF0a9?#:@aevil \t\r\n", max_size=30))
def test_what_is_followed_stays_on_this_site(path: str) -> None:
    kept = rules.own_path(path)
    if kept is not None:
        there = urlsplit(urljoin("https://events.example.org/staff/sign-in", kept))
        assert (there.scheme, there.netloc) == ("https", "events.example.org")
        assert "\\" not in kept.partition("?")[0]
        assert not kept.startswith("//")


# --- changes by an admin -------------------------------------------------------------------------------------

ROLES = st.sampled_from(rules.ROLES)
STANDINGS = st.builds(Standing, ROLES, st.booleans())


def check(actor_id: int | None, before: Standing, after: Standing, others: int) -> DomainError | None:
    try:
        rules.check_change(actor_id=actor_id, account_id=1, before=before, after=after, other_active_admins=others)
    except DomainError as error:
        return error
    return None


@given(STANDINGS, STANDINGS, st.integers(0, 3))
def test_nobody_changes_their_own_standing(before: Standing, after: Standing, others: int) -> None:
    assert (check(1, before, after, others) is None) == (before == after)


@given(STANDINGS, STANDINGS, st.integers(0, 3), st.sampled_from([None, 2]))
def test_an_admin_is_always_left(before: Standing, after: Standing, others: int, actor_id: int | None) -> None:
    if check(actor_id, before, after, others) is None:
        assert others + (after == Standing("admin", True)) >= min(1, others + (before == Standing("admin", True)))


def test_the_last_admin_stays() -> None:
    admin = Standing("admin", True)
    assert isinstance(check(None, admin, Standing("viewer", True), 0), rules.LastAdmin)
    assert isinstance(check(None, admin, Standing("admin", False), 0), rules.LastAdmin)
    assert check(2, admin, Standing("viewer", True), 1) is None


def test_an_unknown_role_is_an_error() -> None:
    with pytest.raises(ValueError, match="role"):
        check(2, Standing("viewer", True), Standing("root", True), 1)


# --- passwords -----------------------------------------------------------------------------------------------


def problem(password: str, email: str = "mairi.example@example.org") -> str | None:
    return password_rules.password_problem(password, email=email)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "umbrella-granite-violin",
        "coffee purple dragon",
        "xK7#pQ2!mZ9v",
        "tha mi a' dol dhachaigh",
        "пароль для входа сюда",
        "🐑🐄🐖🐓🦆🦢🦉🦊🐺🐗🐴🦄",
        "  spaces count too  ",
        "a" + "bcxyzqwmnop" * 2,
    ],
)
def test_long_and_unusual_passwords_are_taken(password: str) -> None:
    assert problem(password) is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", password_rules.TOO_SHORT),
        ("elevenchars", password_rules.TOO_SHORT),
        ("x7" * 129, password_rules.TOO_LONG),
        ("mairi.example is great", password_rules.OWN_WORDS),
        ("my Mairi.Example@example.org", password_rules.OWN_WORDS),
        ("i like co-production", password_rules.OWN_WORDS),
        ("C0-Production-2027", password_rules.OWN_WORDS),
        ("CoProduction rocks", password_rules.OWN_WORDS),
    ],
)
def test_why_a_password_is_not_taken(password: str, why: str) -> None:
    assert problem(password) == why


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password123!",
        "P4ssw0rd2027!",
        "passwordpassword",
        "Welcome2027!!",
        "Summer2026!!!",
        "SummerWinter2026",
        "letmein123456",
        "iloveyou2026",
        "Scotland2027!",
        "Edinburgh1234",
        "government2026",
        "ScottishGovernment1",
        "1234567890123",
        "098765432109",
        "qwertyuiop123",
        "qwertyuiopasdf",
        "1qaz2wsx3edc",
        "1q2w3e4r5t6y",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "abcabcabcabc",
        "121212121212",
        "111222333444",
        "this-is-my-password",
        "Admin@Admin2026",
        "trustno1trustno1",
        "!!!!!!!!!!!!",
    ],
)
def test_what_is_tried_first_is_not_taken(password: str) -> None:
    assert problem(password) == password_rules.TOO_COMMON


def test_a_short_first_part_of_an_address_is_no_own_word() -> None:
    assert problem("jo-umbrella-granite", "jo@example.org") is None


@given(st.text(max_size=300))
def test_any_text_gets_an_answer(password: str) -> None:
    answer = problem(password)
    assert (answer == password_rules.TOO_SHORT) == (len(password) < 12)
    assert (answer == password_rules.TOO_LONG) == (len(password) > 256)
