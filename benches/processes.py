"""The programs that compete, and how their figures are put together.

This process stays small: it imports nothing but the standard library, so that the peak memory of what it
starts is not hidden behind its own.
"""

import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
WORK = BUILD / "work"
PYTHON = "/usr/bin/python3"  # Debian's own, which has the peers


def progress(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


class Runner:
    """A program that answers one request a line; lives until the comparison ends."""

    def __init__(self, *command):
        one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        self.process = subprocess.Popen(command, cwd=WORK, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=os.environ | one_thread)

    def ask(self, *words):
        """The words of the answer; numbers where they are."""
        print(*words, file=self.process.stdin, flush=True)
        verdict, _, answer = self.process.stdout.readline().strip().partition(" ")
        if verdict != "ok":
            raise SystemExit(f"{pathlib.Path(self.process.args[-1]).name} failed: {answer.strip() or words}")
        return [number(word) for word in answer.split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


def our_runner():
    return Runner(BUILD / "our_runner")


def cpp_runner():
    return Runner(BUILD / "cpp_runner")


def python_runner():
    return Runner(PYTHON, "-B", ROOT / "benches" / "peers" / "python_runner.py")


def number(word):
    try:
        return float(word)
    except ValueError:
        return word


def significant(value):
    """Three digits, or all before the point."""
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{digits}f}"


def time_text(seconds):
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if seconds * scale >= 1:
            return f"{significant(seconds * scale)} {unit}"
    return f"{significant(seconds * 1e9)} ns"


def rate_text(per_second):
    for unit, scale in (("G/s", 1e9), ("M/s", 1e6), ("k/s", 1e3)):
        if per_second >= scale:
            return f"{significant(per_second / scale)} {unit}"
    return f"{significant(per_second)} /s"


def ratio_text(ours, theirs):
    """How many times their seconds are ours: of the medians, and the range over the rounds."""
    rounds = [b / a for a, b in zip(ours, theirs)]
    middle = statistics.median(theirs) / statistics.median(ours)
    return f"{significant(middle)} ({significant(min(rounds))} to {significant(max(rounds))})", middle


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"
