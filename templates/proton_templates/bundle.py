"""Template bundles: a tar.gz becomes a checked ``Bundle``, a folder becomes a tar.gz.

Pure but for ``pack``, which reads the folder it is given; a bundle is never extracted to disk. Every fault is
one sentence that names file and cause; together they become the ``statusMessage`` of a version.

Sources: User Guide, "Wrap up template files for AWS Proton" and "AWS Proton quotas" (the late ones).
"""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from proton_templates.documents import DocumentError
from proton_templates.manifest import CUSTOMER_MANAGED, ENGINES, Engine, Manifest, read_manifest
from proton_templates.rendering import RenderError
from proton_templates.schema import check_customer_managed, minor_incompatibility, read_schema

__all__ = ["Bundle", "BundleError", "minor_incompatibility", "pack", "read_bundle"]

_MEGABYTE = 1024 * 1024
_MAX_BUNDLE = 10 * _MEGABYTE
_MAX_FILE = 2 * _MEGABYTE
_MAX_FILES = 500
# AWS names no limit for what a bundle unpacks to; this is ours, against decompression bombs. It also bounds
# the number of entries, as each takes a header of 512 bytes.
_MAX_UNPACKED = 50 * _MEGABYTE

_SCHEMA = "schema/schema.yaml"
_MANIFEST = "infrastructure/manifest.yaml"
_Read = TypeVar("_Read")
_LITTER = {".git", ".DS_Store", "__pycache__"}


class BundleError(ValueError):
    """A bundle is refused. Each argument is a sentence that names the file and the cause."""

    def __str__(self) -> str:
        """The sentences."""
        return " ".join(self.args)


@dataclass(frozen=True)
class Bundle:
    """An environment template bundle that has passed every check registration makes.

    ``schema_text`` is schema.yaml as written; ``input_schema`` the OpenAPI 3.0 object of its inputs;
    ``files`` what stands below ``infrastructure/``, by relative path; ``template_file`` the one of them that
    the manifest names; ``settings`` the manifest's settings as written (Jinja, rendered by a deployment).
    """

    schema_text: str
    input_schema: dict[str, Any]
    engine: str
    files: Mapping[str, bytes]
    template_file: str | None = None
    settings: dict[str, Any] | None = None


def read_bundle(tarball: bytes, *, customer_managed: bool, engines: Collection[Engine] = ENGINES) -> Bundle:
    """The environment template bundle in ``tarball``; schema and infrastructure may stand in any folder.

    ``engines`` are those that its manifest may ask for.

    Raises BundleError with every fault of the schema, the manifest and the template; one of the archive
    itself comes alone.
    """
    files = _unpack(tarball)
    root = _root(files)
    faults: list[str] = []
    path = root + _SCHEMA
    content = files[path]
    schema_text, inputs = _attempt(
        faults, path, lambda: _read_schema(content, customer_managed=customer_managed)
    ) or ("", {})
    infrastructure = _below(files, f"{root}infrastructure/")
    manifest = Manifest(CUSTOMER_MANAGED)
    if not customer_managed:
        if _below(files, f"{root}instance_infrastructure/"):
            faults.append(
                f"{root}instance_infrastructure: belongs to a service template; this is an environment's."
            )
        manifest = _read_manifest(root, files, infrastructure, engines, faults)
    elif infrastructure:
        faults.append(
            f"{root}infrastructure: a customer-managed template has a schema only; leave this folder out."
        )
    if faults:
        raise BundleError(*faults)
    return Bundle(
        schema_text,
        inputs,
        manifest.engine.name,
        infrastructure,
        manifest.template_file,
        manifest.settings,
    )


def pack(folder: Path) -> bytes:
    """``folder`` as tar.gz: the same bytes for the same content, whenever and by whomever it is packed.

    Raises BundleError if there is no such folder, or something in it is neither file nor folder.
    """
    if not folder.is_dir():
        raise BundleError(f"{folder}: is not a folder.")
    archive = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=archive, mode="wb", filename="", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name in _names_in(folder):
            path = folder / name
            if path.is_symlink() or not path.is_file():
                raise BundleError(f"{name}: is not a regular file; bundles hold no links or devices.")
            with path.open("rb") as file:
                content = file.read(_MAX_FILE + 1)
            if len(content) > _MAX_FILE:
                raise BundleError(f"{name}: is larger than {_MAX_FILE // _MEGABYTE} MB.")
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _names_in(folder: Path) -> list[str]:
    """The paths of what is no folder below ``folder``, sorted. It stops where a bundle would be too large."""
    names: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = [name for name in folders if name not in _LITTER]
        names += [
            Path(parent, name).relative_to(folder).as_posix()
            for name in [*files, *links]
            if name not in _LITTER
        ]
        if sum(not PurePosixPath(name).name.startswith("._") for name in names) > _MAX_FILES:
            raise BundleError(f"The bundle holds more than {_MAX_FILES} files.")
    return sorted(names)


def _raise(error: OSError) -> None:
    raise error


def _unpack(tarball: bytes) -> dict[str, bytes]:
    if len(tarball) > _MAX_BUNDLE:
        raise BundleError(f"The bundle is larger than {_MAX_BUNDLE // _MEGABYTE} MB.")
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(tarball)).read(_MAX_UNPACKED + 1)
        if len(unpacked) > _MAX_UNPACKED:
            raise BundleError(f"The bundle unpacks to more than {_MAX_UNPACKED // _MEGABYTE} MB.")
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as tar:
            return _files(tar)
    except (OSError, EOFError, zlib.error, tarfile.TarError, ValueError, OverflowError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError("The bundle is not a tar.gz archive, or is damaged.") from None


def _files(tar: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for entry in tar:
        path = _path(entry.name)
        if entry.isdir() or PurePosixPath(path).name.startswith("._"):  # macOS puts "._x" beside each x
            continue
        if not entry.isfile() or entry.issparse():
            raise BundleError(f"{path}: is not a regular file; bundles hold no links or devices.")
        if entry.size > _MAX_FILE:
            raise BundleError(f"{path}: is larger than {_MAX_FILE // _MEGABYTE} MB.")
        if path in files:
            raise BundleError(f"{path}: is in the bundle twice.")
        if len(files) == _MAX_FILES:
            raise BundleError(f"The bundle holds more than {_MAX_FILES} files.")
        content = tar.extractfile(entry)
        files[path] = content.read() if content else b""
    return files


def _path(name: str) -> str:
    shown = name.encode("utf-8", "backslashreplace").decode()[:200]
    if shown != name or not name.isprintable():
        raise BundleError(f"{shown!r}: is no file name a bundle may hold (too long, or not printable text).")
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name:
        raise BundleError(f"{name}: leads out of the bundle; paths must be relative, without '..' or '\\'.")
    return str(parts)


def _root(files: Mapping[str, bytes]) -> str:
    """The folder that ``schema/`` stands in: "" or a path that ends with "/"."""
    roots = [path.removesuffix(_SCHEMA) for path in files if f"/{path}".endswith(f"/{_SCHEMA}")]
    # Provisioning code may hold a schema/schema.yaml of its own; that one is none of ours.
    outermost = [
        root
        for root in roots
        if not any(root.startswith(f"{other}infrastructure/") for other in roots if other != root)
    ]
    if not outermost:
        raise BundleError(
            f"{_SCHEMA}: is missing; a bundle has it in a folder 'schema' beside 'infrastructure'."
        )
    if len(outermost) > 1:
        raise BundleError(f"{outermost[1]}{_SCHEMA}: is a second schema beside {outermost[0]}{_SCHEMA}.")
    return outermost[0]


def _below(files: Mapping[str, bytes], folder: str) -> dict[str, bytes]:
    return {path.removeprefix(folder): content for path, content in files.items() if path.startswith(folder)}


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentError("is not text in UTF-8") from None


def _read_schema(content: bytes, *, customer_managed: bool) -> tuple[str, dict[str, Any]]:
    text = _text(content)
    inputs = read_schema(text)
    if customer_managed:
        check_customer_managed(inputs)
    return text, inputs


def _read_manifest(
    root: str,
    files: Mapping[str, bytes],
    infrastructure: Mapping[str, bytes],
    engines: Collection[Engine],
    faults: list[str],
) -> Manifest:
    """The manifest, and its template file checked; something else once there are faults."""
    path = root + _MANIFEST
    if path not in files:
        faults.append(f"{path}: is missing; it says which engine provisions the environment.")
        return Manifest(CUSTOMER_MANAGED)
    read = _attempt(faults, path, lambda: read_manifest(_text(files[path]), infrastructure.keys(), engines))
    manifest = read or Manifest(CUSTOMER_MANAGED)
    if manifest.template_file and (check := manifest.engine.check_file):
        template, path = (
            infrastructure[manifest.template_file],
            f"{root}infrastructure/{manifest.template_file}",
        )
        _attempt(faults, path, lambda: check(_text(template), path))
    return manifest


def _attempt(faults: list[str], path: str, read: Callable[[], _Read]) -> _Read | None:
    """What is read; or None, and the faults of the file at ``path`` as sentences."""
    try:
        return read()
    except DocumentError as fault:
        faults += [f"{path}: {clause}." for clause in fault.args]
    except RenderError as fault:
        faults.append(str(fault))
    return None
