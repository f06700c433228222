#!/usr/bin/env python3
"""Completes target/dist when its archives exist: the bill of materials, SHA256SUMS and the krew manifest.

    dist/finish.py [--complete TAG] [REPOSITORY]

With --complete a missing archive, or a TAG of another version, is an error. REPOSITORY is the address of the repository in which the archives are released, https://github.com/OWNER/NAME.
"""

import hashlib
import json
import sys

import project
import sbom

TEMPLATE = project.CHECKOUT / "krew-manifest.yaml"
# The placeholder for a digest in the template.
UNKNOWN = "0" * 64


def main():
    arguments, tag = sys.argv[1:], None
    if arguments[:1] == ["--complete"]:
        tag, arguments = "".join(arguments[1:2]), arguments[2:]
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments) or tag == "":
        sys.exit(__doc__)
    repository = arguments[0].rstrip("/") if arguments else None
    if tag not in (None, f"v{project.version()}"):
        sys.exit(f"error: the tag is {tag}, but the version in Cargo.toml is {project.version()}\n  hint: tag the commit that sets the version")
    bill = project.OUTPUT / f"{project.PROGRAM}_v{project.version()}.cdx.json"
    bill.write_text(json.dumps(sbom.bill(project.metadata()), indent=1) + "\n")

    archives = sorted(project.OUTPUT.glob(project.archive_name(("*", "*"))))
    if not archives:
        sys.exit("error: target/dist contains no archive of this version\n  hint: run `make dist`")
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in [*archives, bill]}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (project.OUTPUT / "SHA256SUMS").write_text(lines)

    manifest = filled(TEMPLATE.read_text(), sums, project.version(), repository)
    (project.OUTPUT / "krew").mkdir(exist_ok=True)
    (project.OUTPUT / "krew" / "largescale.yaml").write_text(manifest)
    missing = manifest.count(UNKNOWN)
    print(f"{len(archives)} archives, SHA256SUMS, {bill.name}, krew/largescale.yaml in target/dist")
    if missing and tag:
        sys.exit(f"error: {missing} platforms of the manifest have no archive")
    if missing:
        print(f"{missing} platforms have no archive here, and no digest in krew/largescale.yaml", file=sys.stderr)


def filled(template, sums, version, repository):
    """Fills the template with version, addresses and the known digests."""
    lines, digest = [], UNKNOWN
    for line in template.splitlines():
        if line.startswith("#"):
            continue
        line = line.replace("v0.0.0", f"v{version}")
        if repository:
            line = line.replace("https://github.com/OWNER/kubectl-largescale", repository)
        if line.strip().startswith("uri: "):
            digest = sums.get(line.rsplit("/", 1)[1], UNKNOWN)
        lines.append(line.replace(UNKNOWN, digest))
    return "\n".join(lines) + "\n"


main()
