"""GitHub's side of self-managed provisioning, against a stub of the documented endpoints of its REST API."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from proton_server.provisioning.git_hosting import Change, HostingError, Request, RequestState
from proton_server.provisioning.git_hosting.configuration import ConfigurationError, hostings
from proton_server.provisioning.git_hosting.github import GitHub, GitHubRepository
from proton_server.provisioning.git_hosting.http import OutOfReachError
from tests.server.fake_hosting import FakeHosting, serving

TOKEN = "ghp_secret"
HINT = "Set PROTON_GITHUB_TOKEN to one that may."
AT = "/repos/acme/infra"
BRANCH = "proton--proton-environment-1"
REF = f"GET {AT}/git/ref/heads/{BRANCH}"
CHANGE = Change(BRANCH, "c0ffee", "Update", {"dev/main.tf": b"one", "dev/x.tf": "ü".encode()}, {"dev/old.tf"})


@pytest.fixture(scope="module")
def service() -> Iterator[FakeHosting]:
    with serving() as stub:
        yield stub


@pytest.fixture
def stub(service: FakeHosting, monkeypatch: pytest.MonkeyPatch) -> FakeHosting:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return service.anew()


@pytest.fixture
def repository(stub: FakeHosting) -> GitHubRepository:
    return GitHub(TOKEN, HINT, stub.url)("acme/infra")


def pull(
    number: int = 7, *, state: str = "open", merged_at: str | None = None, ref: str = BRANCH
) -> dict[str, Any]:
    """A pull request as GitHub shows it, with what is read of it."""
    url = f"https://github.com/acme/infra/pull/{number}"
    return {"number": number, "html_url": url, "state": state, "merged_at": merged_at, "head": {"ref": ref}}


def bodies(stub: FakeHosting) -> list[Any]:
    return [json.loads(asked.body) for asked in stub.asked if asked.body]


def test_every_request_carries_token_version_and_kind(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    stub.answers(f"GET {AT}/git/ref/heads/main", {"object": {"sha": "c0ffee"}})

    assert repository.head("main") == "c0ffee"
    headers = stub.asked[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["accept"] == "application/vnd.github+json"
    assert headers["user-agent"] == "proton-server"  # GitHub refuses requests without one


@pytest.mark.parametrize("status", [404, 409])
def test_a_branch_that_is_missing_has_no_head(
    status: int, stub: FakeHosting, repository: GitHubRepository
) -> None:
    stub.answers(f"GET {AT}/git/ref/heads/main", {"message": "Not Found"}, status)

    assert repository.head("main") is None


def test_paths_are_found_by_walking_down_to_the_folder(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    root = [
        {"path": "environments", "type": "tree", "sha": "e1"},
        {"path": "dev", "type": "blob", "sha": "b"},
    ]
    below = [
        {"path": "main.tf", "type": "blob", "sha": "1"},
        {"path": "modules", "type": "tree", "sha": "2"},
        {"path": "modules/vpc.tf", "type": "blob", "sha": "3"},
    ]
    stub.answers(f"GET {AT}/git/trees/c0ffee", {"tree": root, "truncated": False})
    stub.answers(f"GET {AT}/git/trees/e1", {"tree": below, "truncated": False})

    assert repository.paths("c0ffee", "environments") == ["main.tf", "modules/vpc.tf"]
    assert stub.asked[-1].query == [("recursive", "1")]
    assert repository.paths("c0ffee", "dev") == []  # a file is no folder


def test_a_folder_that_github_lists_in_part_only_is_a_fault(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    stub.answers(f"GET {AT}/git/trees/c0ffee", {"tree": [], "truncated": True})

    with pytest.raises(HostingError, match="more files than GitHub lists"):
        repository.paths("c0ffee", "dev")


def test_a_file_is_read_as_it_is(stub: FakeHosting, repository: GitHubRepository) -> None:
    stub.answers(f"GET {AT}/contents/dev/a b.tf", b"\x00\xff")

    assert repository.read("c0ffee", "dev/a b.tf") == b"\x00\xff"
    assert stub.asked[0].query == [("ref", "c0ffee")]
    assert stub.asked[0].headers["accept"] == "application/vnd.github.raw+json"


def test_a_push_makes_tree_commit_and_last_of_all_the_branch(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    stub.answers(f"GET {AT}/git/commits/c0ffee", {"tree": {"sha": "t0"}})
    stub.answers(f"POST {AT}/git/trees", {"sha": "t1"}, 201)
    stub.answers(f"POST {AT}/git/commits", {"sha": "c1"}, 201)
    stub.answers(f"POST {AT}/git/refs", {}, 201)

    repository.push(CHANGE)

    file = {"mode": "100644", "type": "blob"}
    assert bodies(stub) == [
        {
            "base_tree": "t0",
            "tree": [
                {"path": "dev/main.tf", "content": "one", **file},
                {"path": "dev/x.tf", "content": "ü", **file},
                {"path": "dev/old.tf", "sha": None, **file},
            ],
        },
        {"message": "Update", "tree": "t1", "parents": ["c0ffee"]},
        {"ref": f"refs/heads/{BRANCH}", "sha": "c1"},
    ]


def _push_until_the_branch(stub: FakeHosting, message: str) -> None:
    stub.answers(f"GET {AT}/git/commits/c0ffee", {"tree": {"sha": "t0"}})
    stub.answers(f"POST {AT}/git/trees", {"sha": "t1"}, 201)
    stub.answers(f"POST {AT}/git/commits", {"sha": "c1"}, 201)
    stub.answers(f"POST {AT}/git/refs", {"message": message}, 422)


def test_a_branch_that_somebody_was_quicker_to_push_is_left_as_it_is(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    _push_until_the_branch(stub, "Reference already exists")
    stub.answers(REF, {"object": {"sha": "other"}})

    repository.push(CHANGE)


def test_a_branch_that_the_repositorys_rules_forbid_is_a_fault_in_githubs_words(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    _push_until_the_branch(stub, "Repository rule violations found")
    stub.answers(REF, {"message": "Not Found"}, 404)

    with pytest.raises(HostingError, match=r"422 .*Repository rule violations found"):
        repository.push(CHANGE)


def test_a_file_that_is_not_text_is_a_fault_that_names_it(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    with pytest.raises(HostingError, match=r"dev/main.tf is not text in UTF-8"):
        repository.push(Change(BRANCH, "c0ffee", "Update", {"dev/main.tf": b"\xff"}))


@pytest.mark.parametrize(
    ("shown", "state"),
    [
        (pull(), RequestState.OPEN),
        (pull(state="closed"), RequestState.CLOSED),
        (pull(state="closed", merged_at="2026-01-01T00:00:00Z"), RequestState.MERGED),
    ],
)
def test_a_request_is_found_in_whatever_state(
    shown: dict[str, Any], state: RequestState, stub: FakeHosting, repository: GitHubRepository
) -> None:
    stub.answers(f"GET {AT}/pulls", [pull(6, ref="somebody-elses"), shown])

    assert repository.find_request(BRANCH) == Request(7, "https://github.com/acme/infra/pull/7", state)
    assert stub.asked[0].query == [("head", f"acme:{BRANCH}"), ("state", "all")]


def test_a_branch_without_a_request_has_none(stub: FakeHosting, repository: GitHubRepository) -> None:
    stub.answers(f"GET {AT}/pulls", [])

    assert repository.find_request(BRANCH) is None


def test_a_request_is_opened(stub: FakeHosting, repository: GitHubRepository) -> None:
    stub.answers(f"POST {AT}/pulls", pull(), 201)

    assert repository.open_request(BRANCH, "main", "Update", "Why").number == 7
    assert bodies(stub) == [{"title": "Update", "head": BRANCH, "base": "main", "body": "Why"}]


def test_a_request_that_is_open_already_is_found(stub: FakeHosting, repository: GitHubRepository) -> None:
    refusal = {
        "message": "Validation Failed",
        "errors": [
            {"resource": "PullRequest", "message": f"A pull request already exists for acme:{BRANCH}."}
        ],
    }
    stub.answers(f"POST {AT}/pulls", refusal, 422)
    stub.answers(f"GET {AT}/pulls", [pull()])

    assert repository.open_request(BRANCH, "main", "Update", "Why").number == 7


def test_a_request_that_cannot_be_opened_is_a_fault_in_githubs_words(
    stub: FakeHosting, repository: GitHubRepository
) -> None:
    refusal = {"message": "Validation Failed", "errors": [{"field": "base", "message": "base is invalid"}]}
    stub.answers(f"POST {AT}/pulls", refusal, 422)
    stub.answers(f"GET {AT}/pulls", [])

    with pytest.raises(HostingError, match="Validation Failed base is invalid"):
        repository.open_request(BRANCH, "trunk", "Update", "Why")


def test_a_request_is_closed_and_shown_as_it_is_then(stub: FakeHosting, repository: GitHubRepository) -> None:
    stub.answers(f"PATCH {AT}/pulls/7", pull(state="closed"))

    closed = repository.close_request(Request(7, "https://github.com/acme/infra/pull/7", RequestState.OPEN))

    assert closed.state is RequestState.CLOSED
    assert bodies(stub) == [{"state": "closed"}]


@pytest.mark.parametrize(
    ("status", "headers", "error", "words"),
    [
        (401, {}, HostingError, f"GitHub returned 401 for GET {AT}/pulls: Told you. {HINT}"),
        (403, {}, HostingError, HINT),
        (404, {}, HostingError, "If it exists, the token has no access to it."),
        (
            301,
            {"location": "https://elsewhere.example/"},
            HostingError,
            "The repository was moved: link it under its present name.",
        ),
        (410, {}, HostingError, "GitHub returned 410"),
        (403, {"x_ratelimit_remaining": "0"}, OutOfReachError, "403"),
        (403, {"retry_after": "60"}, OutOfReachError, "403"),
        (429, {}, OutOfReachError, "429"),
        (502, {}, OutOfReachError, "502"),
    ],
)
def test_what_is_final_is_a_fault_with_the_way_out_and_what_passes_is_not(
    status: int,
    headers: dict[str, str],
    error: type[Exception],
    words: str,
    stub: FakeHosting,
    repository: GitHubRepository,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    stub.answers(f"GET {AT}/pulls", {"message": "Told you"}, status, **headers)

    with pytest.raises(error) as caught:
        repository.find_request(BRANCH)

    assert words in str(caught.value)
    assert TOKEN not in str(caught.value) + caplog.text
    assert len(stub.asked) == 1  # a redirect would have taken the token elsewhere


def test_an_answer_that_is_no_json_is_no_traceback(stub: FakeHosting, repository: GitHubRepository) -> None:
    stub.answers(f"GET {AT}/pulls", b"<html>", 404)

    with pytest.raises(HostingError, match="404"):
        repository.find_request(BRANCH)


def test_an_enterprise_server_is_asked_over_an_encrypted_line_only() -> None:
    with pytest.raises(ConfigurationError, match="must start with https://"):
        hostings({"PROTON_GITHUB_ENTERPRISE_URL": "http://git.acme.example"})
