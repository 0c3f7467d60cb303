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


def linked_shells():
    """The small scenario with a second shell, links between the two, and copies of experts and gateways."""
    higher = """[[shell]]
name = "higher"
altitude_km = 1500
inclination_deg = 70
planes = 7
satellites_per_plane = 9
phasing = 2

[links]
between_shells = "nearest"
between_shells_range_km = 3000
"""
    copies = """[placement]
replicas = 1
spare_gateways = 1
"""
    return (SCENARIOS / "small.toml").read_text().replace("[links]\n", higher).replace("[placement]\n", copies)


DAMAGE = {"drawn": "draw = 1\nsatellites = 0.03\nplanes = 0.03\nlinks = 0.1\nlatitude = 0.05\nstorm = 0.03\n"
                   "eclipse = 0.6\nlink_rate = 0.9\ncompute_rate = 0.3\n",
          "attack": "gateways = 0.1\nhosts = 0.1\nbusiest_satellites = 0.05\nbusiest_links = 0.1\n"}


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

    def test_backends_agree_on_damaged_networks(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            digests = []
            for damage, keys in DAMAGE.items():
                scenario = folder / f"{damage}.toml"
                scenario.write_text(f"{linked_shells()}\n[damage]\n{keys}")
                for backend in ("cpu", "cuda"):
                    spacemoe("evaluate", scenario, "--exact-quantiles", "--backend", backend, "-o",
                             folder / f"{backend}.h5")
                cpu, cuda = (spacemoe("digest", folder / f"{backend}.h5") for backend in ("cpu", "cuda"))
                self.assertEqual(cpu, cuda, damage)
                digests.append(cpu)
            self.assertNotEqual(*digests)

    def test_stress_tests_agree(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            scenario = folder / "linked.toml"
            scenario.write_text(linked_shells())
            for backend in ("cpu", "cuda"):
                spacemoe("stress", scenario, "--damage", "satellites,storm,gateways,busiest_links,link_rate", "--levels",
                         "0,0.1", "--draws", 2, "--tokens", 600, "--strategies", "rand-place,spacemoe", "--repair", "all",
                         "--backend", backend, "-o", folder / f"{backend}.h5")
            cpu, cuda = (spacemoe("digest", folder / f"{backend}.h5") for backend in ("cpu", "cuda"))
            self.assertEqual(cpu, cuda)

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
