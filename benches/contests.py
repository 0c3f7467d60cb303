"""Ours beside the peers: same inputs, interleaved rounds, one thread each, results compared first."""

import dataclasses
import filecmp
import statistics

from processes import WORK, progress, rate_text, ratio_text, table, time_text

ROUNDS = 7
HEAD = ["what", "ours", "peer", "peer's", "ratio (over the rounds)", "bar", ""]


@dataclasses.dataclass
class Peer:
    """`runner` is cpp or python. A slow peer runs from every `step`-th source only; its time is scaled."""
    name: str
    runner: str
    method: str
    bar: float | None = None
    step: int = 1


@dataclasses.dataclass
class PathContest:
    name: str
    walker: str
    peers: list
    survival: float = 1
    wiring: str = "shell"
    sources: int = 0  # all


def boost(bar, step=1):
    return Peer("Boost dijkstra_no_color_map", "cpp", "boost", bar, step)


def heap(bar=None, step=1):
    return Peer("own 4-ary heap Dijkstra", "cpp", "heap", bar, step)


def scipy(bar, step=1):
    return Peer("SciPy dijkstra", "python", "scipy", bar, step)


SHELLS = {"34x34": "D:630:51.9:1156/34/17", "72x22": "D:550:53:1584/72/39", "66x66": "D:550:53:4356/66/33",
          "100x100": "D:550:53:10000/100/50", "200x200": "D:550:53:40000/200/100"}

PATHS = [
    PathContest("all pairs, 72x22", SHELLS["72x22"],
                [boost(100), scipy(250), Peer("python-igraph distances", "python", "igraph", 400),
                 Peer("NetworkX dijkstra", "python", "networkx", 3500, step=80),
                 Peer("own blocked Floyd-Warshall", "cpp", "floyd-warshall", 75), heap()]),
    PathContest("all pairs, 66x66", SHELLS["66x66"], [boost(120, step=4), scipy(350, step=4)]),
    PathContest("64 sources, 72x22", SHELLS["72x22"], [heap(65)], sources=64),
    PathContest("64 sources, 66x66", SHELLS["66x66"], [heap(65)], sources=64),
    PathContest("64 sources, 100x100", SHELLS["100x100"], [heap(65)], sources=64),
    PathContest("64 sources, 200x200", SHELLS["200x200"], [heap(65)], sources=64),
    PathContest("all pairs, 72x22, 10 % of links down", SHELLS["72x22"], [boost(40)], survival=0.9),
    PathContest("all pairs, 34x34 as a list of links", SHELLS["34x34"], [boost(8)], wiring="listed"),
    PathContest("640 sources, 100x100 as a list of links", SHELLS["100x100"], [boost(8, step=8)],
                wiring="listed", sources=640),
]


def path_rows(contest, runners):
    """The rows of one contest; stops where a result differs."""
    least_s = 0.05
    ours = runners["ours"]
    _, sources = ours.ask("make_graph", "graph", contest.walker, contest.survival, contest.wiring,
                          contest.sources)
    for runner in {peer.runner for peer in contest.peers}:
        runners[runner].ask("graph", "graph")
    compare_paths(contest, runners)
    our_s, peer_s = [], [[] for _ in contest.peers]
    for _ in range(ROUNDS):
        our_s += ours.ask("paths", "ours", 1, least_s)
        for peer, seconds in zip(contest.peers, peer_s):
            used = -(-int(sources) // peer.step)
            seconds.append(runners[peer.runner].ask("paths", peer.method, peer.step, least_s)[0] * sources / used)
    rows = []
    for peer, seconds in zip(contest.peers, peer_s):
        name = peer.name + (f", from 1 of {peer.step} sources, scaled" if peer.step > 1 else "")
        rows.append(row(contest.name, time_text, our_s, name, seconds, peer.bar))
    return rows


def compare_paths(contest, runners):
    """Every peer's distances must be ours, to the nanosecond."""
    runners["ours"].ask("paths", "ours", 1, 0)
    for peer in contest.peers:
        runners[peer.runner].ask("paths", peer.method, peer.step, 0)
        runners[peer.runner].ask("save", "theirs", 1)
        runners["ours"].ask("save", "ours", peer.step)
        if not filecmp.cmp(WORK / "ours", WORK / "theirs", shallow=False):
            raise SystemExit(f"{contest.name}: {peer.name} finds other distances than we do")


def row(what, text, our_s, peer, peer_s, bar):
    ratio, middle = ratio_text(our_s, peer_s)
    verdict = "" if bar is None else "met" if middle >= bar else "**missed**"
    bar_text = "" if bar is None else f">= {bar}"
    return [what, text(statistics.median(our_s)), peer, text(statistics.median(peer_s)), ratio, bar_text, verdict]


@dataclasses.dataclass
class Model:
    """Bars: order-statistic beside NumPy and beside the standard library, per-pick beside the latter."""
    layers: int
    experts: int
    top_k: int
    sigma: float
    bars: tuple

    @property
    def name(self):
        return f"L {self.layers}, E {self.experts}, K {self.top_k}"


MODELS = [Model(32, 8, 2, 0.2, (350, 100, 7)), Model(32, 16, 4, 0.2, (700, 300, 14)),
          Model(48, 128, 8, 1.0, (4000, 700, 22)), Model(58, 256, 8, 1.0, (7000, 700, 28))]


@dataclasses.dataclass
class Exact:
    mean: float
    variance: float
    fourth: float

    def z_scores(self, samples):
        """Of mean and variance, in standard errors; samples are (tokens, seconds, mean, variance)."""
        tokens = sum(s[0] for s in samples)
        mean = sum(s[0] * s[2] for s in samples) / tokens
        about_mean = sum(s[0] * (s[3] + (s[2] - self.mean) ** 2) for s in samples) / tokens
        return ((mean - self.mean) / (self.variance / tokens) ** 0.5,
                (about_mean - self.variance) / ((self.fourth - self.variance ** 2) / tokens) ** 0.5)

    def check(self, what, samples):
        z = self.z_scores(samples)
        if max(map(abs, z)) > 4:
            raise SystemExit(f"{what}: mean and variance are {z[0]:.1f} and {z[1]:.1f} standard errors off")
        return z


def make_model(runner, model):
    return Exact(*runner.ask("make_model", "model", model.layers, model.experts, model.top_k, model.sigma))


# Method, runner, further arguments of its request.
SAMPLERS = {"order-statistic": ("ours", (0, 1 << 17)), "per-pick": ("ours", (0, 1 << 17)),
            "std::discrete_distribution": ("cpp", ()), "NumPy Gumbel top-k": ("python", ())}


def sampling_rows(model, runners):
    """The rows of one model; stops where a sampler is off."""
    exact = make_model(runners["ours"], model)
    for runner in ("cpp", "python"):
        runners[runner].ask("model", "model", model.layers, model.experts, model.top_k)
    samples = {method: [] for method in SAMPLERS}
    philox_s, exact_s = [], []
    for seed in range(1, ROUNDS + 1):
        for method, (runner, more) in SAMPLERS.items():
            word = method.replace(" ", "-")
            samples[method].append(runners[runner].ask("sample", word, seed, 0.25, *more))
        philox_s.append(1 / runners["cpp"].ask("philox", 0.05)[0])
        exact_s.append(runners["ours"].ask("exact", 0.02)[0])
    for method, drawn in samples.items():
        exact.check(f"{model.name}, {method}", drawn)
    return timed_rows(model, {m: [s[1] / s[0] for s in drawn] for m, drawn in samples.items()}, philox_s, exact_s)


def timed_rows(model, token_s, philox_s, exact_s):
    """From seconds per token, per random word and per exact mean of a layer."""
    order, pick = token_s["order-statistic"], token_s["per-pick"]
    numpy, standard = "NumPy Gumbel top-k", "std::discrete_distribution"
    rate = lambda seconds: rate_text(1 / seconds)
    rows = [row(f"order-statistic, {model.name}", rate, order, numpy, token_s[numpy], model.bars[0]),
            row(f"order-statistic, {model.name}", rate, order, standard, token_s[standard], model.bars[1]),
            row(f"per-pick, {model.name}", rate, pick, standard, token_s[standard], model.bars[2])]
    if model.experts <= 16:
        rows.append(row(f"order-statistic, layers drawn, {model.name}", rate, [s / model.layers for s in order],
                        "Philox-10 words alone", philox_s, 0.75))
    redraw_s = [1e5 * s / model.layers for s in order]
    bar = {16: 100, 256: 3}.get(model.experts)
    rows.append(row(f"exact mean of a layer after a swap, {model.name}", time_text, exact_s,
                    "own redraw of 100,000 tokens of the layer", redraw_s, bar))
    return rows


def contests(runners):
    rows = []
    for contest in PATHS:
        progress(contest.name)
        rows += path_rows(contest, runners)
    for model in MODELS:
        progress(f"samplers, {model.name}")
        rows += sampling_rows(model, runners)
    return (f"Medians of {ROUNDS} interleaved rounds, one thread each. Paths: equal to the nanosecond. Samplers: "
            "tokens per second, tables built beforehand; mean and variance within 4 standard errors of the exact "
            "ones.\n\n" + table(HEAD, rows))


def instruction_sets(runners):
    """Our own methods under each instruction set and on two threads."""
    ours = runners["ours"]
    sets = ours.ask("versions")[1:-1]
    columns = [(s, 1) for s in reversed(sets)] + [(sets[-1], 2)]
    rows = []
    for contest in (PATHS[0], PATHS[4], PATHS[7]):
        ours.ask("make_graph", "graph", contest.walker, contest.survival, contest.wiring, contest.sources)
        rows.append([contest.name, *by_instruction_set(ours, columns, lambda: time_text(ours.ask(
            "paths", "ours", 1, 0.2)[0]))])
    for model in (MODELS[0], MODELS[3]):
        make_model(ours, model)
        for method in ("order-statistic", "per-pick"):
            def rate():
                tokens, seconds, *_ = ours.ask("sample", method, 1, 0.2, 0, 1 << 17)
                return rate_text(tokens / seconds)
            rows.append([f"{method}, {model.name}", *by_instruction_set(ours, columns, rate)])
    return table(["ours", *(f"{s}, {n} thread{'s' * (n > 1)}" for s, n in columns)], rows)


def by_instruction_set(ours, columns, measure):
    cells = []
    for instruction_set, threads in columns:
        ours.ask("instructions", instruction_set)
        ours.ask("threads", threads)
        cells.append(measure())
    ours.ask("instructions", columns[0][0])
    ours.ask("threads", 1)
    return cells


def correctness(runners):
    """Mean and variance of 32 million tokens, in standard errors from the exact ones."""
    tokens, seeds = 32e6, (11, 12, 13)
    ours = runners["ours"]
    ours.ask("threads", 2)
    rows = []
    for model in MODELS:
        exact = make_model(ours, model)
        for method in ("order-statistic", "per-pick"):
            progress(f"32 million tokens by {method}, {model.name}")
            z = [exact.check(f"{model.name}, {method}, seed {seed}",
                             [ours.ask("sample", method, seed, 0, tokens, 1 << 17)]) for seed in seeds]
            rows.append([f"{method}, {model.name}", ", ".join(f"{m:+.2f}" for m, _ in z),
                         ", ".join(f"{v:+.2f}" for _, v in z)])
    ours.ask("threads", 1)
    return table(["32 million tokens, three seeds", "mean, standard errors off", "variance, standard errors off"],
                 rows)
