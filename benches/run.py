"""Runs the benchmarks that `./dev bench` has built, prints a report and keeps it as build/bench/report.md."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

import contests
import growth
import search
from processes import BUILD, ROOT, WORK, cpp_runner, our_runner, progress, python_runner

SECTIONS = ("peers", "sets", "growth", "paper", "mega", "search", "correctness", "parts")


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return os.uname().machine


def busy_cores():
    """Cores that were busy in the last second: what the load average would say if it forgot our own build."""
    def ticks():
        return [int(word) for word in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    before = ticks()
    time.sleep(1)
    passed = [b - a for a, b in zip(before, ticks())]
    idle = passed[3] + passed[4]  # waiting for a disk included
    return os.cpu_count() * (1 - idle / sum(passed))


def machine(runners, busy):
    ours = runners["ours"].ask("versions")
    versions = [ours[0], *runners["cpp"].ask("versions"), *runners["python"].ask("versions")]
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, text=True, capture_output=True)
    return (f"{time.strftime('%Y-%m-%d')}, commit {commit.stdout.strip() or 'unknown'}; {cpu_model()}, "
            f"{os.cpu_count()} cores, {busy:.1f} of them busy before; "
            f"instruction sets {', '.join(ours[1:-1])}, in use {ours[-1]}; "
            f"{', '.join(v.replace('_', ' ') for v in versions)}.\n")


def parts():
    """Google Benchmark on one thread."""
    run = subprocess.run([BUILD / "part_benches", "--benchmark_min_time=0.1"], text=True, capture_output=True,
                         check=True)
    return f"```\n{run.stdout}```\n"


def main(wanted):
    unknown = [word for word in wanted if word not in SECTIONS]
    if unknown:
        raise SystemExit(f"no section {' '.join(unknown)}; there are {' '.join(SECTIONS)}")
    wanted = wanted or [name for name in SECTIONS if name not in ("mega", "search")]  # minutes by themselves
    WORK.mkdir(exist_ok=True)
    busy = busy_cores()
    if busy > 0.3:
        progress("other work is running on this machine: the figures will suffer")
    with contextlib.ExitStack() as stack, open(BUILD / "report.md", "w") as report:
        runners = {"ours": stack.enter_context(our_runner()), "cpp": stack.enter_context(cpp_runner()),
                   "python": stack.enter_context(python_runner())}
        sections = {"peers": ("Beside the peers", lambda: contests.contests(runners)),
                    "sets": ("Instruction sets and threads", lambda: contests.instruction_sets(runners)),
                    "growth": ("How cost grows",
                               lambda: growth.path_growth() + "\n" + growth.sampling_growth()),
                    "paper": ("The paper's scenario", lambda: growth.paper(runners["python"])),
                    "mega": ("Mega-constellations", lambda: growth.mega(runners["python"])),
                    "search": ("Placement search", search.search),
                    "correctness": ("Correctness", lambda: contests.correctness(runners)),
                    "parts": ("Parts", parts)}
        write(report, machine(runners, busy))
        for name in SECTIONS:
            if name in wanted:
                progress(f"section {name}")
                title, section = sections[name]
                write(report, f"## {title}\n\n{section()}")


def write(report, text):
    for out in (sys.stdout, report):
        print(text, file=out, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
