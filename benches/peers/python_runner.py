"""The peers written in Python: SciPy, python-igraph and NetworkX for paths, NumPy for sampling.

Answers the same requests as the C++ programs (runner.hpp).
"""

import statistics
import sys
import time

import igraph
import networkx
import numpy
import scipy
import scipy.sparse
import scipy.sparse.csgraph

UNREACHABLE = 0x7FFFFFFF


def median_seconds(least_s, work):
    """Median time of `work`, repeated for at least `least_s`, and its last result."""
    seconds = []
    start = time.process_time()
    while not seconds or time.process_time() - start < least_s:
        one = time.process_time()
        result = work()
        seconds.append(time.process_time() - one)
    return statistics.median(seconds), result


class Paths:
    """One graph in the form that each library likes best; making these is not timed."""

    def __init__(self, name):
        first, neighbor, latency, self.sources = (
            numpy.fromfile(f"{name}.{part}", numpy.uint32) for part in ("first", "neighbor", "latency", "sources"))
        self.nodes = len(first) - 1
        latency = latency.astype(float)  # exact: integers far below 2^53
        tail = numpy.repeat(numpy.arange(self.nodes), numpy.diff(first))
        self.matrix = scipy.sparse.csr_matrix((latency, neighbor, first), (self.nodes, self.nodes))
        once = tail < neighbor
        links = list(zip(tail[once].tolist(), neighbor[once].tolist()))
        self.graph = igraph.Graph(self.nodes, links)
        self.graph.es["weight"] = latency[once].tolist()
        self.network = networkx.Graph()
        self.network.add_nodes_from(range(self.nodes))
        self.network.add_weighted_edges_from((a, b, w) for (a, b), w in zip(links, latency[once].tolist()))

    def scipy(self, sources):
        return scipy.sparse.csgraph.dijkstra(self.matrix, indices=sources)

    def igraph(self, sources):
        return self.graph.distances(source=sources, weights="weight")

    def networkx(self, sources):
        return [networkx.single_source_dijkstra_path_length(self.network, s) for s in sources]

    def rows(self, result):
        """A result as whole nanoseconds [source][node]."""
        if isinstance(result[0], dict):
            result = [[row.get(node, numpy.inf) for node in range(self.nodes)] for row in result]
        result = numpy.minimum(numpy.asarray(result), UNREACHABLE)
        rows = result.astype(numpy.uint32)
        if (rows != result).any():
            raise ValueError("distances are not whole nanoseconds")
        return rows


class Sampler:
    """The K largest of log w + Gumbel noise are a draw without replacement."""

    TOKENS_AT_ONCE = 1 << 17  # / (layers x experts): a chunk's keys fit the second-level cache

    def __init__(self, name, layers, experts, top_k):
        shape = (layers, experts)
        self.log_weight = numpy.log(numpy.fromfile(f"{name}.weight").reshape(shape)).astype(numpy.float32)
        self.cost = numpy.fromfile(f"{name}.cost", numpy.uint32).reshape(1, *shape)
        self.top_k = top_k
        self.tokens_at_once = max(8, self.TOKENS_AT_ONCE // (layers * experts))

    def chunk(self, random):
        """Latencies [ns] of some tokens."""
        keys = random.standard_exponential((self.tokens_at_once, *self.log_weight.shape), dtype=numpy.float32)
        with numpy.errstate(divide="ignore"):  # a key of 0 wins in any case
            numpy.log(keys, out=keys)
        numpy.subtract(self.log_weight, keys, out=keys)
        picks = numpy.argpartition(keys, -self.top_k, axis=-1)[..., -self.top_k:]
        return numpy.take_along_axis(self.cost, picks, axis=-1).max(axis=-1).sum(axis=-1, dtype=numpy.int64)

    @staticmethod
    def bins(latency_ns):
        """Log-linear bins with 8 mantissa bits."""
        shift = numpy.frexp(latency_ns.astype(float))[1] - 9
        return (shift << 8) + (latency_ns >> shift)

    def run(self, seed, least_s):
        random = numpy.random.default_rng(seed)
        histogram = numpy.zeros(57 << 8, numpy.int64)
        tokens, total, squares = 0, 0.0, 0.0
        start = time.process_time()
        while (seconds := time.process_time() - start) < least_s:
            latency_ns = self.chunk(random)
            histogram += numpy.bincount(self.bins(latency_ns), minlength=histogram.size)
            latency = latency_ns.astype(float)
            tokens += latency.size
            total += latency.sum()
            squares += numpy.square(latency).sum()
        mean = total / tokens
        return tokens, seconds, mean, squares / tokens - mean * mean


class Runner:
    def graph(self, name):
        self.input = Paths(name)
        return ()

    def paths(self, method, step, least_s):
        run = getattr(self.input, method)
        sources = self.input.sources[::int(step)].tolist()
        seconds, self.result = median_seconds(float(least_s), lambda: run(sources))
        return (seconds,)

    def save(self, file, step):
        self.input.rows(self.result)[::int(step)].tofile(file)
        return ()

    def model(self, name, layers, experts, top_k):
        self.sampler = Sampler(name, int(layers), int(experts), int(top_k))
        return ()

    def sample(self, _method, seed, least_s):
        return self.sampler.run(int(seed), float(least_s))

    def timing(self, file):
        """Attributes timing_* of a result."""
        import h5py  # only here: the rest does without
        with h5py.File(file) as result:
            return [f"{k}={v}" for k, v in result.attrs.items() if k.startswith("timing_")]

    def versions(self):
        return (f"Python_{sys.version.split()[0]}", f"NumPy_{numpy.__version__}", f"SciPy_{scipy.__version__}",
                f"python-igraph_{igraph.__version__}", f"NetworkX_{networkx.__version__}")


def main():
    runner = Runner()
    for line in sys.stdin:
        command, *arguments = line.split()
        try:
            print("ok", *getattr(runner, command)(*arguments), flush=True)
        except Exception as failure:  # the other side reports it and stops
            print("error", line.strip(), repr(failure), flush=True)


main()
