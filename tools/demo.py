"""`make demo` and `make demo-down`: from nothing to an AWS Proton environment by `pulumi up`, and back.

Everything it makes is in `.demo/` (Pulumi's state, the server's database and log); it can be run again at any
time, also after Ctrl-C and after the server was killed. Forbidden here: the user's own AWS and Pulumi
settings, and anything the user couldn't type: each step is a command, and is shown.
"""

from __future__ import annotations

import fcntl
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tools import pulumi_cli, uv
from tools.demo_server import DemoServer

STATE = uv.ROOT / ".demo"

_EXAMPLE = "examples/01-quickstart"
_TEMPLATE = "quickstart"
_STACK = "demo"

_RUN = """#!/bin/sh
# Runs a command as the demo does: with its Pulumi, its Python, and its server as AWS.
cd {root} && exec .venv/bin/python -u -m tools.demo run "$@"
"""
_NEXT = f"""
Try next:
  .demo/run pulumi preview --diff
      what would change; first change the spec in {_EXAMPLE}/__main__.py, to see something
  .demo/run python -c 'import boto3; print(boto3.client("proton").list_environments()["environments"])'
      the same environment, as any AWS client sees it
  make demo-down
      destroys the environment, stops the server and removes .demo
"""


def up() -> None:
    """Set everything up that isn't, preview, deploy, and show the outputs."""
    server = DemoServer(STATE)
    _heading("Set up")
    url, remark = server.ready()
    environment = _prepare(url)
    print(f"  Pulumi CLI  {pulumi_cli.found()}")
    print(f"  server      {url}, {remark}; log in {server.log.relative_to(uv.ROOT)}")
    print(f"  stack       {_STACK}, its state in {STATE.name}/stacks")
    _run(["proton-server", "templates", "publish", f"{_EXAMPLE}/template", "--name", _TEMPLATE], environment)
    _heading("Preview")
    _run(["pulumi", "preview"], environment)
    _heading("Up")
    _run(["pulumi", "up", "--yes", "--skip-preview"], environment)
    _heading("Outputs")
    _run(["pulumi", "stack", "output"], environment)
    print(_NEXT)


def down() -> None:
    """Destroy the environment, stop the server and remove `.demo`."""
    server = DemoServer(STATE)
    try:
        url, _ = server.ready()
        _run(["pulumi", "destroy", "--yes", "--skip-preview", "--remove"], _prepare(url))
    except SystemExit:
        print(f"To give the demo up as it is, stop its server and remove {STATE.name}: all of it is there.")
        raise
    server.stop()
    shutil.rmtree(STATE)
    print(f"The environment is destroyed, the server is stopped, {STATE.name} is removed.")


def run(command: list[str]) -> int:
    """One command in the demo's environment; its exit code."""
    server = DemoServer(STATE)
    url, _ = server.ready()
    return _call(command, _prepare(url))


def _prepare(url: str) -> dict[str, str]:
    """The environment for the demo's commands, with the stack selected and free to use."""
    environment = pulumi_cli.environment(STATE, url)
    script = STATE / "run"
    script.write_text(_RUN.format(root=shlex.quote(str(uv.ROOT))))
    script.chmod(0o755)
    _quietly(["pulumi", "stack", "select", _STACK, "--create"], environment)
    # A Pulumi that was killed leaves its lock on the stack, and its creates as pending, with a warning for
    # ever. Nobody else uses this state (`main` holds our own lock), and the next create adopts what the last
    # one began.
    if any((STATE / "stacks" / ".pulumi" / "locks").rglob("*.json")):
        _quietly(["pulumi", "cancel", "--yes"], environment)
        _quietly(["pulumi", "refresh", "--yes", "--skip-preview", "--clear-pending-creates"], environment)
    return environment


def _quietly(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=uv.ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"`{shlex.join(command)}` failed: {done.stderr.strip()}")


def _run(command: list[str], environment: dict[str, str]) -> None:
    print(f"$ {shlex.join(command)}")
    code = _call(command, environment)
    if code:
        sys.exit(f"`{shlex.join(command)}` failed ({code}). The server's log is {STATE.name}/server.log.")


def _call(command: list[str], environment: dict[str, str]) -> int:
    program = shutil.which(command[0], path=environment["PATH"])
    if not program:
        sys.exit(f"{command[0]}: no such command in the demo's environment.")
    # Not subprocess.run: on Ctrl-C it kills its child after a quarter of a second, and Pulumi, which got the
    # Ctrl-C too, needs longer to end what it is doing and to write its state.
    process = subprocess.Popen([program, *command[1:]], cwd=uv.ROOT, env=environment)
    interrupted = False
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            interrupted = True
        else:
            break
    if interrupted:
        raise KeyboardInterrupt
    return code


def _heading(title: str) -> None:
    print(f"\n── {title} {'─' * (60 - len(title))}")


def main(arguments: list[str]) -> int:
    """`up`, `down`, or `run COMMAND…`; the exit code."""
    if arguments == ["down"] and not STATE.exists():
        print(f"There is nothing to take down: no {STATE.name} here.")
        return 0
    STATE.mkdir(exist_ok=True)
    if arguments[:1] == ["run"]:
        return run(arguments[1:])
    with Path(__file__).open() as itself:
        try:
            fcntl.flock(itself, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("Another `make demo` or `make demo-down` is running in this folder; wait for it to end.")
        {"up": up, "down": down}[arguments[0]]()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FileNotFoundError as missing:
        sys.exit(f"The demo lacks something; run `make setup`: {missing}")
    except KeyboardInterrupt:
        print(
            "\nStopped. `make demo` continues from here; `make demo-down` destroys what there is.",
            file=sys.stderr,
        )
        sys.exit(130)
