"""What every kernel takes of a device, as the compiler reports it, as a Markdown table.

usage: cuda/resources.py            prints the table (needs nvcc)
       cuda/resources.py --write    writes it into cuda/README.md
       cuda/resources.py --check    compares only the names there with the kernels in the code (needs nothing)

Exit status 1 when a kernel spills registers or uses a stack, or when names differ.
"""

import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

CUDA = pathlib.Path(__file__).resolve().parent
README = CUDA / "README.md"
BEGIN, END = "<!-- cuda/resources.py -->\n", "<!-- end -->\n"
ARCHITECTURES = ("sm_89", "sm_90")
FUSING = "sm_90"  # has one instruction for an addition and a minimum
FLAGS = ["-std=c++20", "-O3", "-DNDEBUG", "-fmad=false", f"-I{CUDA.parent}"]


def tool(name):
    return shutil.which(name) or shutil.which(name, path="/usr/local/cuda/bin")


@dataclasses.dataclass
class Kernel:
    registers: dict = dataclasses.field(default_factory=dict)  # by architecture
    shared_bytes: int = 0
    stack_bytes: int = 0
    spilled_bytes: int = 0
    pairs: int = 0  # of an addition and a minimum, in PTX for FUSING
    fused: int = 0  # such instructions in its machine code


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout + done.stderr


def short_name(mangled):
    """The kernel and its template arguments, without namespaces and parameters."""
    name = run("c++filt", mangled).strip()
    name = name.removeprefix("void ").replace("(anonymous namespace)::", "").replace("spacemoe::", "")
    return re.sub(r"\((\w+)\)", r"\1", name[: re.search(r"\((?!\w+\)[\d])", name).start()])


def own(parts, pattern):
    """(name, text) of each part that begins with a mangled name, but for those of libraries."""
    for part in parts:
        name = short_name(re.match(pattern, part).group(1))
        if "cub::" not in name and "thrust::" not in name:
            yield name, part


def add_resources(kernels, architecture, report):
    for name, part in own(report.split("Compiling entry function ")[1:], r"'(\w+)'"):
        kernel = kernels.setdefault(name, Kernel())
        kernel.registers[architecture] = int(re.search(r"Used (\d+) registers", part).group(1))
        shared = re.search(r"(\d+) bytes smem", part)
        kernel.shared_bytes = max(kernel.shared_bytes, int(shared.group(1)) if shared else 0)
        stack, stores, loads = map(int, re.search(
            r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part).groups())
        kernel.stack_bytes = max(kernel.stack_bytes, stack)
        kernel.spilled_bytes = max(kernel.spilled_bytes, stores + loads)


def add_fusion(kernels, ptx, cubin):
    """Counts the pairs, and the instructions that became of them where a disassembler shows it."""
    pair = re.compile(r"add\.[us]32\s+(\w+),[^;]*;\s*min\.u32\s+%r\d+, \1,")
    for name, part in own(re.split(r"\.entry ", ptx)[1:], r"(\w+)"):
        kernels[name].pairs = len(pair.findall(part))
    if tool("cuobjdump"):
        for name, part in own(re.split(r"Function : ", run(tool("cuobjdump"), "-sass", cubin))[1:], r"(\w+)"):
            kernels[name].fused = part.count("VIADDMNMX")


def kernels_of(source):
    kernels = {}
    with tempfile.TemporaryDirectory() as folder:
        ptx, cubin = pathlib.Path(folder, "ptx"), pathlib.Path(folder, "cubin")
        for architecture in ARCHITECTURES:
            run(tool("nvcc"), *FLAGS, f"-arch={architecture}", "-ptx", "-o", ptx, source)
            report = run(tool("ptxas"), "-v", f"-arch={architecture}", "-o", cubin, ptx)
            add_resources(kernels, architecture, report)
            if architecture == FUSING:
                add_fusion(kernels, ptx.read_text(), cubin)
    return kernels


def table(kernels):
    machine_code = bool(tool("cuobjdump"))
    lines = [f"| kernel | {' | '.join(f'registers {a}' for a in ARCHITECTURES)} | shared bytes "
             f"| stack bytes | add-min pairs, PTX of {FUSING} |{' of these fused |' if machine_code else ''}",
             "|---" * (len(ARCHITECTURES) + 4 + machine_code) + "|"]
    for name, kernel in kernels:
        cells = [name, *(kernel.registers[a] for a in ARCHITECTURES), kernel.shared_bytes,
                 kernel.stack_bytes, kernel.pairs]
        if machine_code:
            cells.append(kernel.fused)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def complain(problems):
    for problem in problems:
        print(f"cuda/resources.py: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


def split_readme():
    before, rest = README.read_text().split(BEGIN)
    return before, *rest.split(END)


def check():
    """The kernels in the code are those of the table, and each is timed under its name where it is launched."""
    code = "".join(source.read_text() for source in sorted(CUDA.glob("*.cu")))
    in_code = set(re.findall(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\(", code))
    in_table = set(re.findall(r"^\| (\w+)[^|]*\| \d", split_readme()[1], re.MULTILINE))
    timed = set(re.findall(r'LaunchTimer const \w+\("(\w+)"', code))
    if not in_code:
        complain(["no kernels found"])
    complain([f"{name} is {where}" for names, where in
              ((in_code - in_table, "not in the table of cuda/README.md: run cuda/resources.py --write"),
               (in_table - in_code, "in the table of cuda/README.md but not in the code"),
               (in_code - timed, "not timed where it is launched: see cuda/kernel_times.hpp"),
               (timed - in_code, "timed but no kernel")) for name in sorted(names)])


def main(arguments):
    if arguments == ["--check"]:
        check()
    if arguments not in ([], ["--write"]):
        sys.exit(__doc__)
    if not tool("nvcc"):
        sys.exit("cuda/resources.py: no nvcc here")
    kernels = [pair for source in sorted(CUDA.glob("*.cu")) for pair in sorted(kernels_of(source).items())]
    if arguments:
        before, _, after = split_readme()
        README.write_text(before + BEGIN + table(kernels) + END + after)
    else:
        print(table(kernels), end="")
        if not tool("cuobjdump"):
            print(f"\nNo cuobjdump here: whether {FUSING} has one instruction for each pair is not known.")
    complain([f"{name} spills {kernel.spilled_bytes} bytes and has a stack of {kernel.stack_bytes}"
              for name, kernel in kernels if kernel.spilled_bytes > 0
              or kernel.stack_bytes > 0])


if __name__ == "__main__":
    main(sys.argv[1:])
