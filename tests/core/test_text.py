"""Typed text is kept in one safe form."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workshops.core.text import clean_text

NEVER_KEPT = [chr(code) for code in (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))]
NEVER_KEPT += [chr(code) for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF)]
ANYTHING = st.text(st.characters() | st.sampled_from([*NEVER_KEPT, "\n", "\r", "\t", " ", "e", "\u0301"]))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Mòrag NicDhòmhnaill ", "Mòrag NicDhòmhnaill"),
        ("Du\u0300n E\u0300ideann", "Dùn Èideann"),
        ("Ann\r\nBcc: x@example.org", "Ann Bcc: x@example.org"),
        ("Ann\x00\x07\x7f", "Ann"),
        ("\u202eevil\u202c \u2066x\u2069", "evil x"),
        ("one\u2028two", "one two"),
        ("a\tb", "a b"),
        ("O’Neill \N{WAVING HAND SIGN}", "O’Neill \N{WAVING HAND SIGN}"),
        ("\ud800x", "x"),
        (None, ""),
        ("", ""),
    ],
)
def test_one_line(typed: str | None, kept: str) -> None:
    assert clean_text(typed) == kept


def test_several_lines_keep_their_breaks_and_tabs_in_one_form() -> None:
    assert clean_text("one\r\ntwo\rthree\u2028four\n\tfive\x0b", multiline=True) == "one\ntwo\nthree\nfour\n\tfive"


@given(ANYTHING, st.booleans())
def test_cleaning_twice_changes_nothing_more(text: str, multiline: bool) -> None:
    once = clean_text(text, multiline=multiline)
    assert clean_text(once, multiline=multiline) == once


@given(ANYTHING, st.booleans())
def test_what_is_kept_holds_no_control_or_bidi_override_and_is_nfc(text: str, multiline: bool) -> None:
    kept = clean_text(text, multiline=multiline)
    assert not set(kept) & set(NEVER_KEPT)
    assert multiline or not set(kept) & set("\r\n\t")
    assert "\r" not in kept
    assert unicodedata.is_normalized("NFC", kept)
    assert kept == kept.strip()
    kept.encode("utf-8")
