"""The codec of the plugin: what it reads is what was written, secrets and unknown values included."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from aws_proton_provider.adapters.plugin.paths import property_path
from aws_proton_provider.adapters.plugin.wire import decode, encode
from aws_proton_provider.core.values import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not number.is_integer()
)
_leaves = st.one_of(st.text(max_size=8), st.booleans(), _numbers, st.just(UNKNOWN))
_values = st.recursive(
    _leaves,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=4), inside, max_size=3),
    max_leaves=12,
)
_states = st.dictionaries(st.text(max_size=4), _values, max_size=4)


def _places(value: Any, path: tuple[str, ...] = ()) -> list[list[str]]:
    """All places in a value but itself."""
    inside = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    found = [] if not path else [list(path)]
    for key, item in inside:
        found += _places(item, (*path, str(key)))
    return found


def _secret(value: Any) -> dict[str, Any]:
    return {SIGNATURE: SECRET, "value": value}


def _struct(value: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(value, struct_pb2.Struct())


@given(_states)
def test_what_is_written_is_what_is_read(state: dict[str, Any]) -> None:
    assert decode(encode(state)) == (state, [])


@given(st.data())
def test_secrets_are_read_where_they_were_written(data: st.DataObject) -> None:
    state = data.draw(_states)
    places = _places(state)
    chosen = data.draw(st.lists(st.sampled_from(places), unique_by=tuple) if places else st.just([]))

    found, secrets = decode(encode(state, chosen))

    # One inside another is part of it.
    outer = [path for path in chosen if not any(path[: len(other)] == other != path for other in chosen)]
    assert found == state
    assert sorted(secrets) == sorted(outer)


@given(_states)
def test_whole_numbers_are_whole_again(state: dict[str, Any]) -> None:
    found, _ = decode(encode(state))

    assert json.dumps(found, sort_keys=True, default=repr) == json.dumps(state, sort_keys=True, default=repr)


@pytest.mark.parametrize(
    "text",
    [
        UNKNOWN_TEXT,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    ],
)
def test_each_of_pulumis_unknowns_is_read_as_unknown(text: str) -> None:
    assert decode(_struct({"a": {"b": [text]}, "c": _secret(text)})) == (
        {"a": {"b": [UNKNOWN]}, "c": UNKNOWN},
        [["c"]],
    )


def test_unknown_values_and_secrets_are_written_as_pulumi_writes_them() -> None:
    state = {"a": {"b": [1, UNKNOWN]}, "c": "x", "d": None}

    assert json_format.MessageToDict(encode(state, [["a", "b", "0"], ["c"]])) == {
        "a": {"b": [_secret(1.0), UNKNOWN_TEXT]},
        "c": _secret("x"),
        "d": None,
    }


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (["a", "b", "c"], {"a": {"b": _secret("x")}}),
        (["a", "other"], {"a": _secret({"b": "x"})}),
        (["a", "b"], {"a": {"b": _secret("x")}}),
        (["a"], {"a": _secret({"b": "x"})}),
        (["other"], {"a": {"b": "x"}}),
        ([], {"a": {"b": "x"}}),
    ],
)
def test_of_a_path_that_leads_nowhere_the_last_place_that_exists_is_secret(
    path: list[str], secret: dict[str, Any]
) -> None:
    assert json_format.MessageToDict(encode({"a": {"b": "x"}}, [path])) == secret


def test_empty_places_are_no_places_in_an_object_and_stay_in_a_list() -> None:
    assert decode(_struct({"a": None, "b": {"c": None}, "d": [None, 1], "e": _secret(None)})) == (
        {"b": {}, "d": [None, 1]},
        [["e"]],
    )


def test_an_empty_object_and_an_empty_list_are_something() -> None:
    assert decode(encode({"a": {}, "b": []})) == ({"a": {}, "b": []}, [])


@pytest.mark.parametrize("number", [math.inf, -math.inf])
def test_a_number_without_an_end_is_carried_as_it_is(number: float) -> None:
    assert decode(encode({"a": number})) == ({"a": number}, [])


def test_no_message_is_no_state() -> None:
    assert decode(None) == ({}, [])


def test_something_else_with_a_signature_is_an_object_and_no_secret() -> None:
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": "x"}

    assert decode(_struct({"a": asset})) == ({"a": asset}, [])


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (("spec",), "spec"),
        (("spec", "ports", 0, "name"), "spec.ports[0].name"),
        (("spec", "a.b"), 'spec["a.b"]'),
        (("a.b", "c"), '["a.b"].c'),
        (("spec", 'a"b'), 'spec["a\\"b"]'),
        (("spec", "a\\b"), "spec.a\\b"),
        (("spec", 'a\\"b'), 'spec["a\\\\"b"]'),
        (("spec", "a\\.b"), 'spec["a\\.b"]'),
        (("spec", ""), 'spec[""]'),
        (("spec", "a[0]"), 'spec["a[0]"]'),
        (("spec", "0"), "spec.0"),
    ],
)  # fmt: skip
def test_a_path_is_written_as_pulumi_reads_it(parts: tuple[str | int, ...], path: str) -> None:
    assert property_path(parts) == path
