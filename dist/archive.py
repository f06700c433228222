#!/usr/bin/env python3
"""Packs a program that is built into target/dist, with licence, man pages and completion.

    dist/archive.py TARGET PROGRAM

The same commit and the same program make the same bytes: sorted names, one time, no owner.
"""

import gzip
import io
import pathlib
import subprocess
import sys
import tarfile
import time

import project

SCRIPTS = project.CHECKOUT / "src" / "commands" / "completion" / "scripts"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    target, program = sys.argv[1], pathlib.Path(sys.argv[2])
    platform = project.platform_of(target)
    if not program.is_file():
        sys.exit(f"error: {program}: no such file\n  hint: build it first: cargo build --release --target {target}")
    project.OUTPUT.mkdir(parents=True, exist_ok=True)
    path = project.OUTPUT / project.archive_name(platform)
    path.write_bytes(packed(files(platform, program), project.epoch()))
    print(path.relative_to(project.CHECKOUT))


def files(platform, program):
    """Name in the archive, then file and mode."""
    ending = ".exe" if platform[0] == "windows" else ""
    listed = {
        project.PROGRAM + ending: (program, 0o755),
        "LICENSE": (project.CHECKOUT / "LICENSE", 0o644),
        "README.md": (project.CHECKOUT / "README.md", 0o644),
    }
    for page in man_pages():
        listed[f"man/{page.name}"] = (page, 0o644)
    for script in SCRIPTS.iterdir():
        mode = 0o755 if script.name.startswith("kubectl_complete") else 0o644
        listed[f"completions/{script.name}"] = (script, mode)
    return listed


def man_pages():
    """Written by the program that is built for this machine, whatever the target is."""
    directory = project.OUTPUT / "man"
    date = time.strftime("%Y-%m-%d", time.gmtime(project.epoch()))
    command = ["cargo", "run", "--quiet", "--locked", "--example", "man", "--", str(directory), date]
    subprocess.run(command, cwd=project.CHECKOUT, check=True)
    return directory.glob("*.1")


def packed(listed, epoch):
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, (path, mode) in sorted(listed.items()):
            content = path.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), mode, epoch
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), 9, mtime=0)


main()
