"""Finds phrases that STYLE.md replaces: `python3 phrases.py [FILE...]`, by default in every tracked file with text for people.

In Rust files comments and strings count; elsewhere every line does. Exits with 1 if there are any.
"""
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
# They quote others, or phrases to replace; changing tests/go would rebuild programs that take minutes.
EXEMPT = ("STYLE.md", "LICENSE", "tests/lint/", "tests/cases/", "tests/go/", "Cargo.lock")
TEXT = (".rs", ".md", ".yaml", ".yml", ".toml", ".py", ".sh", "Makefile", "run")


def phrases():
    for line in (HERE / "phrases.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("# "):
            pattern, instead = line.split("\t")
            yield re.compile(pattern, re.IGNORECASE), instead


def lines(path):
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        # As for typos: a line that must hold such a word, with its reason.
        if line.endswith("typos:ignore"):
            continue
        if path.suffix == ".rs":
            # Only comments and strings.
            comment = line[line.index("//"):] if re.match(r"\s*//", line) or " // " in line else ""
            strings = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
            # A string without a space is a name, such as that of the user `nobody`.
            line = " ".join([comment, *(string for string in strings if " " in string)])
        yield number, line


def main():
    tracked = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout.split("\n")
    names = sys.argv[1:] or [name for name in tracked if name.endswith(TEXT) and (not name.startswith(EXEMPT) or name.endswith("/README.md"))]
    known = list(phrases())
    found = 0
    for name in names:
        path = pathlib.Path(name)
        if not path.is_file():
            continue
        for number, line in lines(path):
            for pattern, instead in known:
                if match := pattern.search(line):
                    print(f"{name}:{number}: \"{match.group(0).strip()[:60]}\": {instead}")
                    found += 1
    if found:
        sys.exit(f"{found} phrases to replace; STYLE.md says how")


if __name__ == "__main__":
    main()
