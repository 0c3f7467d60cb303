"""Results and searches have one digest, whatever the backend and sampler; needs a CUDA device."""

import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["SPACEMOE"]
SCENARIOS = pathlib.Path(os.environ["SPACEMOE_SCENARIOS"])


def spacemoe(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=True).stdout


def reduced_paper(law, sampler):
    """The paper's scenario with 3 slots and 6000 tokens."""
    changes = {"slots =": "slots = 3", "tokens =": f'tokens = 6000\nsampler = "{sampler}"', "law =": f'law = "{law}"',
               "random_placements =": "random_placements = 2"}
    lines = (SCENARIOS / "paper.toml").read_text().replace('"../', f'"{SCENARIOS.parent}/').splitlines()
    for start, line in changes.items():
        at, = (number for number, old in enumerate(lines) if old.startswith(start))
        lines[at] = line
    return "\n".join(lines)


class Digest(unittest.TestCase):
    def test_backends_agree(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            digests = []
            for law, sampler in (("plackett-luce", "order-statistic"), ("plackett-luce", "routing"),
                                 ("conditional-poisson", "routing")):
                scenario = folder / "paper.toml"
                scenario.write_text(reduced_paper(law, sampler))
                for backend in ("cpu", "cuda"):
                    spacemoe("evaluate", scenario, "--exact-quantiles", "--backend", backend, "-o",
                             folder / f"{backend}.h5")
                cpu, cuda = (spacemoe("digest", folder / f"{backend}.h5") for backend in ("cpu", "cuda"))
                self.assertEqual(cpu, cuda, f"{law}, {sampler}")
                digests.append(cpu)
            self.assertEqual(len(set(digests)), len(digests), "every sampler and law draws tokens of its own")

    def test_searches_agree(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for backend in ("cpu", "cuda"):
                spacemoe("optimize", SCENARIOS / "small.toml", "--moves", 3000, "--tokens", 6000, "--replications", 2,
                         "--backend", backend, "-o", folder / f"{backend}.h5")
            cpu, cuda = (spacemoe("digest", folder / f"{backend}.h5") for backend in ("cpu", "cuda"))
            self.assertEqual(cpu, cuda)


if __name__ == "__main__":
    if "absent" in spacemoe("devices"):
        print("no CUDA device")
    else:
        unittest.main()
