"""Measures programs, and prints figures."""
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CHECKOUT = os.path.dirname(os.path.dirname(HERE))
CONTROL_PLANE = os.path.join(CHECKOUT, "target", "control-plane")
MEGABYTE = 1_000_000

rows = []


def figure(name, measured, wanted, ok):
    """Prints a line of the table as soon as it is known."""
    rows.append(ok)
    print(f"{name:<58}{measured:<34}{wanted:<22}{'ok' if ok else 'MISSED'}", flush=True)


def skipped(name, why):
    ok = os.environ.get("CI") != "true"
    rows.append(ok)
    print(f"{name:<58}skipped: {why}{'' if ok else ', which CI must have: MISSED'}", flush=True)


class Run:
    """A program run to its end: seconds, and peak memory in bytes."""

    def __init__(self, command, code=0):
        environment = {**os.environ, "NO_COLOR": "1"}
        with tempfile.TemporaryFile() as errors:
            start = time.perf_counter()
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
            _, status, usage = os.wait4(child.pid, 0)
            self.seconds = time.perf_counter() - start
            child.returncode = os.waitstatus_to_exitcode(status)
            if child.returncode != code:
                errors.seek(0)
                raise SystemExit(f"{' '.join(map(str, command))}: exit code {child.returncode}\n{errors.read().decode()}")
        self.memory = usage.ru_maxrss * 1024


class Runs:
    """Several runs: the median of their times, and the highest of their peaks."""

    def __init__(self, runs):
        self.runs = runs
        self.seconds = statistics.median(run.seconds for run in runs)
        self.memory = max(run.memory for run in runs)

    def times(self, other):
        """Returns the ratio of the times: the median over the turns, because the machine's speed drifts."""
        return statistics.median(ours.seconds / theirs.seconds for ours, theirs in zip(self.runs, other.runs))


def in_turns(times, *starts):
    """Runs several programs in turns, `times` times each, so that other load affects all equally."""
    runs = [[start() for start in starts] for _ in range(times)]
    return [Runs(each) for each in zip(*runs)]


def shown(seconds):
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def made(kind, path, *numbers):
    """Writes data to the disk in a separate process."""
    subprocess.run([sys.executable, "-B", os.path.join(HERE, "data.py"), kind, path, *map(str, numbers)], check=True)
    return path


def found(variable, name):
    return os.environ.get(variable) or shutil.which(name)


@contextlib.contextmanager
def until_stdin_closes(command):
    """Starts a server and returns the first line that it prints; it ends when its standard input closes."""
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield child.stdout.readline()
    finally:
        child.stdin.close()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
