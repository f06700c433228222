"""Runs the fuzz targets: `python3 tests/fuzz.py run [--seconds N] [--runs N] [TARGET...]`, or minimizes their inputs:
`python3 tests/fuzz.py min [TARGET...]`.

`run` ends each target after a number of seconds or executions, whichever comes first. It starts with the committed inputs, keeps new ones in fuzz/target/corpus, and ends with a table. It exits with 1 if an input
crashes a target; `fuzz/artifacts` has the input. `min` replaces the committed inputs by the fewest that reach the same
code, among the committed and the new ones.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUZZ = ROOT / "fuzz"
BUILD = FUZZ / "target"
NEW = BUILD / "corpus"
# No unsafe code, so the sanitizers would find nothing that a panic does not show.
OPTIONS = ["--sanitizer", "none"]
LIMITS = ["-rss_limit_mb=2048", "-timeout=10"]
# Bytes of one input. Longer ones are slower, and reach no other code.
MAX_LEN = 4096
# Inputs of one target, and their bytes: about what the largest targets need. tests/cli/corpora.rs limits the sum.
FILES = 300
BYTES = 100_000


def known():
    return sorted(path.stem for path in (FUZZ / "fuzz_targets").glob("*.rs"))


def cargo(command, name, *words):
    return ["cargo", "+nightly", "fuzz", command, *OPTIONS, name, *words]


def build(targets):
    # One call of cargo for all programs shares the work.
    command = ["cargo", "+nightly", "fuzz", "build", *OPTIONS, *(targets if len(targets) == 1 else [])]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        sys.exit("the targets do not build; `cargo install cargo-fuzz` and `rustup toolchain install nightly` install the tools")


def artifacts(name):
    return set((FUZZ / "artifacts" / name).glob("*"))


def fuzz(name, seconds, runs):
    own = NEW / name
    own.mkdir(parents=True, exist_ok=True)
    before = artifacts(name)
    words = [str(own), str(FUZZ / "corpus" / name), "--", f"-max_total_time={seconds}", f"-runs={runs}",
             f"-max_len={MAX_LEN}", "-print_final_stats=1", *LIMITS]
    dictionary = FUZZ / "dict" / f"{name}.dict"
    if dictionary.exists():
        words.append(f"-dict={dictionary}")
    log = BUILD / f"{name}.log"
    with log.open("w", encoding="utf-8") as out:
        code = subprocess.run(cargo("run", name, *words), cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    number = lambda pattern: (re.findall(pattern, text) or ["0"])[-1]
    crashes = len(artifacts(name) - before)
    if code and not crashes:
        crashes = 1
        print(text[-2000:])
    return [name, number(r"stat::number_of_executed_units:\s*(\d+)"), number(r"cov: (\d+)"),
            number(r"stat::new_units_added:\s*(\d+)"), str(crashes)]


def table(rows):
    rows = [["target", "executions", "edges", "new inputs", "crashes"], *rows]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]))


def minimize(name):
    corpus = FUZZ / "corpus" / name
    merged = BUILD / "merged" / name
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir(parents=True)
    corpus.mkdir(parents=True, exist_ok=True)
    sources = [str(path) for path in (corpus, NEW / name) if path.is_dir()]
    log = BUILD / f"{name}.min.log"
    with log.open("w", encoding="utf-8") as out:
        subprocess.run(cargo("run", name, str(merged), *sources, "--", "-merge=1", "-use_counters=0", f"-max_len={MAX_LEN}", *LIMITS),
                       cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=True)
    # Names are hashes, so the order is the same everywhere, and what is left out has any size.
    kept, size = [], 0
    for path in sorted(merged.iterdir()):
        size += path.stat().st_size
        if len(kept) == FILES or size > BYTES:
            break
        kept.append(path)
    count = len(list(merged.iterdir()))
    for path in corpus.iterdir():
        path.unlink()
    for path in kept:
        shutil.copy(path, corpus / path.name)
    print(f"{name}: {len(kept)} of {count} inputs")


def arguments():
    parser = argparse.ArgumentParser(description="runs the fuzz targets, or minimizes their inputs")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run each target")
    run.add_argument("--seconds", type=int, default=60, help="seconds for each target")
    run.add_argument("--runs", type=int, default=-1, help="executions of each target; -1 means without limit")
    minimum = commands.add_parser("min", help="keep the fewest inputs that reach the same code")
    for each in (run, minimum):
        each.add_argument("targets", nargs="*", metavar="TARGET", help=f"all by default: {' '.join(known())}")
    return parser.parse_args()


def main():
    args = arguments()
    unknown = [name for name in args.targets if name not in known()]
    if unknown:
        sys.exit(f"unknown targets: {' '.join(unknown)}; known: {' '.join(known())}")
    targets = args.targets or known()
    os.environ.setdefault("CARGO_TERM_COLOR", "never")
    build(targets)
    if args.command == "min":
        for name in targets:
            minimize(name)
        return
    rows = []
    for name in targets:
        rows.append(fuzz(name, args.seconds, args.runs))
        print(" ".join(rows[-1]), flush=True)
    print()
    table(rows)
    if any(row[-1] != "0" for row in rows):
        sys.exit(f"an input crashes a target: see {FUZZ / 'artifacts'}")


if __name__ == "__main__":
    main()
