"""What the scripts of a release have in common: version, time, targets, and where things go."""

import functools
import json
import os
import pathlib
import subprocess
import sys

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
OUTPUT = CHECKOUT / "target" / "dist"
PROGRAM = "kubectl-largescale"

# Rust's targets by krew's words for them; of several the first whose standard library is installed.
PLATFORMS = {
    ("linux", "amd64"): ["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"],
    ("linux", "arm64"): ["aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"],
    ("darwin", "amd64"): ["x86_64-apple-darwin"],
    ("darwin", "arm64"): ["aarch64-apple-darwin"],
    ("windows", "amd64"): ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"],
    ("windows", "arm64"): ["aarch64-pc-windows-msvc"],
}


def platform_of(target):
    """krew's words for a target of Rust's."""
    for platform, targets in PLATFORMS.items():
        if target in targets:
            return platform
    known = ", ".join(target for targets in PLATFORMS.values() for target in targets)
    sys.exit(f"error: unknown target `{target}`\n  hint: known are {known}")


def archive_name(platform):
    return f"{PROGRAM}_v{version()}_{'_'.join(platform)}.tar.gz"


@functools.cache
def version():
    return next(package["version"] for package in metadata()["packages"] if package["name"] == PROGRAM)


@functools.cache
def metadata():
    """What cargo knows of the program and its dependencies, for all platforms of a release."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    for targets in PLATFORMS.values():
        command += ["--filter-platform", targets[0]]
    return json.loads(subprocess.check_output(command, cwd=CHECKOUT))


def epoch():
    """The time that files carry: that of the last commit, so that the same commit makes the same bytes."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    return int(subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=CHECKOUT))
