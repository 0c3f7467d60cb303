"""Prints what every kernel takes of a device, as the compiler reports it, as a Markdown table.

usage: cuda/resources.py [ARCHITECTURE...]     (default: sm_89 sm_90; needs nvcc)
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NVCC = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
FLAGS = ["-std=c++20", "-O3", "-DNDEBUG", "-fmad=false", f"-I{ROOT}", "-Xptxas", "-v", "-c", "-o", "/dev/null"]


def short_name(mangled):
    """The kernel and its template arguments, without namespaces and parameters."""
    name = subprocess.run(["c++filt", mangled], capture_output=True, text=True, check=True).stdout.strip()
    name = name.removeprefix("void ").replace("(anonymous namespace)::", "").replace("spacemoe::", "")
    return re.sub(r"\((\w+)\)", r"\1", name[: re.search(r"\((?!\w+\)[\d])", name).start()])


def kernels(source, architecture):
    """(kernel, registers, static shared bytes, stack bytes, bytes spilled) of each kernel."""
    run = subprocess.run([NVCC, *FLAGS, f"-arch={architecture}", str(source)], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(run.stderr)
    for part in run.stderr.split("Compiling entry function ")[1:]:
        name = short_name(re.match(r"'(\w+)'", part).group(1))
        if "cub::" in name or "thrust::" in name:
            continue
        stack, stores, loads = map(int, re.search(
            r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part).groups())
        shared = re.search(r"(\d+) bytes smem", part)
        yield (name, int(re.search(r"Used (\d+) registers", part).group(1)), int(shared.group(1)) if shared else 0,
               stack, stores + loads)


def main(architectures):
    print("| kernel | architecture | registers | shared bytes | stack bytes | spilled bytes |")
    print("|---|---|---|---|---|---|")
    for source in sorted((ROOT / "cuda").glob("*.cu")):
        for architecture in architectures:
            for name, *numbers in sorted(kernels(source, architecture)):
                print(f"| {name} | {architecture} |", " | ".join(map(str, numbers)), "|")


if __name__ == "__main__":
    main(sys.argv[1:] or ["sm_89", "sm_90"])
