"""Shared by the release scripts: version, time, targets and paths."""

import functools
import json
import os
import pathlib
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT = CHECKOUT / "target" / "dist"
PROGRAM = "kubectl-largescale"

# Rust targets by krew platform; of several the first with an installed standard library.
PLATFORMS = {
    ("linux", "amd64"): ["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"],
    ("linux", "arm64"): ["aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"],
    ("darwin", "amd64"): ["x86_64-apple-darwin"],
    ("darwin", "arm64"): ["aarch64-apple-darwin"],
    ("windows", "amd64"): ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"],
    ("windows", "arm64"): ["aarch64-pc-windows-msvc"],
}


def platform_of(target):
    """Returns the krew platform of a Rust target."""
    for platform, targets in PLATFORMS.items():
        if target in targets:
            return platform
    known = ", ".join(target for targets in PLATFORMS.values() for target in targets)
    sys.exit(f"error: unknown target `{target}`\n  hint: use one of: {known}")


def archive_name(platform):
    return f"{PROGRAM}_v{version()}_{'_'.join(platform)}.tar.gz"


@functools.cache
def version():
    return next(package["version"] for package in metadata()["packages"] if package["name"] == PROGRAM)


@functools.cache
def metadata():
    """Returns cargo's metadata of the program and its dependencies, for all platforms of a release."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    for targets in PLATFORMS.values():
        command += ["--filter-platform", targets[0]]
    return json.loads(subprocess.check_output(command, cwd=CHECKOUT))


def epoch():
    """Returns the timestamp of files: that of the last commit, so that the same commit produces the same bytes."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    return int(subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=CHECKOUT))
