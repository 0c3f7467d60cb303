"""How time and memory grow, and where the time of a whole evaluation goes."""

import os
import statistics
import subprocess
import time

from contests import SHELLS, Model, make_model
from processes import BUILD, ROOT, WORK, our_runner, progress, rate_text, significant, table, time_text


def memory_text(kib):
    return f"{significant(kib / 1024)} MiB"


def path_growth():
    """64 sources; a fresh process for each row, whose peak is that of the whole process."""
    rows = []
    for name in ("72x22", "66x66", "100x100", "200x200"):
        for wiring in ("shell", "listed"):
            with our_runner() as ours:
                nodes, _ = ours.ask("make_graph", "graph", SHELLS[name], 1, wiring, 64)
                seconds = statistics.median(ours.ask("paths", "ours", 1, 0.1)[0] for _ in range(5))
                rows.append([f"{int(nodes)} ({name})", wiring, time_text(seconds),
                             time_text(seconds / nodes / 64), memory_text(64 * nodes * 4 / 1024),
                             memory_text(ours.ask("peak")[0])])
    return table(["satellites", "wiring", "64 sources", "per pair", "rows", "peak of the process"], rows)


GROWTH = ([(Model(layers, 8, 2, 0.2, ()), 1 << 17) for layers in (8, 32, 128)] +
          [(Model(32, experts, 2, 0.8, ()), 1 << 17) for experts in (32, 128, 384)] +
          [(Model(32, 128, top_k, 0.8, ()), 1 << 17) for top_k in (1, 4, 8)] +
          [(Model(32, 8, 2, 0.2, ()), tokens) for tokens in (512, 4096, 32768, 1 << 20)])


def sampling_growth():
    rows = []
    for model, per_cell in GROWTH:
        with our_runner() as ours:
            make_model(ours, model)
            token_s = {}
            for method in ("order-statistic", "per-pick"):
                tokens, seconds, *_ = ours.ask("sample", method, 1, 0.2, 0, per_cell)
                token_s[method] = seconds / tokens
            _, laws_s, tables_s = ours.ask("exact", 0.05)
            saved_s = token_s["per-pick"] - token_s["order-statistic"]
            rows.append([model.layers, model.experts, model.top_k, per_cell,
                         rate_text(1 / token_s["order-statistic"]), rate_text(1 / token_s["per-pick"]),
                         time_text(laws_s), time_text(tables_s),
                         significant(tables_s / saved_s) if saved_s > 0 else "never",
                         memory_text(ours.ask("peak")[0])])
    return table(["L", "E", "K", "tokens per cell", "order-statistic", "per-pick", "laws, once", "tables, per cell",
                  "tokens that repay a cell's tables", "peak of the process"], rows)


SCENARIOS = ROOT / "data" / "scenarios"

# Timings of a result that are not of optional work.
PARTS = ("planning", "snapshots", "paths", "costs", "sampling")


def evaluated(scenario, tokens, output, *options):
    """Wall time [s], processor time [s] and peak memory [KiB] of one run of a scenario."""
    command = [BUILD / "spacemoe", "evaluate", scenario, "--tokens", str(tokens), "-o", WORK / output, *options]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        raise SystemExit(f"spacemoe evaluate ended with status {status}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def start_up_s():
    start = time.perf_counter()
    subprocess.run([BUILD / "spacemoe", "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def paper(python):
    """The program as it is shipped, on all cores, with the time of its parts as the result tells it."""
    rows = []
    begun_s = statistics.median(start_up_s() for _ in range(5))
    for tokens, bar in ((1_000_000, 2), (10_000_000, 5)):
        runs = []
        for _ in range(5):
            progress(f"paper scenario, {tokens:,} tokens per strategy")
            wall_s, processor_s, kib = evaluated(SCENARIOS / "paper.toml", tokens, "paper.h5")
            told = dict(pair.split("=") for pair in python.ask("timing", "paper.h5"))
            part_s = [float(told[f"timing_{part}_s"]) for part in PARTS]
            total_s = float(told["timing_total_s"])
            runs.append([wall_s, processor_s, *part_s, total_s - sum(part_s), wall_s - total_s - begun_s, kib])
        wall_s, *median_s, kib = map(statistics.median, zip(*runs))
        rows.append([f"{tokens:,}", time_text(wall_s), f"<= {bar} s", "met" if wall_s <= bar else "**missed**",
                     *map(time_text, median_s), memory_text(kib)])
    head = ["tokens per strategy", "wall", "bar", "", "processor", *PARTS, "summary and rest",
            "reading, HDF5, printing", "peak"]
    return (table(head, rows) +
            f"\nMedians of five runs; start-up ({time_text(begun_s)}) is the rest of the wall time.\n")


# Networks from a thousand satellites to thirty thousand, with the links between their shells.
# The ring of subnets needs a shell that is wide enough.
NETWORKS = {"paper": 0, "kuiper": 0, "starlink-gen1": 0, "guowang": 2, "starlink-gen2": 0}  # ring_shell


def mixtral_on(constellation, ring_shell):
    """One model on every network: 256 experts and 32 gateways, one on a satellite."""
    between = 'between_shells = "nearest"\nbetween_shells_range_km = 1500' if constellation != "paper" else ""
    stars = "star_seam = true" if constellation not in ("paper", "kuiper") else ""
    file = WORK / f"mega-{constellation}.toml"
    file.write_text(f"""title = "Mixtral on {constellation}"
[constellation]
file = "{ROOT}/data/constellations/{constellation}.toml"
[links]
seam = "wrap-phased"
inter_plane_partner = "nearest-phase"
{between}
{stars}
grazing_altitude_km = 80
survival = 0.99
[time]
slots = 200
[model]
file = "{ROOT}/data/models/mixtral-8x7b.toml"
[activation]
weights = "log-normal"
sigma = 0.2
[compute]
rate_flop_s = 1e13
[placement]
strategies = ["rand-place", "spacemoe", "greedy", "staircase"]
random_placements = 4
ring_shell = {ring_shell}
""")
    return file


def run_of(python, label, scenario, output):
    progress(label)
    wall_s, processor_s, kib = evaluated(scenario, 1_000_000, output)
    told = dict(pair.split("=") for pair in python.ask("timing", output))
    parts_s = [float(told[f"timing_{part}_s"]) for part in PARTS]
    return [label, time_text(wall_s), time_text(processor_s), *map(time_text, parts_s), memory_text(kib)]


def mega(python):
    """The program as it is shipped, on all cores: one model on growing networks, then the scenarios as they are."""
    rows = [run_of(python, f"Mixtral on {name}", mixtral_on(name, ring_shell), f"mega-{name}.h5")
            for name, ring_shell in NETWORKS.items()]
    rows += [run_of(python, f"{name}.toml", SCENARIOS / f"{name}.toml", f"{name}.h5")
             for name in ("kuiper-mixtral", "starlink-gen1-qwen3", "guowang-kimi", "starlink-gen2-deepseek")]
    return table(["run, 200 slots, a million tokens per strategy", "wall", "processor", *PARTS, "peak"], rows)
