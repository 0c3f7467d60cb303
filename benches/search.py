"""What the placement search comes to: ways to search beside each other, and models on constellations."""

import json
import subprocess

from processes import BUILD, ROOT, WORK, progress, table

TRIES = 20_000_000
SECONDS = 20

CONSTELLATIONS = {"Kuiper 34x34": 'walker = "D:630:51.9:1156/34/7"', "Starlink 72x22": 'walker = "D:550:53.0:1584/72/39"'}
MODELS = {"Mixtral-8x7B": ("mixtral-8x7b", 0.2), "OLMoE 8/64": ("olmoe-1b-7b", 1.0)}


def methods():
    """On the paper's scenario, one thread."""
    progress("ways to search")
    return subprocess.run([BUILD / "search_methods", ROOT / "data" / "scenarios" / "paper.toml", str(TRIES)],
                          text=True, capture_output=True, check=True).stdout


def scenario(constellation, model):
    name, sigma = MODELS[model]
    file = WORK / f"search-{constellation.split()[0]}-{name}.toml"
    file.write_text(f"""title = "{model} on {constellation}"
[constellation]
{CONSTELLATIONS[constellation]}
[links]
seam = "wrap-phased"
survival = 0.98
[time]
slots = 100
[model]
file = "{ROOT}/data/models/{name}.toml"
[activation]
weights = "log-normal"
sigma = {sigma}
[compute]
rate_flop_s = 1e13
gateway = false
head = false
[placement]
strategies = ["spacemoe", "greedy"]
[evaluation]
tokens = 1_000_000
""")
    return file


def optimized(file, *options):
    run = subprocess.run([BUILD / "spacemoe", "optimize", file, "--time", str(SECONDS), "--threads", "1", "--format",
                          "json", *options], text=True, capture_output=True, check=True)
    return json.loads(run.stdout)


def means_ms(file):
    run = subprocess.run([BUILD / "spacemoe", "evaluate", file, "--strategies", "spacemoe,greedy", "--format", "json"],
                         text=True, capture_output=True, check=True)
    return {strategy["name"]: strategy["mean_ms"] for strategy in json.loads(run.stdout)["strategies"]}


def interval(estimate):
    return f"{estimate['mean']:.4f} ({estimate['low']:.4f} to {estimate['high']:.4f})"


def placements():
    """One thread; start and result on 20 fresh draws of outages."""
    rows = []
    files = {"paper": ROOT / "data" / "scenarios" / "paper.toml"}
    files |= {f"{model}, {shell}": scenario(shell, model) for shell in CONSTELLATIONS for model in MODELS}
    for name, file in files.items():
        rules = means_ms(file)
        for gateways, options in (("free", []), ("fixed", ["--fixed-gateways"]),
                                  ("fixed", ["--fixed-gateways", "--start", "spacemoe"])):
            progress(f"search: {name}, gateways {gateways}")
            found = optimized(file, *options)
            fresh = found["fresh"]["latency"]
            mean_ms = fresh["mean"]["b_ms"]
            bound_ms = found["bound"]["mean_ms"]
            rows.append([name, gateways, found["start"], f"{mean_ms:.1f}", interval(fresh["mean"]["ratio"]),
                         interval(fresh["p99"]["ratio"]), f"{mean_ms / rules['spacemoe']:.3f}",
                         f"{mean_ms / rules['greedy']:.3f}", f"{bound_ms:.1f}",
                         f"{100 * (found['planned']['found_mean_ms'] / bound_ms - 1):.1f} %",
                         f"{found['seconds']:.0f} s"])
    return table(["scenario", "gateways", "start", "mean ms", "mean / start (95 %)", "p99 / start (95 %)",
                  "/ spacemoe", "/ greedy", "bound ms", "above it", "time"], rows)


def search():
    return (f"Ways to search, {TRIES:,} tries on mean paths each:\n\n{methods()}\n"
            f"Models on constellations, {SECONDS} s each:\n\n{placements()}")
