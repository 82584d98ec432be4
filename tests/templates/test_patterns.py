"""Patterns of schemas and templates: what they mean, and that none takes long."""

from __future__ import annotations

import time

import pytest

from proton_templates import patterns

LONG = "a" * 50_000 + "!"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^[a-z]+$", "abc", True),
        (r"^[a-z]+$", "abc\n", False),  # ECMA's $, not Python's
        (r"^\d+$", "١٢", False),
        (r"b", "abc", True),
        (r"^(?!-)[a-z-]+$", "a-b", True),  # look-ahead: not for RE2
        (r"^(?!-)[a-z-]+$", "-ab", False),
        (r"^(a)\1$", "aa", True),
        (r"^\u00e9$", "é", True),
        (r"^a{1,5000}$", "a" * 4000, True),  # RE2 counts to 1,000
    ],
)
def test_a_pattern_means_what_openapi_says(pattern: str, text: str, *, found: bool) -> None:
    assert patterns.search(pattern, text) is found


def test_a_whole_match_needs_no_anchors() -> None:
    assert patterns.fullmatch("[a-z]+|[0-9]+", "123")
    assert not patterns.fullmatch("[a-z]+|[0-9]+", "abc123")


@pytest.mark.parametrize(
    "pattern", ["(", "a{99999999999}", "a{1,99999999999}", "(?=a)a{99999999999}", "(" * 9_000, "a" * 10_001]
)
def test_what_is_no_pattern_is_refused_in_a_clause(pattern: str) -> None:
    with pytest.raises(patterns.PatternError, match=r"^is "):
        patterns.check(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(a+)+$",
        "^(a|aa)+$",
        "^(.*a){30}$",
        "^(?=a)(a+)+$",
        "^(?=a)(a|aa)+$",
        r"^(a|aa)+\1$",
        "((a{1,100}){1,10})" * 20 + "b",
        "(a?){500}" * 5 + "b",
    ],
)
def test_no_pattern_takes_long_on_any_text(pattern: str) -> None:
    began = time.monotonic()
    try:
        patterns.search(pattern, LONG)
    except patterns.PatternError as fault:
        assert str(fault).startswith(("takes longer", "is too large"))  # noqa: PT017 - either answer will do

    assert time.monotonic() - began < 20


def test_a_value_that_is_no_unicode_is_a_fault_and_no_crash() -> None:
    with pytest.raises(patterns.PatternError, match="not valid Unicode"):
        patterns.search("a", "\ud800")
