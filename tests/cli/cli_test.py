"""The program as a user meets it: exit statuses, messages, formats, and that no option changes a result it should not."""

import csv
import io
import json
import os
import pathlib
import pty
import re
import resource
import signal
import subprocess
import time
import unittest

from program import PROGRAM, SCENARIOS, SMALL, Folder, spacemoe

SHELLS = str(pathlib.Path(__file__).parent.parent / "io" / "shells.toml")


class Evaluate(Folder):
    def test_json_has_the_documented_fields(self):
        result = json.loads(self.succeed("evaluate", SMALL, "--format", "json", "--exact", "--tokens", 5000))
        self.assertGreater(len(result["strategies"]), 4)
        for strategy in result["strategies"]:
            self.assertEqual(strategy["tokens"], 5000)
            self.assertEqual(list(strategy["quantiles_ms"]), ["p50", "p90", "p99", "p99.9"])
            levels = list(strategy["quantiles_ms"].values())
            self.assertEqual(levels, sorted(levels))
            self.assertGreater(strategy["standard_error_ms"], 0)
            self.assertGreaterEqual(strategy["undeliverable"], 0)
            error = abs(strategy["mean_ms"] - strategy["exact_mean_ms"]) / strategy["standard_error_ms"]
            self.assertLess(error, 5, strategy["name"])
            self.assertIn("exact_undeliverable", strategy)
            self.assertAlmostEqual(sum(strategy["layer_mean_ms"]), strategy["mean_ms"], delta=strategy["mean_ms"])
            single = strategy["name"] in ("spacemoe", "colocated", "greedy")
            self.assertEqual(strategy["placement_spread_ms"] is None, single)
        self.assertEqual(min(s["ratio_to_best"] for s in result["strategies"]), 1)

    def test_without_exact_there_is_nothing_exact(self):
        self.assertNotIn("exact", self.succeed("evaluate", SMALL, "--format", "json", "--tokens", 500))

    def test_loads_are_printed_when_asked_for(self):
        words = ["evaluate", SMALL, "--tokens", 500, "--strategies", "rand-place,spacemoe"]
        self.assertNotIn("busiest", self.succeed(*words))
        table = self.succeed(*words, "--load")
        self.assertRegex(table, r"\nspacemoe +\d\S+ +\d+\.\d+; satellite \d+\n")
        self.assertEqual(table.count("busiest of "), 2)
        strategies = json.loads(self.succeed(*words, "--load", "--format", "json"))["strategies"]
        rows = list(csv.DictReader(io.StringIO(self.succeed(*words, "--load", "--format", "csv"))))
        for strategy, row in zip(strategies, rows):
            load = strategy["load"]
            peaks = [link["peak_bit"] for link in load["busiest_links"]]
            self.assertEqual((len(peaks), peaks), (5, sorted(peaks, reverse=True)))
            self.assertAlmostEqual(load["link_saturates_at_tokens_per_s"] * peaks[0] / 100e9, 1)
            self.assertAlmostEqual(
                load["satellite_saturates_at_tokens_per_s"] * load["busiest_satellites"][0]["peak_ms"], 1000)
            self.assertEqual(float(row["link_saturates_at_tokens_per_s"]), load["link_saturates_at_tokens_per_s"])

    def test_describe_tells_the_loads_of_evaluate(self):
        for scenario in (SMALL, SHELLS):
            described = self.succeed("describe", scenario, "--load")
            evaluated = self.succeed("evaluate", scenario, "--tokens", 500, "--load")
            self.assertTrue(described.endswith(evaluated[evaluated.index("load   "):]), scenario)

    def test_terminals_to_other_shells_are_named_among_the_busiest(self):
        words = ["evaluate", SHELLS, "--tokens", 500, "--strategies", "spacemoe", "--load"]
        self.assertRegex(self.succeed(*words), r"\n +\d+ -> other shell +\d")
        links = json.loads(self.succeed(*words, "--format", "json"))["strategies"][0]["load"]["busiest_links"]
        self.assertEqual({link["kind"] for link in links}, {"link", "terminal"})
        for link in links:
            ends = {type(link["from"]), type(link["to"])}
            self.assertEqual(ends, {int} if link["kind"] == "link" else {int, type(None)})

    def test_exact_quantiles_lie_in_the_bins_of_the_others(self):
        files = {}
        strategies = {}
        for name, options in {"bins": [], "exact": ["--exact-quantiles"],
                              "threads": ["--exact-quantiles", "--threads", 3]}.items():
            files[name] = self.folder / f"{name}.h5"
            strategies[name] = json.loads(self.succeed("evaluate", SMALL, "--format", "json", "-o", files[name],
                                                       *options))["strategies"]
        for binned, exact in zip(strategies["bins"], strategies["exact"]):
            for name, quantile_ms in exact["quantiles_ms"].items():
                low, high = binned["quantile_ranges_ms"][name]["bin"]
                self.assertLess(low, high)
                self.assertTrue(low <= quantile_ms < high, (name, low, quantile_ms, high))
                self.assertEqual(exact["quantile_ranges_ms"][name]["bin"], [quantile_ms, quantile_ms])
                self.assertEqual(exact["quantile_ranges_ms"][name]["confidence_95"],
                                 binned["quantile_ranges_ms"][name]["confidence_95"])
        digests = {name: self.succeed("digest", file) for name, file in files.items()}
        self.assertEqual(digests["exact"], digests["threads"])
        self.assertNotEqual(digests["exact"], digests["bins"])

    def test_csv_says_the_same_as_json(self):
        rows = list(csv.DictReader(io.StringIO(self.succeed("evaluate", SMALL, "--format", "csv"))))
        strategies = json.loads(self.succeed("evaluate", SMALL, "--format", "json"))["strategies"]
        self.assertEqual([r["strategy"] for r in rows], [s["name"] for s in strategies])
        for row, strategy in zip(rows, strategies):
            self.assertEqual(float(row["mean_ms"]), strategy["mean_ms"])
            self.assertEqual(float(row["p99.9_ms"]), strategy["quantiles_ms"]["p99.9"])
            self.assertEqual(float(row["layer_1_mean_ms"]), strategy["layer_mean_ms"][1])

    def test_table_names_every_strategy_once_per_section(self):
        table = self.succeed("evaluate", SMALL, "--strategies", "spacemoe,greedy", "--tokens", 500)
        self.assertIn("spacemoe", table)
        self.assertIn("greedy", table)
        self.assertNotIn("rand-place", table)

    def test_threads_change_nothing_and_seeds_do(self):
        digests = {}
        for name, options in {"one": ["--threads", 1], "three": ["--threads", 3], "cpu": ["--backend", "cpu"],
                              "seed": ["--seed", 2], "tokens": ["--tokens", 6001]}.items():
            file = self.folder / f"{name}.h5"
            self.succeed("evaluate", SMALL, "--exact", "--load", "-o", file, *options)
            digests[name] = self.succeed("digest", file)
        self.assertEqual(digests["one"], digests["three"])
        self.assertEqual(digests["one"], digests["cpu"])
        self.assertEqual(len(set(digests.values())), 3)
        self.assertRegex(digests["one"], r"^[0-9a-f]{64}\n$")

    def test_a_result_gives_its_placements_back(self):
        first = self.folder / "first.h5"
        self.succeed("evaluate", SMALL, "-o", first, "--strategies", "spacemoe")
        scenario = self.folder / "again.toml"
        text = pathlib.Path(SMALL).read_text()
        head, _, tail = text.partition("[placement]\n")
        lines = [line for line in tail.splitlines() if not line.startswith("strategies")]
        scenario.write_text(head.replace('"../', f'"{SCENARIOS.parent}/') +
                            '[placement]\nstrategies = ["file"]\nfile = "first.h5"\nfile_strategy = "spacemoe"\n' +
                            "\n".join(lines) + "\n")
        again = json.loads(self.succeed("evaluate", scenario, "--format", "json"))["strategies"][0]
        before = json.loads(self.succeed("evaluate", SMALL, "--strategies", "spacemoe", "--format", "json"))["strategies"][0]
        self.assertEqual(again["mean_ms"], before["mean_ms"])
        self.assertEqual(again["quantiles_ms"], before["quantiles_ms"])

    def test_placements_of_a_file_come_beside_the_strategies(self):
        first = self.folder / "first.h5"
        self.succeed("evaluate", SMALL, "-o", first)
        words = ["evaluate", SMALL, "--strategies", "greedy", "--placement", first]
        self.assertIn("name one of rand-place", self.refuse(2, *words))
        self.assertIn("give --placement, too", self.refuse(2, "evaluate", SMALL, "--placement-strategy", "greedy"))
        strategies = json.loads(self.succeed(*words, "--placement-strategy", "greedy", "--format", "json"))["strategies"]
        self.assertEqual([s["name"] for s in strategies], ["greedy", "file"])
        self.assertEqual(strategies[0]["quantiles_ms"], strategies[1]["quantiles_ms"])

    def test_the_resolved_scenario_gives_the_same_result(self):
        import h5py
        first, second = self.folder / "first.h5", self.folder / "second.h5"
        self.succeed("evaluate", SMALL, "-o", first)
        resolved = self.folder / "resolved.toml"
        with h5py.File(first) as file:
            resolved.write_text(file["scenario_resolved"][()].decode())
        self.succeed("evaluate", resolved, "-o", second)
        with h5py.File(first) as a, h5py.File(second) as b:
            self.assertTrue((a["histogram"][()] == b["histogram"][()]).all())
            self.assertEqual(a["scenario_resolved"][()], b["scenario_resolved"][()])

    def test_progress_is_silent_in_a_pipe_and_there_on_a_terminal(self):
        self.assertEqual(spacemoe("evaluate", SMALL).stderr, "")
        parent, child = pty.openpty()
        subprocess.run([PROGRAM, "evaluate", SMALL], stdout=subprocess.DEVNULL, stderr=child, check=True)
        os.close(child)
        shown = os.read(parent, 1 << 16).decode()
        self.assertRegex(shown, r"\d+ %, .* tokens/s, \d+ s left")


class Comparing(Folder):
    def setUp(self):
        super().setUp()
        self.both, self.one = self.folder / "both.h5", self.folder / "one.h5"
        self.succeed("evaluate", SMALL, "--strategies", "rand-place,spacemoe", "-o", self.both)
        self.succeed("evaluate", SMALL, "--strategies", "staircase", "--seed", 5, "--tokens", 60, "-o", self.one)

    def compare(self, *words):
        return json.loads(self.succeed("compare", self.both, self.one, "--replications", 4, "--tokens", 2000,
                                       "--format", "json", *words))

    def test_a_better_placement_is_better_and_equal_ones_are_equal(self):
        found = self.compare("--strategy-a", "rand-place", "--placement-a", 2)
        self.assertEqual((found["a"]["placement"], found["a"]["placements"]), (2, 4))
        self.assertEqual(found["b"]["strategy"], "staircase")
        for name in ("mean", "p50", "p99"):
            latency = found["latency"][name]
            self.assertLess(latency["difference_ms"]["high"], 0)
            self.assertLess(latency["ratio"]["high"], 1)
            means = [sum(r[name] for r in found["replications"][side]) / 4 for side in "ab"]
            self.assertAlmostEqual(latency["a_ms"], means[0])
            self.assertAlmostEqual(latency["difference_ms"]["mean"], means[1] - means[0])
        same = json.loads(self.succeed("compare", self.one, self.one, "--replications", 2, "--format", "json"))
        self.assertEqual(same["latency"]["p99.9"]["difference_ms"], {"mean": 0, "low": 0, "high": 0})
        self.assertEqual(same["tokens"], 100000)

    def test_threads_change_nothing_and_seeds_do(self):
        words = ["--strategy-a", "spacemoe"]
        first = self.compare(*words)
        self.assertEqual(self.compare(*words, "--threads", 3, "--backend", "cpu"), first)
        self.assertNotEqual(self.compare(*words, "--seed", 9)["latency"], first["latency"])

    def test_the_table_says_which_placements_and_how_sure(self):
        table = self.succeed("compare", self.both, self.one, "--strategy-a", "rand-place", "--replications", 2)
        self.assertIn(f"a: rand-place of {self.both}, placement 0 of 4\n", table)
        self.assertIn(f"b: staircase of {self.one}\n", table)
        self.assertRegex(table, r"mean +\d+\.\d\d +\d+\.\d\d +-\d+\.\d\d +-\d+\.\d\d to -\d+\.\d\d +0\.\d{4}")
        self.assertIn("lost %", table)

    def test_what_cannot_be_compared(self):
        words = ["compare", self.both, self.one]
        self.assertIn("name one of rand-place, spacemoe", self.refuse(2, *words))
        self.assertIn("--strategy-b: ", self.refuse(2, *words, "--strategy-a", "spacemoe", "--strategy-b", "greedy"))
        self.assertIn("placements 0 to 3", self.refuse(2, *words, "--strategy-a", "rand-place", "--placement-a", 4))
        self.assertIn("1 file given, 2 expected", self.refuse(2, "compare", self.one))
        self.assertIn("--replications: 1 is out of range", self.refuse(2, *words, "--replications", 1))
        self.assertIn("holds no scenario", self.refuse(2, "compare", self.one, SMALL))
        self.assertIn("2 problems", self.refuse(2, "compare", self.folder / "none.h5", self.folder / "neither.h5"))
        other, text = self.folder / "other.toml", pathlib.Path(SMALL).read_text()
        other.write_text(text.replace("survival = 0.98", "survival = 0.9"))
        self.succeed("evaluate", other, "--strategies", "spacemoe", "-o", self.folder / "other.h5")
        message = self.refuse(2, "compare", self.one, self.folder / "other.h5")
        self.assertIn(f"links.survival: 0.98 in {self.one}, 0.9 in {self.folder / 'other.h5'}", message)
        self.assertIn("1 problem", message)


class Redundant(Folder):
    """Replicas and spare gateways on their way through files."""

    def setUp(self):
        super().setUp()
        self.scenario, self.planned = self.folder / "redundant.toml", self.folder / "planned.h5"
        self.scenario.write_text(pathlib.Path(SMALL).read_text().replace(
            "random_placements = 4", "random_placements = 4\nreplica_places = 10\nspare_gateways = 1"))
        self.succeed("evaluate", self.scenario, "--strategies", "rand-place,spacemoe", "-o", self.planned)

    def data(self, file, names):
        import h5py
        with h5py.File(file) as result:
            return {name: result[name][()].tolist() for name in names}

    def digest(self, file):
        return self.succeed("digest", file)

    def test_what_was_planned_is_what_a_file_gives_back(self):
        again, resolved, third = (self.folder / name for name in ("again.h5", "resolved.toml", "third.h5"))
        self.succeed("evaluate", SMALL, "--strategies", "file", "--placement", self.planned,
                     "--placement-strategy", "rand-place", "-o", again)
        names = ("gateway", "host", "replica_placement", "replica_layer", "replica_expert", "replica_host",
                 "spare_placement", "spare_layer", "spare_gateway", "mean_ms", "undeliverable", "histogram")
        there, here = self.data(self.planned, names), self.data(again, names)
        self.assertEqual(len(here["replica_host"]), 40)
        self.assertEqual(len(here["spare_gateway"]), 24)
        self.assertEqual((here["mean_ms"], here["undeliverable"]), (there["mean_ms"][:1], there["undeliverable"][:1]))
        for name in names[:9]:
            self.assertEqual(here[name], there[name][:len(here[name])], name)

        # The resolved scenario of that run has all of it, too.
        import h5py
        with h5py.File(again) as result:
            resolved.write_text(result["scenario_resolved"].asstr()[()])
        self.assertEqual(resolved.read_text().count("replicas = ["), 4)
        self.succeed("evaluate", resolved, "-o", third)
        self.assertEqual(self.digest(third), self.digest(again))

    def test_placements_without_get_what_the_scenario_asks_for(self):
        bare, completed = self.folder / "bare.h5", self.folder / "completed.h5"
        self.succeed("evaluate", SMALL, "--strategies", "spacemoe", "-o", bare)
        self.assertNotEqual(self.digest(bare), self.digest(self.planned))
        self.succeed("evaluate", self.scenario, "--strategies", "spacemoe", "--placement", bare, "-o", completed)
        found = self.data(completed, ("replica_host", "spare_gateway", "mean_ms"))
        self.assertEqual(found["replica_host"][:10], found["replica_host"][10:])
        self.assertEqual(found["spare_gateway"][:6], found["spare_gateway"][6:])
        self.assertEqual(found["mean_ms"][0], found["mean_ms"][1])

    def test_comparisons_take_placements_as_results_have_them(self):
        bare = self.folder / "bare.h5"
        self.succeed("evaluate", SMALL, "--strategies", "rand-place", "-o", bare)
        gain = []
        for a, b, strategy in ((bare, self.planned, "--strategy-b"), (self.planned, bare, "--strategy-a")):
            found = json.loads(self.succeed("compare", a, b, strategy, "rand-place", "--replications", 2,
                                            "--format", "json"))
            gain.append(found["latency"]["mean"]["difference_ms"]["mean"])
        self.assertLess(gain[0], 0)
        self.assertAlmostEqual(gain[0], -gain[1])

    def test_searches_leave_it_out_and_add_the_scenarios(self):
        found, start = self.folder / "found.h5", self.folder / "start.h5"
        words = ("--start", start, "--moves", 3000, "--replications", 2, "--tokens", 600)
        self.succeed("evaluate", self.scenario, "--strategies", "spacemoe", "-o", start)
        self.succeed("optimize", SMALL, *words, "-o", found)
        import h5py
        with h5py.File(found) as result:
            self.assertNotIn("replica", result)
        self.succeed("optimize", self.scenario, *words, "-o", found)
        with h5py.File(found) as result:
            self.assertEqual(result["replica_placement"][()].tolist(), [0] * 10 + [1] * 10)
            self.assertEqual(result["spare_layer"][()].tolist(), 2 * [0, 1, 2, 3, 4, 5])


class Optimize(Folder):
    QUICK = ("--moves", 20000, "--replications", 2)

    def setUp(self):
        super().setUp()
        self.result = self.folder / "x.h5"

    def optimize(self, *words):
        return self.succeed("optimize", SMALL, *self.QUICK, *words)

    def json(self, *words):
        return json.loads(self.optimize("--format", "json", *words))

    def digest(self, file):
        return self.succeed("digest", file)

    def placement(self, file, strategy):
        import h5py
        with h5py.File(file) as result:
            row = list(result["placement_strategy"][()]).index(list(result["strategy"].asstr()).index(strategy))
            return result["gateway"][row].tolist(), result["host"][row].tolist()

    def test_the_result_is_better_and_can_be_evaluated_and_compared(self):
        found = self.json("-o", self.result)
        self.assertEqual(list(self.folder.iterdir()), [self.result])
        planned = found["planned"]
        self.assertLess(planned["found_mean_ms"], planned["start_mean_ms"])
        self.assertGreaterEqual(planned["found_mean_ms"], found["bound"]["mean_ms"])
        table = self.succeed("evaluate", SMALL, "--strategies", "greedy", "--placement", self.result,
                             "--placement-strategy", "refined", "--format", "json")
        greedy, file = json.loads(table)["strategies"]
        self.assertLess(file["mean_ms"], greedy["mean_ms"])
        other = self.folder / "other.h5"
        self.optimize("--start", "rand-place", "--seed", 7, "-o", other)
        compared = json.loads(self.succeed("compare", self.result, other, "--strategy-a", "refined", "--strategy-b",
                                           "rand-place", "--replications", 4, "--format", "json"))
        self.assertGreater(compared["latency"]["mean"]["difference_ms"]["low"], 0)

    def test_threads_change_nothing_and_seeds_do(self):
        files = {}
        for name, words in {"one": ["--threads", 1], "three": ["--threads", 3], "seed": ["--seed", 5]}.items():
            files[name] = self.folder / f"{name}.h5"
            self.optimize("-o", files[name], *words)
        self.assertEqual(self.digest(files["one"]), self.digest(files["three"]))
        self.assertNotEqual(self.placement(files["one"], "refined"), self.placement(files["seed"], "refined"))

    def test_starts_from_strategies_results_and_given_placements(self):
        self.assertEqual(self.json("--start", "rand-intra", "-o", self.result)["start"], "rand-intra")
        first = self.json("--start", "rand-intra")["planned"]
        again = self.folder / "again.h5"
        # What is found is the start of the next.
        import h5py
        with h5py.File(self.result) as result:
            self.assertEqual(list(result["strategy"].asstr()), ["rand-intra", "refined"])
        found = self.json("--start", self.result, "-o", again)
        self.assertEqual(found["start"], str(self.result))
        self.assertEqual(found["planned"]["start_mean_ms"], first["found_mean_ms"])
        self.assertLessEqual(found["planned"]["found_mean_ms"], first["found_mean_ms"])
        self.assertEqual(self.placement(again, "file"), self.placement(self.result, "refined"))
        # The same, written down.
        gateways, hosts = self.placement(self.result, "refined")
        given = self.folder / "given.toml"
        given.write_text(f"gateways = {gateways}\nhosts = {hosts}\n")
        self.assertEqual(self.json("--start", given)["planned"], found["planned"])
        given.write_text(f"gateways = {gateways[1:]}\nhosts = {hosts}\n")
        self.assertIn("gateways", self.refuse(2, "optimize", SMALL, "--start", given))

    def test_strategies_are_no_files(self):
        (self.folder / "greedy").mkdir()
        words = (pathlib.Path(SMALL).resolve(), *self.QUICK, "--start", "greedy", "--format", "json")
        self.assertEqual(json.loads(self.succeed("optimize", *words, cwd=self.folder))["start"], "greedy")

    def test_the_table_tells_the_objective_from_the_mean(self):
        scenario = self.folder / "worst.toml"
        given = pathlib.Path(SMALL).read_text()
        for keys, label in (('over = "worst"', "worst mean ms"), ("lost_penalty_ms = 10", "mean+loss ms"),
                            ('over = "worst"\nobjective = "mean+0.123457sd"', "worst mean+0.123457sd ms")):
            scenario.write_text(f"{given}\n[search]\n{keys}\n")
            words = ("optimize", scenario, *self.QUICK)
            table = self.succeed(*words).splitlines()
            planned = json.loads(self.succeed(*words, "--format", "json"))["planned"]
            for row, kind in ((label, ""), ("mean ms", "mean_")):
                figures = next(line for line in table if line.startswith(row + " ")).removeprefix(row).split()
                self.assertEqual(figures[:2], [f"{planned[f'{which}_{kind}ms']:.2f}" for which in ("start", "found")])

    def test_the_trace_tells_moves_by_kind_and_never_rises(self):
        self.optimize("--objective", "p99", "-o", self.result)
        import h5py
        with h5py.File(self.result) as result:
            stage = result["trace_stage"].asstr()[()].tolist()
            value = result["trace_value_ms"][()].tolist()
            for what in ("tried", "accepted"):
                self.assertEqual(result[f"trace_{what}"][-1].tolist(), result[f"moves_{what}"][()].tolist())
        descent = value[stage.index("descent"):]
        self.assertEqual(descent, sorted(descent, reverse=True))

    def test_starts_that_a_network_lacks_are_named_by_their_option(self):
        message = self.refuse(2, "optimize", SCENARIOS / "edges.toml", "--start", "spacemoe")
        self.assertIn("--start: spacemoe needs the planes of a shell", message)

    def test_what_is_not_better_elsewhere_is_not_taken(self):
        scenario = self.folder / "few.toml"
        scenario.write_text(re.sub(r"slots = .*", "slots = 2", re.sub(
            r"survival = .*", "survival = 0.7", pathlib.Path(SMALL).read_text()).replace(
                '"../', f'"{SCENARIOS.resolve().parent}/')) + "[search]\noutages = 1\n")
        kept = 0
        for seed in range(1, 6):
            found = json.loads(self.succeed("optimize", scenario, *self.QUICK, "--seed", seed, "--format", "json"))
            if not found["verified"]["better"]:
                kept += 1
                self.assertEqual(found["planned"]["found_mean_ms"], found["planned"]["start_mean_ms"])
                self.assertEqual(found["fresh"]["latency"]["mean"]["difference_ms"]["mean"], 0)
            else:
                self.assertLess(found["verified"]["difference_ms"]["high"], 0)
        self.assertGreater(kept, 0)

    def test_fixed_gateways_stay(self):
        self.optimize("--start", "spacemoe", "--fixed-gateways", "-o", self.result)
        start, found = (self.placement(self.result, name) for name in ("spacemoe", "refined"))
        self.assertEqual(start[0], found[0])
        self.assertNotEqual(start[1], found[1])

    def test_objectives_are_what_is_made_small(self):
        for objective in ("p99.9", "cvar99", "mean+2sd"):
            found = self.json("--objective", objective)
            self.assertEqual(found["objective"], objective)
            self.assertLess(found["planned"]["found_ms"], found["planned"]["start_ms"])

    def test_refined_in_a_scenario_is_what_optimize_finds(self):
        self.optimize("--start", "greedy", "--objective", "p90", "-o", self.result)
        scenario = self.folder / "scenario.toml"
        scenario.write_text(re.sub(r"strategies = .*", 'strategies = ["greedy", "refined"]', pathlib.Path(SMALL).read_text()) +
                            '[search]\nstart = "greedy"\nobjective = "p90"\nmoves = 20000\n')
        evaluated = self.folder / "evaluated.h5"
        self.succeed("evaluate", scenario, "-o", evaluated)
        self.assertEqual(self.placement(evaluated, "refined"), self.placement(self.result, "refined"))
        # And so is that of the scenario that the result holds.
        import h5py
        with h5py.File(self.result) as result:
            scenario.write_text(result["scenario_resolved"].asstr()[()])
        self.succeed("evaluate", scenario, "-o", evaluated)
        self.assertEqual(self.placement(evaluated, "refined"), self.placement(self.result, "refined"))

    def test_an_interrupted_search_goes_on(self):
        words = ["optimize", SMALL, "--moves", 2000000, "--replications", 2, "-o"]
        whole, left = self.folder / "whole.h5", self.folder / "left.h5"
        self.succeed(*words, whole)
        run = subprocess.Popen([PROGRAM, *map(str, words), left], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               text=True)
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        _, message = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130, message)
        self.assertIn("the best so far was written", message)
        import h5py
        with h5py.File(left) as result:
            self.assertEqual(result.attrs["search_end"], "interrupted")
            self.assertLessEqual(result.attrs["search_value_ms"], result.attrs["search_start_ms"])
        checkpoint = self.folder / "left.h5.checkpoint"
        before = checkpoint.read_text()
        self.assertIn("'seed = 1' there, 'seed = 3' here", self.refuse(2, *words, left, "--seed", 3))
        timed = [word for word in words if word not in ("--moves", 2000000)]
        self.assertIn("belongs to a search that ends by moves", self.refuse(2, *timed, left, "--time", 1))
        self.assertEqual(checkpoint.read_text(), before)
        damaged = json.loads(before)
        damaged["state"]["chains"][0]["current"]["host"][0] = 4000000000
        checkpoint.write_text(json.dumps(damaged))
        self.assertIn("its placements are none of this search", self.refuse(2, *words, left))
        checkpoint.write_text(before)
        self.succeed(*words, left)
        self.assertFalse(checkpoint.exists())
        self.assertEqual(self.digest(left), self.digest(whole))

    def test_what_cannot_be_searched(self):
        message = self.refuse(2, "optimize", SMALL, "--start", "greedi", "--objective", "p100", "--moves", 0, "--time", 3,
                              "--replications", 1)
        self.assertIn("--start: 'greedi' is neither a strategy to start from nor a file", message)
        self.assertIn("--objective: 'p100' is not an objective", message)
        self.assertIn("--time: conflicts with --moves", message)
        self.assertIn("--moves: 0 is out of range", message)
        self.assertIn("--replications: 1 is out of range", message)
        self.assertIn("5 problems", message)
        self.assertIn("--start: cannot read no.h5", self.refuse(2, "optimize", SMALL, "--start", "no.h5"))
        self.assertIn("'refined' is neither", self.refuse(2, "optimize", SMALL, "--start", "refined"))
        self.assertIn("does not exist", self.refuse(2, "optimize", SMALL, "-o", self.folder / "no" / "x.h5"))
        (self.folder / "x.h5.checkpoint").write_text("{")
        self.assertIn("x.h5.checkpoint: is damaged", self.refuse(2, "optimize", SMALL, *self.QUICK, "-o", self.result))
        self.assertFalse(self.result.exists())


class BadInput(Folder):
    def test_every_problem_with_the_options_at_once(self):
        message = self.refuse(2, "evaluate", SMALL, "--tokens", 1, "--tokens", 2, "--seed", "-1", "--format", "xml",
                              "--threads", 0, "--strategies", "a,,b", "-o", self.folder / "no" / "x.h5")
        for fragment in ("6 problems", "--tokens: given 2 times", "--seed: '-1'", "use one of table, json, csv",
                         "--threads: 0 is out of range", "empty entry", "does not exist; create it first"):
            self.assertIn(fragment, message)

    def test_the_scenario_is_not_overwritten(self):
        copy = self.folder / "copy.toml"
        copy.write_text(pathlib.Path(SMALL).read_text())
        self.assertIn("does not end in .h5", self.refuse(2, "evaluate", copy, "-o", copy))
        self.assertEqual(copy.read_text(), pathlib.Path(SMALL).read_text())

    def test_flags_take_no_value(self):
        self.assertIn("--exact: takes no value", self.refuse(2, "evaluate", SMALL, "--exact=false"))

    def test_numbers_with_trailing_text(self):
        for value in ("12x", "1e6", "", " 5", "0x10", "1.5"):
            self.assertIn("--tokens", self.refuse(2, "evaluate", SMALL, f"--tokens={value}"))

    def test_unknown_words(self):
        self.assertIn("see spacemoe --help", self.refuse(2, "evalute", SMALL))
        self.assertIn("options are --output", self.refuse(2, "evaluate", SMALL, "--tokenz", 3))
        self.assertIn("0 files given", self.refuse(2, "evaluate"))
        self.assertIn("2 files given", self.refuse(2, "digest", SMALL, SMALL))
        self.assertIn('the nearest is "spacemoe"', self.refuse(2, "evaluate", SMALL, "--strategies", "spacemo"))

    def test_files_that_cannot_be_read(self):
        self.assertIn("No such file", self.refuse(2, "evaluate", self.folder / "none.toml"))
        self.assertIn("directory", self.refuse(2, "describe", self.folder))
        self.assertIn("not an HDF5 file", self.refuse(2, "digest", SMALL))

    def test_tokens_that_a_slot_cannot_number(self):
        self.assertIn("tokens", self.refuse(2, "evaluate", SMALL, "--tokens", 2**62, timeout=20))

    def test_more_memory_than_there_is(self):
        text = (SCENARIOS / "paper.toml").read_text().replace('"../', f'"{SCENARIOS.parent}/')
        huge = self.folder / "huge.toml"
        huge.write_text("\n".join("slots = 16000000" if line.startswith("slots") else line for line in text.splitlines()))
        for command in ("evaluate", "describe"):
            self.assertRegex(self.refuse(2, command, huge, timeout=20),
                             r"needs an estimated .*B of memory, .*B are available")

    def test_paths(self):
        self.assertIn("does not end in .csv, .h5", self.refuse(2, "paths", SMALL, "-o", self.folder / "x.txt"))
        message = self.refuse(2, "paths", SMALL, "--slot", 10**6, "--from", "3,48", "--to", "a")
        self.assertIn("--slot: 1000000 is out of range", message)
        self.assertIn("--from: 48 is out of range; give a whole number from 0 to 47", message)
        self.assertIn("--to: 'a' is not a whole number", message)

    def test_outputs_that_are_no_files(self):
        for target in ("/dev/null", self.folder, ""):
            self.assertIn("--output", self.refuse(2, "evaluate", SMALL, f"--output={target}"))

    def test_devices_and_absent_backend(self):
        devices = self.succeed("devices")
        self.assertRegex(devices, r"cpu   instruction sets: scalar.*; in use: \w+\n")
        self.assertIn("nothing expected", self.refuse(2, "devices", SMALL))
        absent = re.search(r"cuda  absent: ([^;\n]+)", devices)
        if absent:
            for choice in (("--backend", "cuda"), ("--device", "0"), ("--device", "1,0"), ("--device", "all")):
                self.assertIn("cuda is absent: " + absent[1], self.refuse(3, "evaluate", SMALL, *choice))
        else:
            for unknown in ("1000", "0,1000", "1000,0"):
                self.assertIn("there is no device 1000", self.refuse(3, "evaluate", SMALL, "--device", unknown))

    def test_devices_that_cannot_be_meant(self):
        for devices, complaint in (("0,0", "device 0 is given twice"), ("1,2,1", "device 1 is given twice"),
                                   ("gpu0", "'gpu0' names no devices; give numbers, such as 0 or 0,1, or all"),
                                   ("all,0", "'all,0' names no devices"), ("-1", "'-1' names no devices"),
                                   ("0,", "'0,' has an empty entry"), ("", "'' has an empty entry"),
                                   ("1024", "1024 is out of range; give a whole number from 0 to 1023")):
            for command in ("evaluate", "paths"):
                self.assertIn("--device: " + complaint, self.refuse(2, command, SMALL, f"--device={devices}"))
        self.assertEqual(self.refuse(2, "evaluate", SMALL, "--device", ",").count("empty entry"), 1)
        for devices in ("0", "0,1", "all"):
            message = self.refuse(2, "evaluate", SMALL, "--backend", "cpu", "--device", devices)
            self.assertIn("--device: the cpu backend has no devices", message)

    def test_a_full_disk_does_not_cost_the_figures(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        run = subprocess.run([PROGRAM, "evaluate", SMALL, "-o", self.folder / "x.h5"], capture_output=True, text=True,
                             preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), limit()))
        self.assertEqual(run.returncode, 4)
        self.assertIn("spacemoe ", run.stdout)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            run = subprocess.run([PROGRAM, "evaluate", SMALL], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(run.returncode, 4)


class Interrupt(Folder):
    def test_signals_leave_nothing_behind(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            file = self.folder / "x.h5"
            run = subprocess.Popen([PROGRAM, "evaluate", SMALL, "--tokens", "300000000", "-o", file],
                                   stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            time.sleep(0.5)
            run.send_signal(number)
            _, message = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 128 + number, message)
            self.assertIn("interrupted", message)
            self.assertEqual(list(self.folder.iterdir()), [])


class Describe(Folder):
    def test_what_the_paper_means(self):
        text = self.succeed("describe", SCENARIOS / "paper.toml")
        for fragment in ("33 planes x 32 = 1056 satellites", "6928.137 km", "95.650 min", "F = 18", "1358.2 km",
                         "seam                        cut", "survival per link and slot  0.95", "intra-plane",
                         "inter-plane", "connected components", "mean, max", "top 2 of 8",
                         "256 for experts at capacity 1, 32 gateways, of 1056", "estimated memory",
                         "max_pointing_rate_rad_s = 0.12 removes no link in any slot"):
            self.assertIn(fragment, text)

    def test_evaluate_names_the_damage(self):
        damaged = self.folder / "damaged.toml"
        damaged.write_text(pathlib.Path(SMALL).read_text() + "\n[damage]\nlinks = 0.25\ndraw = 3\n")
        words = ("--strategies", "greedy", "--tokens", 500)
        self.assertIn("\ndamaged: links = 0.25, draw 3\n", self.succeed("evaluate", damaged, *words))
        self.assertNotIn("damaged:", self.succeed("evaluate", SMALL, *words))
        for file, expected in ((damaged, {"links": 0.25}), (SMALL, {})):
            told = json.loads(self.succeed("evaluate", file, *words, "--format", "json"))
            self.assertEqual(told["damage"], expected)

    def test_describe_says_that_it_leaves_damage_out(self):
        damaged = self.folder / "damaged.toml"
        for level, warned in ((0, False), (0.1, True)):
            damaged.write_text(pathlib.Path(SMALL).read_text() + f"\n[damage]\nlinks = {level}\n")
            self.assertEqual("without [damage]" in self.succeed("describe", damaged), warned)

    def test_every_shipped_scenario_can_be_described(self):
        for scenario in sorted(SCENARIOS.glob("*.toml")):
            self.assertIn("Warnings", self.succeed("describe", scenario))


class Paths(Folder):
    def test_paths_meet_damage(self):
        def scenario(damage):
            file = self.folder / "damaged.toml"
            file.write_text(pathlib.Path(SMALL).read_text() + f"\n[damage]\n{damage}\n")
            return file
        words = ("--from", 0, "--to", 20)
        whole = self.succeed("paths", SMALL, *words)
        self.assertEqual(self.succeed("paths", scenario("links = 0"), *words), whole)
        self.assertNotEqual(self.succeed("paths", scenario("links = 0.3"), *words), whole)
        self.assertIn("attacks aim at a placement", self.refuse(2, "paths", scenario("hosts = 0.1"), *words))

    def test_a_single_pair_shows_its_route(self):
        text = self.succeed("paths", SMALL, "--from", 0, "--to", 20)
        self.assertRegex(text, r"from 0 to 20: [0-9.]+ ms, \d+ hops")
        steps = [line.split() for line in text.splitlines()[3:]]
        self.assertEqual((steps[0][0], steps[-1][0]), ("0", "20"))
        times = [float(step[1]) for step in steps]
        self.assertEqual(times, sorted(times))

    def test_files_agree_with_what_is_printed(self):
        import xarray
        words = ["paths", SMALL, "--slot", 3, "--from", "5,0,17", "--to", "1,2,3,47"]
        printed = self.succeed(*words)
        csv_file, h5_file = self.folder / "x.csv", self.folder / "x.h5"
        self.succeed(*words, "-o", csv_file)
        self.succeed(*words, "-o", h5_file)
        self.assertEqual(csv_file.read_text(), printed)
        with xarray.open_dataset(h5_file, engine="h5netcdf") as data:
            for row in csv.DictReader(io.StringIO(printed)):
                pair = data.sel({"from": int(row["from"]), "to": int(row["to"])})
                self.assertAlmostEqual(float(pair.latency_ms), float(row["latency_ms"]), places=6)
                self.assertEqual(int(pair.hops), int(row["hops"]))

    def test_pairs_without_a_path(self):
        import xarray
        chain = "".join(f"{i},{i + 1},1.5\n" for i in range(9))
        (self.folder / "edges.csv").write_text(f"a,b,latency_ms\n{chain}10,11,2\n")
        scenario = self.folder / "split.toml"
        scenario.write_text((SCENARIOS / "edges.toml").read_text().replace("survival = 0.97", "survival = 1"))
        words = ["paths", scenario, "--from", "0", "--to", "2,11"]
        self.assertEqual(self.succeed(*words), "from,to,latency_ms,hops\n0,2,3.000000,2\n0,11,,\n")
        self.succeed(*words, "-o", self.folder / "x.h5")
        with xarray.open_dataset(self.folder / "x.h5", engine="h5netcdf") as data:
            self.assertEqual(data.hops.values.tolist()[0][0], 2)
            self.assertEqual(int(data.hops.isnull().sum()), 1)
            self.assertEqual(int(data.latency_ms.isnull().sum()), 1)
        self.assertIn("no path from 0 to 11", self.succeed("paths", scenario, "--from", 0, "--to", 11))

    def test_all_pairs_are_symmetric(self):
        rows = csv.DictReader(io.StringIO(self.succeed("paths", SMALL)))
        latency = {(row["from"], row["to"]): (row["latency_ms"], row["hops"]) for row in rows}
        self.assertEqual(len(latency), 48 * 48)
        for (a, b), value in latency.items():
            self.assertEqual(value, latency[b, a])


if __name__ == "__main__":
    unittest.main()
