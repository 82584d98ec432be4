"""Bitbucket's side of self-managed provisioning, against a stub of its documented endpoints."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from proton_server.provisioning.git_hosting import Change, HostingError, Request, RequestState
from proton_server.provisioning.git_hosting.bitbucket import Bitbucket, BitbucketRepository
from tests.server.fake_hosting import FakeHosting, serving

AT = "/repositories/acme/infra"
BRANCH = "proton--proton-environment-1"
CHANGE = Change(BRANCH, "c0ffee", "Update", {"dev/main.tf": b"one & \xff"}, {"dev/old.tf"})
OPEN = Request(7, "https://bitbucket.org/acme/infra/pull-requests/7", RequestState.OPEN)


@pytest.fixture(scope="module")
def service() -> Iterator[FakeHosting]:
    with serving() as stub:
        yield stub


@pytest.fixture
def stub(service: FakeHosting, monkeypatch: pytest.MonkeyPatch) -> FakeHosting:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return service.anew()


@pytest.fixture
def repository(stub: FakeHosting) -> BitbucketRepository:
    return Bitbucket("secret", "Set it.", stub.url)("acme/infra")


def pull(state: str = "OPEN") -> dict[str, Any]:
    return {"id": 7, "state": state, "links": {"html": {"href": OPEN.url}}}


def test_a_branch_has_a_head_if_it_exists(stub: FakeHosting, repository: BitbucketRepository) -> None:
    stub.answers(f"GET {AT}/refs/branches/main", {"target": {"hash": "c0ffee"}})
    stub.answers(
        f"GET {AT}/refs/branches/trunk", {"type": "error", "error": {"message": "No such branch"}}, 404
    )

    assert repository.head("main") == "c0ffee"
    assert stub.asked[0].headers["authorization"] == "Bearer secret"
    assert repository.head("trunk") is None


def test_paths_are_read_page_by_page(stub: FakeHosting, repository: BitbucketRepository) -> None:
    call = f"GET {AT}/src/c0ffee/dev/"
    folder, file = (
        {"type": "commit_directory", "path": "dev/m"},
        {"type": "commit_file", "path": "dev/main.tf"},
    )
    following = f"{stub.url}{AT}/src/c0ffee/dev/?max_depth=20&pagelen=100&page=two"
    stub.answers(call, {"values": [folder, file], "next": following})
    stub.answers(call, {"values": [{"type": "commit_file", "path": "dev/m/vpc.tf"}]})

    assert repository.paths("c0ffee", "dev") == ["main.tf", "m/vpc.tf"]
    assert dict(stub.asked[1].query) == {"max_depth": "20", "pagelen": "100", "page": "two"}


def test_a_folder_that_does_not_exist_is_empty(stub: FakeHosting, repository: BitbucketRepository) -> None:
    stub.answers(f"GET {AT}/src/c0ffee/dev/", {"error": {"message": "No such file"}}, 404)

    assert repository.paths("c0ffee", "dev") == []


def test_a_file_is_read_as_it_is(stub: FakeHosting, repository: BitbucketRepository) -> None:
    stub.answers(f"GET {AT}/src/c0ffee/dev/main.tf", b"\x00\xff")

    assert repository.read("c0ffee", "dev/main.tf") == b"\x00\xff"


def test_a_push_is_one_form_with_branch_parent_files_and_what_goes(
    stub: FakeHosting, repository: BitbucketRepository
) -> None:
    stub.answers(f"POST {AT}/src", b"", 201)

    repository.push(CHANGE)

    assert urllib.parse.parse_qsl(stub.asked[0].body.decode(), encoding="latin-1") == [
        ("branch", BRANCH),
        ("parents", "c0ffee"),
        ("message", "Update"),
        ("files", "/dev/old.tf"),
        ("/dev/main.tf", "one & \xff"),
    ]


def test_a_branch_that_exists_is_left_as_it_is(stub: FakeHosting, repository: BitbucketRepository) -> None:
    stub.answers(f"POST {AT}/src", {"error": {"message": "The parent is not the branch's tip"}}, 409)

    repository.push(CHANGE)


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        ("OPEN", RequestState.OPEN),
        ("MERGED", RequestState.MERGED),
        ("DECLINED", RequestState.CLOSED),
        ("SUPERSEDED", RequestState.CLOSED),
    ],
)
def test_a_request_is_found_in_whatever_state(
    shown: str, state: RequestState, stub: FakeHosting, repository: BitbucketRepository
) -> None:
    stub.answers(f"GET {AT}/pullrequests", {"values": [pull(shown)]})

    assert repository.find_request(BRANCH) == Request(7, OPEN.url, state)
    states = [("state", each) for each in ("OPEN", "MERGED", "DECLINED", "SUPERSEDED")]
    assert stub.asked[0].query == [("q", f'source.branch.name="{BRANCH}"'), *states]


def test_a_request_is_opened(stub: FakeHosting, repository: BitbucketRepository) -> None:
    stub.answers(f"POST {AT}/pullrequests", pull(), 201)

    assert repository.open_request(BRANCH, "main", "Update", "Why") == OPEN
    assert json.loads(stub.asked[0].body) == {
        "title": "Update",
        "description": "Why",
        "source": {"branch": {"name": BRANCH}},
        "destination": {"branch": {"name": "main"}},
    }


def test_closing_a_request_declines_it(stub: FakeHosting, repository: BitbucketRepository) -> None:
    stub.answers(f"POST {AT}/pullrequests/7/decline", pull("DECLINED"))

    assert repository.close_request(OPEN).state is RequestState.CLOSED


def test_a_request_that_was_merged_meanwhile_is_shown_as_merged(
    stub: FakeHosting, repository: BitbucketRepository
) -> None:
    stub.answers(f"POST {AT}/pullrequests/7/decline", {"error": {"message": "Already merged"}}, 400)
    stub.answers(f"GET {AT}/pullrequests/7", pull("MERGED"))

    assert repository.close_request(OPEN).state is RequestState.MERGED


def test_a_request_that_cannot_be_declined_is_a_fault_in_bitbuckets_words(
    stub: FakeHosting, repository: BitbucketRepository
) -> None:
    stub.answers(f"POST {AT}/pullrequests/7/decline", {"error": {"message": "Not yours"}}, 403)
    stub.answers(f"GET {AT}/pullrequests/7", pull())

    with pytest.raises(HostingError, match=r"Bitbucket returned 403 .*: Not yours. Set it."):
        repository.close_request(OPEN)
