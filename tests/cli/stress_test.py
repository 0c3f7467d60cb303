"""`spacemoe stress` as a user meets it: formats that agree, messages, exit statuses, and results that depend on nothing
they should not."""

import csv
import io
import json
import math
import os
import pathlib
import pty
import re
import resource
import signal
import subprocess
import time
import unittest

import h5py
import numpy

from program import PROGRAM, SCENARIOS, SMALL, Folder, spacemoe

POLICIES = ("drop", "wait", "penalty")
QUICK = ("--strategies", "rand-place,greedy", "--draws", 4, "--tokens", 400)


def scenario(folder, name, **tables):
    """small.toml with further keys of its tables."""
    text = pathlib.Path(SMALL).read_text()
    for table, keys in tables.items():
        head = f"[{table}]\n"
        text = text.replace(head, head + keys + "\n") if head in text else f"{text}\n{head}{keys}\n"
    file = folder / name
    file.write_text(text)
    return file


class Output(Folder):
    WORDS = ("stress", SMALL, *QUICK, "--damage", "satellites,busiest_links,compute_rate", "--repair", 10, "--levels",
             "0,0.05,1")
    REPAIRS = ("moved_experts", "moved_gateways", "migrated_bytes", "migration_s")

    def points(self, *words):
        return json.loads(self.succeed(*self.WORDS, "--format", "json", *words))["points"]

    def test_the_table_has_a_row_per_point(self):
        table = self.succeed(*self.WORDS)
        points = self.points()
        rows = iter(re.findall(r"^([\d.]+) +(rand-place|greedy)(, repaired)? +(.*)$", table, re.M))
        for family in ("satellites", "busiest_links", "compute_rate"):
            here = [point for point in points if point["family"] == family]
            for point in here:
                self.compare(next(rows), point, self.figures(point))
            for point in here:
                if point.get("repair", {}).get("moved_experts", 0) + point.get("repair", {}).get("moved_gateways", 0):
                    self.compare(next(rows), point, self.repair_figures(point["repair"]))
        self.assertEqual(list(rows), [])
        self.assertIn("\nrepair of satellites ", table)

    def compare(self, row, point, figures):
        self.assertEqual((row[0], row[1] + row[2]), (f"{point['level']:g}", point["placement"]))
        shown = [math.nan if text == "-" else float(text) for text in row[3].split()]
        for a, b in zip(shown, figures, strict=True):
            self.assertTrue(math.isnan(a) if b is None else math.isclose(a, b, abs_tol=0.051), (row, a, b))

    def figures(self, point):
        """As a row of the table has them."""
        drop, wait, penalty = (point[policy] for policy in POLICIES)
        return [drop["mean_ms"]["mean"], self.half(drop["mean_ms"]), drop["delivering_draws"],
                100 * drop["undeliverable"]["mean"], 100 * self.half(drop["undeliverable"]),
                self.percent(point["detours"]), wait["mean_ms"]["mean"], point["waited_ms"],
                100 * wait["undeliverable"]["mean"], penalty["mean_ms"]["mean"], point["weakest_layer"],
                point["weakest_host"]]

    def repair_figures(self, repair):
        mean_ms, lost = repair["during_mean_ms"], repair["during_undeliverable"]
        return [repair["moved_experts"], repair["moved_gateways"], repair["migrated_bytes"] / 1e6, repair["migration_s"],
                mean_ms["mean"], self.half(mean_ms), 100 * lost["mean"], 100 * self.half(lost)]

    @staticmethod
    def half(estimate):
        """The longer arm, since ends of shares are cut off at 0 and 1."""
        low, mean, high = (estimate[end] for end in ("low", "mean", "high"))
        return None if low is None else max(high - mean, mean - low)

    @staticmethod
    def percent(share):
        return None if share is None else 100 * share

    def test_the_table_is_narrow_and_says_what_it_means(self):
        words = self.WORDS[:self.WORDS.index("--repair")]
        table = self.succeed(*words, "--levels", "0,0.05")
        self.assertLessEqual(max(map(len, table.splitlines())), 120)
        for family in ("satellites", "busiest_links", "compute_rate"):
            self.assertEqual(len(re.findall(rf"^{family} +drop +wait +penalty +weakest$", table, re.M)), 1)
        for word in (r"\+-", "draws", "drop", "wait", "penalty", "weakest"):
            self.assertEqual(len(re.findall(rf"^{word} ", table, re.M)), 1)
        self.assertIn("4 draws of 100 tokens per level and placement, seed 1\n", table)
        self.assertIn(" 250 ms later", self.succeed(*words, "--penalty-ms", 250))
        self.assertNotIn("repair", table)
        repaired = self.succeed(*words, "--levels", "0,0.05", "--repair", "all")
        self.assertIn("\nrepairs send what they need of weights\n", repaired)
        self.assertEqual(len(re.findall(r"^repair ", repaired, re.M)), 2)  # of satellites, and the legend
        self.assertLessEqual(max(map(len, repaired.splitlines())), 130)

    def test_nothing_delivered_is_unknown_and_not_fast(self):
        lost = self.points()[-1]  # repaired, but nothing computes
        self.assertEqual((lost["family"], lost["level"]), ("compute_rate", 1))
        self.assertEqual(lost["drop"]["undeliverable"]["mean"], 1)
        self.assertEqual(lost["drop"]["mean_ms"], {"mean": None, "low": None, "high": None})
        self.assertIsNone(lost["drop"]["quantiles_ms"]["p50"])

    def test_csv_says_the_same_as_json(self):
        rows = list(csv.DictReader(io.StringIO(self.succeed(*self.WORDS, "--format", "csv"))))
        points = self.points()
        self.assertEqual(len(rows), len(points))
        for row, point in zip(rows, points):
            self.assertEqual(row, self.flat(point))

    def flat(self, point):
        """A point's cells by column."""
        cells = {name: point[name] for name in ("family", "level", "placement")}
        for policy in POLICIES:
            figures = point[policy]
            for end, name in (("mean", ""), ("low", "_low"), ("high", "_high")):
                cells[f"{policy}_mean{name}_ms"] = figures["mean_ms"][end]
                cells[f"{policy}_undeliverable{name}"] = figures["undeliverable"][end]
            for name, value in figures["quantiles_ms"].items():
                cells[f"{policy}_{name}_ms"] = value
            for name in ("delivering_draws", "tokens", "delivered"):
                cells[f"{policy}_{name}"] = figures[name]
        for name in ("waited_ms", "waiting", "detours", "weakest_layer", "weakest_host", "weakest_host_lost"):
            cells[name] = point[name]
        for layer, lost in enumerate(point["layer_lost"]):
            cells[f"layer_{layer}_lost"] = lost
        repair = point.get("repair")
        for name in self.REPAIRS:
            cells[f"repair_{name}"] = repair[name] if repair else None
        for end, name in (("mean", ""), ("low", "_low"), ("high", "_high")):
            cells[f"repair_during_mean{name}_ms"] = repair["during_mean_ms"][end] if repair else None
            cells[f"repair_during_undeliverable{name}"] = repair["during_undeliverable"][end] if repair else None
        text = lambda value: "" if value is None else value if isinstance(value, str) else f"{value:.17g}"
        return {name: text(value) for name, value in cells.items()}

    def test_json_says_the_same_as_the_file(self):
        file = self.folder / "x.h5"
        points = self.points("-o", file)
        with h5py.File(file) as data:
            shape = tuple(data[axis].size for axis in ("family", "level", "placement"))
            self.assertEqual(shape, (3, 3, 4))
            names = [list(data[axis].asstr()) if axis != "level" else list(data[axis])
                     for axis in ("family", "level", "placement")]
            self.assertEqual(list(data["policy"].asstr()), list(POLICIES))
            for point, at in zip(points, numpy.ndindex(shape), strict=True):
                self.assertEqual([point[axis] for axis in ("family", "level", "placement")],
                                 [name[i] for name, i in zip(names, at)])
                stored = lambda name, *more: self.plain(data[name][(*at, *more)])
                for p, policy in enumerate(POLICIES):
                    self.compare_policy(point[policy], lambda name, *more: stored(name, p, *more))
                for name in ("waited_ms", "waiting", "detours", "weakest_layer", "weakest_host", "weakest_host_lost",
                             "layer_lost"):
                    self.assertEqual(point[name], stored(name), name)
                self.compare_repair(point.get("repair"), stored)
            for name in ("seed", "draws", "tokens_per_draw", "penalty_ms", "repair_bytes"):
                self.assertEqual(json.loads(self.succeed(*self.WORDS, "--format", "json"))[name], data.attrs[name])

    @staticmethod
    def plain(value):
        """As JSON has it."""
        if isinstance(value, numpy.ndarray):
            return value.tolist()
        return None if math.isnan(value) else value.item()

    def compare_policy(self, figures, stored):
        for end, name in (("mean", ""), ("low", "_low"), ("high", "_high")):
            self.assertEqual(figures["mean_ms"][end], stored(f"mean{name}_ms"))
            self.assertEqual(figures["undeliverable"][end], stored(f"undeliverable{name}"))
        for q, ranges in enumerate(figures["quantile_ranges_ms"].values()):
            self.assertEqual(ranges["bin"], [stored("quantile_lower_ms", q), stored("quantile_upper_ms", q)])
            self.assertEqual(ranges["confidence_95"], [stored("quantile_confidence_low_ms", q),
                                                       stored("quantile_confidence_high_ms", q)])
        for name in ("delivering_draws", "tokens", "delivered"):
            self.assertEqual(figures[name], stored(name))

    def compare_repair(self, repair, stored):
        for name in self.REPAIRS:
            self.assertEqual(repair and repair[name], stored(f"repair_{name}"))
        for end, name in (("mean", ""), ("low", "_low"), ("high", "_high")):
            self.assertEqual(repair and repair["during_mean_ms"][end], stored(f"repair_during_mean{name}_ms"))
            self.assertEqual(repair and repair["during_undeliverable"][end],
                             stored(f"repair_during_undeliverable{name}"))

    def test_what_was_there_is_replaced_as_a_whole(self):
        file = self.folder / "x.h5"
        file.write_text("an old result")
        self.succeed(*self.WORDS, "-o", file)
        self.assertEqual(list(self.folder.iterdir()), [file])
        self.assertRegex(self.succeed("digest", file), r"^[0-9a-f]{64}\n$")

    def test_a_full_disk_does_not_cost_the_figures(self):
        limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        run = subprocess.run([PROGRAM, *map(str, self.WORDS), "-o", self.folder / "x.h5"], capture_output=True, text=True,
                             preexec_fn=lambda: (signal.signal(signal.SIGXFSZ, signal.SIG_IGN), limit()))
        self.assertEqual(run.returncode, 4)
        self.assertIn("greedy ", run.stdout)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_output_that_cannot_be_written(self):
        with open("/dev/full", "w") as full:
            run = subprocess.run([PROGRAM, *map(str, self.WORDS)], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(run.returncode, 4)

    def test_progress_is_silent_in_a_pipe_and_there_on_a_terminal(self):
        self.assertEqual(spacemoe(*self.WORDS).stderr, "")
        parent, child = pty.openpty()
        subprocess.run([PROGRAM, *map(str, self.WORDS)], stdout=subprocess.DEVNULL, stderr=child, check=True)
        os.close(child)
        shown = os.read(parent, 1 << 16).decode()
        self.assertRegex(shown, r"stressing \(about [\d.]+ MiB of memory\)")
        self.assertRegex(shown, r"\d+ %, .* levels/s, \d+ s left")

    def test_help_names_every_option(self):
        text = self.succeed("stress", "--help")
        for option in ("output", "damage", "levels", "draws", "penalty-ms", "repair", "strategies", "placement",
                       "placement-strategy", "tokens", "seed", "threads", "format", "backend", "device"):
            self.assertIn(f"--{option} ", text)


class Results(Folder):
    def digest(self, name, *words):
        file = self.folder / name
        self.succeed("stress", SMALL, *words, "-o", file)
        return self.succeed("digest", file)

    def test_threads_and_formats_change_nothing_and_what_is_asked_for_does(self):
        words = (*QUICK, "--damage", "satellites,storm,gateways,busiest_links", "--levels", "0,0.1", "--repair", 20)
        one = self.digest("one.h5", *words, "--threads", 1)
        for number, others in enumerate((["--threads", 3], ["--format", "json"], ["--backend", "cpu"])):
            self.assertEqual(self.digest(f"same{number}.h5", *words, *others), one)
        changed = [self.digest(f"other{number}.h5", *words, *others)
                   for number, others in enumerate((["--seed", 2], ["--penalty-ms", 999]))]
        less = (*QUICK, "--levels", "0,0.1", "--repair", 20, "--damage")
        changed.append(self.digest("less.h5", *less, "satellites,storm,gateways"))
        changed.append(self.digest("else.h5", *less, "satellites,storm,gateways,hosts"))
        changed.append(self.digest("more.h5", *words[:-1], "all"))
        self.assertEqual(len({one, *changed}), 6)

    def points(self, *words):
        return json.loads(self.succeed("stress", *words, "--format", "json"))["points"]

    def test_points_do_not_depend_on_what_else_is_stressed(self):
        words = (SMALL, *QUICK, "--damage", "satellites,links", "--levels", "0,0.05,0.2")
        alone = self.points(SMALL, *QUICK, "--damage", "links", "--levels", "0.2")
        self.assertEqual([p for p in self.points(*words) if (p["family"], p["level"]) == ("links", 0.2)], alone)

    def test_placements_of_a_file_come_beside_the_strategies(self):
        placed = self.folder / "placed.h5"
        self.succeed("evaluate", SMALL, "--strategies", "spacemoe,greedy", "-o", placed)
        words = (SMALL, "--strategies", "greedy", "--draws", 4, "--levels", "0.05", "--placement", placed)
        self.assertIn("name one of spacemoe, greedy", self.refuse(2, "stress", *words))
        greedy, file = self.points(*words, "--placement-strategy", "greedy")
        self.assertEqual((greedy.pop("placement"), file.pop("placement")), ("greedy", "file"))
        self.assertEqual(greedy, file)
        _, file = self.points(*words, "--placement-strategy", "spacemoe")
        self.assertNotEqual(greedy["drop"], file["drop"])

    def test_redundancy_is_stressed_beside_what_lacks_it(self):
        redundant = scenario(self.folder, "redundant.toml", placement="capacity = 2\nreplicas = 1\nspare_gateways = 1")
        points = self.points(redundant, *QUICK, "--levels", "0.05")
        self.assertEqual([p["placement"] for p in points],
                         ["rand-place", "greedy", "rand-place + redundancy", "greedy + redundancy"])
        for bare, more in zip(points[:2], points[2:]):
            self.assertLess(more["drop"]["undeliverable"]["mean"], bare["drop"]["undeliverable"]["mean"])

    def test_redundancy_of_the_command_line_comes_instead_of_the_scenario_s(self):
        def digest(command, file, *words):
            output = self.folder / "digest.h5"
            self.succeed(command, file, "--strategies", "greedy", "-o", output, *words)
            return self.succeed("digest", output).split()[0]
        wide = scenario(self.folder, "wide.toml", placement="capacity = 2\nreplica_places = 3")
        same = scenario(self.folder, "same.toml", placement="capacity = 2\nreplicas = 1\nspare_gateways = 2")
        wanted = ("--replicas", 1, "--spare-gateways", 2)
        for command, words in (("evaluate", ()), ("stress", ("--draws", 2, "--levels", "0.05"))):
            self.assertEqual(digest(command, wide, *words, *wanted), digest(command, same, *words))
            self.assertNotEqual(digest(command, wide, *words), digest(command, same, *words))
        self.assertIn("--replicas: 65 is out of range", self.refuse(2, "stress", wide, "--replicas", 65))

    def test_refined_is_searched_for_and_stressed(self):
        words = ("--draws", 4, "--levels", "0")
        (found,) = self.points(SMALL, "--strategies", "refined", *words)
        (start,) = self.points(SMALL, "--strategies", "rand-place", *words)
        self.assertLess(found["drop"]["mean_ms"]["mean"], start["drop"]["mean_ms"]["mean"])

    def test_damage_of_the_scenario_stays_where_it_does_not_vary(self):
        damaged = scenario(self.folder, "damaged.toml", damage="compute_rate = 0.5")
        words = (*QUICK, "--levels", "0", "--damage")
        slow = self.points(SMALL, *QUICK, "--levels", "0.5", "--damage", "compute_rate")
        self.assertEqual(self.points(damaged, *words, "links"), [p | {"family": "links", "level": 0} for p in slow])
        whole = self.points(damaged, *words, "compute_rate")
        self.assertEqual(whole, self.points(SMALL, *words, "compute_rate"))
        self.assertIn("everywhere compute_rate = 0.5, but where it varies", self.succeed("stress", damaged, *QUICK))


class BadInput(Folder):
    def stress(self, *words):
        return self.refuse(2, "stress", SMALL, *words)

    def test_every_problem_with_the_options_at_once(self):
        message = self.stress("--damage", "sattelites,links,links", "--levels", "0.2,0.1,x,-1,2,nan", "--draws", 1,
                              "--penalty-ms", "-1", "--repair", 0, "--format", "xml", "--placement-strategy", "greedy",
                              "--tokens", "1e6", "-o", self.folder / "no" / "x.h5")
        for fragment in ("14 problems", "--damage: 'sattelites' is not a family of damage; the nearest is \"satellites\"",
                         "--damage: 'links' is named twice", "--levels: '0.1' is not above the level before it",
                         "--levels: 'x' is not a number from 0 to 1", "--levels: '-1' is not", "--levels: '2' is not",
                         "--levels: 'nan' is not", "--draws: 1 is out of range", "--penalty-ms: '-1' is not a number",
                         "--repair: '0' is neither a number above 0 nor all", "use one of table, json, csv",
                         "give --placement, too", "--tokens: '1e6'", "does not exist; create it first"):
            self.assertIn(fragment, message)

    def test_lists_with_gaps_are_complained_of_once(self):
        self.assertIn("1 problem\n", self.stress("--damage", "links,"))
        self.assertIn("1 problem\n", self.stress("--levels", "0,,0.1"))

    def test_repair_takes_megabytes_or_all(self):
        for text in ("-5", "nan", "inf", "12MB", "alles", "", "1e30"):
            self.assertIn(f"--repair: '{text}' is neither", self.stress(f"--repair={text}"))

    def test_repairs_send_weights_of_known_size(self):
        light = scenario(self.folder, "light.toml")
        light.write_text(re.sub("expert_bytes.*\n", "", light.read_text()))
        for size in (5, "all"):
            self.assertIn("--repair: the model does not say how large an expert is",
                          self.refuse(2, "stress", light, "--repair", size))

    def test_tokens_have_to_go_round(self):
        message = self.stress("--tokens", 10)
        self.assertIn("--tokens: 10 are too few to share out among 16 draws; give at least as many", message)
        few = scenario(self.folder, "few.toml")
        few.write_text(few.read_text().replace("tokens = 6000", "tokens = 3"))
        self.assertIn("evaluation.tokens: 3 are too few", self.refuse(2, "stress", few))
        # Fewer than slots are enough.
        self.succeed("stress", SMALL, "--draws", 4, "--tokens", 4, "--levels", "0")

    def test_listed_networks_have_no_orbits(self):
        edges = SCENARIOS / "edges.toml"
        message = self.refuse(2, "stress", edges, "--damage", "satellites,planes,storm,link_rate", "--tokens", 5)
        self.assertIn("4 problems", message)
        for family in ("planes", "storm", "link_rate"):
            self.assertIn(f"--damage: {family} needs orbits", message)
        self.assertIn("valid are satellites, links, gateways, hosts, busiest_satellites, busiest_links, compute_rate",
                      message)
        self.succeed("stress", edges, "--damage", "satellites,links,hosts,compute_rate", "--levels", "0,0.1", "--draws", 2,
                     "--tokens", 100)

    def test_strategies_and_placements(self):
        self.assertIn('the nearest is "spacemoe"', self.stress("--strategies", "spacemo"))
        self.assertIn("the strategy \"file\" needs", self.stress("--strategies", "file"))
        self.assertIn("--placement: cannot read no.h5", self.stress("--placement", "no.h5"))

    def test_replicas_that_find_no_room(self):
        crowded = scenario(self.folder, "crowded.toml", placement="replicas = 3")
        message = self.refuse(2, "stress", crowded)
        self.assertIn("too few for 96 copies of experts", message)

    def test_more_memory_than_there_is(self):
        long = scenario(self.folder, "long.toml")
        long.write_text(long.read_text().replace("slots = 12", "slots = 16000000"))
        self.assertRegex(self.refuse(2, "stress", long, timeout=20), r"needs an estimated .*B of memory, .*B are available")

    def test_outputs_that_are_no_files(self):
        for target in ("/dev/null", self.folder, "", self.folder / "x.csv"):
            self.assertIn("--output", self.stress(f"--output={target}"))

    def test_absent_devices(self):
        if "cuda  absent" in self.succeed("devices"):
            self.assertIn("cuda is absent", self.refuse(3, "stress", SMALL, "--backend", "cuda"))


class Interrupt(Folder):
    def test_signals_leave_nothing_behind(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            run = subprocess.Popen([PROGRAM, "stress", SMALL, "--draws", "100000", "--tokens", "3000000000", "-o",
                                    self.folder / "x.h5"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            time.sleep(0.5)
            run.send_signal(number)
            _, message = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 128 + number, message)
            self.assertIn("interrupted; nothing was written", message)
            self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
