"""Sweeps as a user meets them: no finished point is lost whatever stops them, and nothing changes their digest."""

import itertools
import os
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import time
import unittest

from program import PROGRAM, SCENARIOS, Folder, spacemoe

HAS_MPI = os.environ["SPACEMOE_MPI"] == "ON"
POINTS = 40

# Points of about a hundredth of a second each, so that a sweep can be stopped at any of them.
SWEEP = f"""
title = "to be stopped"
scenario = "{SCENARIOS}/small.toml"
[set]
"placement.strategies" = ["rand-place", "spacemoe"]
"evaluation.tokens" = 100_000
"evaluation.sampler" = "routing"
[[axis]]
key = "shell.altitude_km"
from = 500
to = 1400
count = {POINTS // 2}
[[axis]]
key = "links.survival"
values = [0.95, 1.0]
"""


class SweepFolder(Folder):
    def setUp(self):
        super().setUp()
        self.sweep = self.folder / "sweep.toml"
        self.sweep.write_text(SWEEP)
        self.output = self.folder / "sweep.h5"

    def digest(self, output):
        return self.succeed("digest", output).strip()

    def undisturbed(self):
        """Digest of the sweep when nothing happens to it."""
        output = self.folder / "undisturbed.h5"
        self.succeed("sweep", self.sweep, "-o", output)
        return self.digest(output)

    def start(self, *words):
        return subprocess.Popen([PROGRAM, "sweep", str(self.sweep), "-o", str(self.output), *words],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)

    def finished(self):
        """Points with a record, as --status counts them."""
        status = self.succeed("sweep", self.sweep, "-o", self.output, "--status").splitlines()[1]
        done, failed = status.split(",")[:2]
        return int(done.split()[0]) + int(failed.split()[0])

    def wait_until_it_writes(self):
        while "being written" not in spacemoe("sweep", self.sweep, "-o", self.output, "--status").stdout:
            pass

    def assert_tidy(self, output):
        left = [path.name for path in output.parent.iterdir() if path.name.startswith(output.name)]
        self.assertEqual(left, [output.name])


class Sweep(SweepFolder):
    def test_threads_shards_and_order_change_nothing(self):
        expected = self.undisturbed()
        for threads in (1, 3):
            output = self.folder / f"{threads}.h5"
            self.succeed("sweep", self.sweep, "-o", output, "--threads", threads)
            self.assertEqual(self.digest(output), expected)
            self.assert_tidy(output)
        for shard in (3, 1, 2):
            self.assertFalse(self.output.exists())
            self.succeed("sweep", self.sweep, "-o", self.output, "--shard", f"{shard}/3")
        self.assertEqual(self.digest(self.output), expected)
        self.assert_tidy(self.output)

    def test_a_sweep_that_is_done_is_not_run_again(self):
        self.succeed("sweep", self.sweep, "-o", self.output)
        def identity():
            status = self.output.stat()
            return status.st_ino, status.st_size, status.st_mtime_ns

        before = identity()
        for words in (("sweep",), ("sweep", "--status"), ("merge",)):
            text = self.succeed(words[0], self.sweep, "-o", self.output, *words[1:])
            self.assertIn("sweep.h5 holds all points of this sweep", text)
        self.assertEqual(identity(), before)
        self.sweep.write_text(SWEEP.replace("1400", "1300"))
        self.assertIn("40 done", self.succeed("sweep", self.sweep, "-o", self.output))

    def test_records_left_beside_a_whole_result_are_cleared(self):
        self.succeed("sweep", self.sweep, "-o", self.output, "--shard", "1/2")
        kept = self.folder / "kept"
        shutil.copytree(self.folder / "sweep.h5.points", kept)
        self.succeed("sweep", self.sweep, "-o", self.output, "--shard", "2/2")
        kept.rename(self.folder / "sweep.h5.points")  # as when it was killed while it took them away
        self.assertIn("holds all points", self.succeed("sweep", self.sweep, "-o", self.output, "--status"))
        self.assertIn("holds all points", self.succeed("sweep", self.sweep, "-o", self.output))
        self.assert_tidy(self.output)

    def test_shards_that_end_together(self):
        expected = self.undisturbed()
        for _ in range(5):
            shards = [self.start("--threads", "1", "--shard", f"{shard}/2") for shard in (1, 2)]
            self.assertEqual([shard.wait() for shard in shards], [0, 0])
            self.assertEqual(self.digest(self.output), expected)
            self.assert_tidy(self.output)
            self.output.unlink()

    def test_a_point_is_what_evaluate_says_of_its_scenario(self):
        import h5py

        sweep = self.folder / "one.toml"
        sweep.write_text(f'scenario = "{SCENARIOS}/small.toml"\n[[axis]]\nkey = "shell.altitude_km"\n'
                         "values = [700, 1400]\n")
        self.succeed("sweep", sweep, "-o", self.output)
        self.succeed("evaluate", SCENARIOS / "small.toml", "-o", self.folder / "point.h5")
        with h5py.File(self.output) as swept, h5py.File(self.folder / "point.h5") as point:
            for name in ("mean_ms", "standard_error_ms", "undeliverable", "quantile_lower_ms", "layer_mean_ms"):
                self.assertEqual(swept[name][1].tolist(), point[name][...].tolist(), name)
            first, = (swept["bin"][...] == point["bin"][0]).nonzero()
            bins = slice(first[0], first[0] + len(point["bin"]))
            self.assertEqual(swept["histogram"][1][:, bins].tolist(), point["histogram"][...].tolist())
            self.assertEqual(swept["histogram"][1].sum(), point["histogram"][...].sum())

    def test_points_of_damage_are_what_evaluate_says_of_them(self):
        import h5py
        import numpy

        axes = {"satellites": (0, 0.1), "draw": (0, 3), "busiest_links": (0, 0.05), "replicas": (0, 1)}
        tables = {"replicas": "placement"}
        sweep = self.folder / "damage.toml"
        sweep.write_text(f'scenario = "{SCENARIOS}/small.toml"\n[set]\n"placement.capacity" = 2\n' + "".join(
            f'[[axis]]\nkey = "{tables.get(key, "damage")}.{key}"\nvalues = {list(values)}\n'
            for key, values in axes.items()))
        self.succeed("sweep", sweep, "-o", self.output)
        scenario = self.folder / "point.toml"
        text = (SCENARIOS / "small.toml").read_text()
        with h5py.File(self.output) as swept:
            lost = swept["undeliverable"][...]
            for at in itertools.product(range(2), repeat=len(axes)):
                values = {key: axes[key][i] for key, i in zip(axes, at)}
                replicas = values.pop("replicas")
                damage = "".join(f"{key} = {value}\n" for key, value in values.items())
                scenario.write_text(text.replace("[placement]", f"[placement]\ncapacity = 2\nreplicas = {replicas}")
                                    + "\n[damage]\n" + damage)
                self.succeed("evaluate", scenario, "-o", self.folder / "point.h5")
                with h5py.File(self.folder / "point.h5") as point:
                    for name in ("mean_ms", "standard_error_ms", "undeliverable", "layer_mean_ms"):
                        numpy.testing.assert_array_equal(swept[name][at], point[name][...], f"{name} at {at}")
        self.assertTrue((lost[0] <= lost[1]).all(), "more is lost at a higher level of the same draw")
        self.assertFalse((lost[1, 0] == lost[1, 1]).all(), "draws differ")
        self.assertTrue((lost[0, 0, 0] == lost[0, 1, 0]).all(), "nothing is drawn where nothing is damaged")
        self.assertTrue((lost[1, :, 0, 1] <= lost[1, :, 0, 0]).all(), "replicas save tokens")

    def test_points_that_cannot_run_are_recorded(self):
        import h5py

        sweep = self.folder / "capacity.toml"
        sweep.write_text(f'scenario = "{SCENARIOS}/small.toml"\n[[axis]]\nkey = "model.experts"\nvalues = [4, 64]\n')
        run = spacemoe("sweep", sweep, "-o", self.output)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertIn("1 done, 1 failed", run.stdout)
        self.assertIn("point 1 (experts = 64) failed: ", run.stdout)
        with h5py.File(self.output) as file:
            self.assertEqual(list(file["status"].asstr()), ["done", "failed"])
            self.assertIn("free places", file["failure"].asstr()[1])
            self.assertTrue((file["mean_ms"][1] != file["mean_ms"][1]).all())
        again = spacemoe("sweep", sweep, "-o", self.output)
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertIn("holds all points", again.stdout)
        self.assertIn("cannot run", self.succeed("sweep", sweep, "--dry-run"))

    def test_dry_run_lists_points_and_writes_nothing(self):
        text = self.succeed("sweep", self.sweep, "--dry-run")
        self.assertIn(f"to be stopped: {POINTS} points", text)
        self.assertIn("altitude_km = 1400, survival = 1", text)
        self.assertRegex(text, r"memory: [0-9.]+ [KMG]iB for the largest point")
        self.assertRegex(text, r"time: about [0-9.]+ (s|min|h)")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["sweep.toml"])

    def test_bad_points_are_refused_before_any_runs(self):
        self.sweep.write_text(SWEEP.replace("values = [0.95, 1.0]", "values = [0.95, 7]"))
        error = self.refuse(2, "sweep", self.sweep, "-o", self.output)
        self.assertIn("links.survival: 7 is out of range", error)
        self.assertEqual(len(error.splitlines()), 2)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["sweep.toml"])

    def test_bad_options_are_refused(self):
        for words, complaint in ((["--shard", "0/2"], "0/2"), (["--shard", "3/2"], "3/2"), (["--shard", "1"], "1/4"),
                                 (["--dry-run", "--status"], "--dry-run"), (["--threads", "0"], "threads")):
            self.assertIn(complaint, self.refuse(2, "sweep", self.sweep, "-o", self.output, *words))
        self.assertIn("output", self.refuse(2, "sweep", self.sweep))
        self.assertIn("output", self.refuse(2, "merge", self.sweep))


class Stopped(SweepFolder):
    def test_killed_at_random_moments(self):
        expected = self.undisturbed()
        moments = random.Random(5)
        kills = finished = 0
        while kills < 25:
            process = self.start()
            try:
                process.wait(timeout=moments.uniform(0.005, 0.1))
                self.output.unlink()
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
            self.assertGreaterEqual(self.finished(), finished, "a finished point was lost")
            finished = self.finished()
        self.assertGreater(kills, 3, "the sweep was over before it could be killed")
        (self.folder / "sweep.h5.1.partial").write_bytes(b"left by one that was killed while it wrote the result")
        self.succeed("sweep", self.sweep, "-o", self.output)
        self.assertEqual(self.digest(self.output), expected)
        self.assert_tidy(self.output)

    def test_interrupted(self):
        expected = self.undisturbed()
        for sent in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([PROGRAM, "sweep", str(self.sweep), "-o", str(self.output), "--threads", "1"],
                                       stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
            self.wait_until_it_writes()
            process.send_signal(sent)
            error = process.communicate()[1]
            self.assertEqual(process.returncode, 128 + sent, error)
            self.assertIn("the same command goes on from there", error)
            self.assertFalse(self.output.exists())
        self.succeed("sweep", self.sweep, "-o", self.output)
        self.assertEqual(self.digest(self.output), expected)

    def test_status_of_a_running_and_of_a_stopped_sweep(self):
        process = self.start("--threads", "1")
        self.wait_until_it_writes()
        running = self.succeed("sweep", self.sweep, "-o", self.output, "--status")
        second = spacemoe("sweep", self.sweep, "-o", self.output)
        process.kill()
        process.wait()
        self.assertIn("main.records", running)
        self.assertIn("being written", running)
        self.assertEqual(second.returncode, 2)
        self.assertIn("is being written by another run", second.stderr)
        stopped = self.succeed("sweep", self.sweep, "-o", self.output, "--status")
        self.assertIn("nobody is writing", stopped)
        journal = self.folder / "sweep.h5.points" / "main.records"
        journal.write_bytes(journal.read_bytes() + b"half a record")
        self.assertIn("13 B of a point cut short are ignored",
                      self.succeed("sweep", self.sweep, "-o", self.output, "--status"))

    def test_a_file_that_cannot_grow(self):
        expected = self.undisturbed()

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

        error = self.refuse(4, "sweep", self.sweep, "-o", self.output, preexec_fn=limit)
        self.assertIn("main.records: File too large", error)
        self.assertGreater(self.finished(), 0)
        self.assertFalse(self.output.exists())
        self.succeed("sweep", self.sweep, "-o", self.output)
        self.assertEqual(self.digest(self.output), expected)

    def test_a_full_disk(self):
        expected = self.undisturbed()
        disk = self.folder / "disk"
        disk.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", disk], capture_output=True, text=True)
        if mount.returncode != 0:
            self.skipTest(f"no tmpfs can be mounted here: {mount.stderr.strip()}")
        try:
            self.output = disk / "sweep.h5"
            self.assertIn("No space left on device", self.refuse(4, "sweep", self.sweep, "-o", self.output))
            finished = self.finished()
            self.assertGreater(finished, 0)
            self.assertLess(finished, POINTS)
            # Room for all records, but not for the result beside them.
            subprocess.run(["mount", "-o", "remount,size=120k", disk], check=True)
            self.assertEqual(self.finished(), finished)
            run = spacemoe("sweep", self.sweep, "-o", self.output)
            self.assertEqual(run.returncode, 4, run.stdout)
            self.assertIn("No space left on device", run.stderr)
            self.assertEqual(self.finished(), POINTS)
            self.assertFalse(self.output.exists())
            subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
            self.succeed("sweep", self.sweep, "-o", self.output)
            self.assertEqual(self.digest(self.output), expected)
            self.assert_tidy(self.output)
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_a_changed_sweep_is_refused_with_the_difference(self):
        self.succeed("sweep", self.sweep, "-o", self.output, "--shard", "1/2")
        for change, difference in ((("0.95, 1.0", "0.9, 1.0"), "[0.95, 1.0]"), (("100_000", "300_000"), "100000"),
                                   (('"routing"', '"auto"'), "evaluation.sampler"), (("1400", "1300"), "axis")):
            self.sweep.write_text(SWEEP.replace(*change))
            for words in (("sweep", "--shard", "2/2"), ("merge",)):
                error = self.refuse(2, words[0], self.sweep, "-o", self.output, *words[1:])
                self.assertIn("belongs to another sweep", error)
                self.assertIn(difference, error)
        self.sweep.write_text(SWEEP)
        self.assertIn("tokens", self.refuse(2, "sweep", self.sweep, "-o", self.output, "--tokens", "5"))
        self.succeed("sweep", self.sweep, "-o", self.output, "--shard", "2/2")


class Merge(SweepFolder):
    def test_shards_from_several_machines(self):
        expected = self.undisturbed()
        outputs = [self.folder / f"machine{i}" / "part.h5" for i in range(4)]
        for i, output in enumerate(outputs):
            output.parent.mkdir()
            self.succeed("sweep", self.sweep, "-o", output, "--shard", f"{i + 1}/4")
        error = self.refuse(2, "merge", self.sweep, "-o", self.output, "--from", ",".join(map(str, outputs[:3])))
        self.assertIn("10 points of 40 are missing", error)
        self.assertFalse(self.output.exists())
        self.assertIn("there is no folder none.h5.points",
                      self.refuse(2, "merge", self.sweep, "-o", self.output, "--from", "none.h5"))
        self.succeed("merge", self.sweep, "-o", self.output, "--from", ",".join(map(str, outputs)))
        self.assertEqual(self.digest(self.output), expected)

    def test_parts_are_written_where_they_will_do(self):
        import h5py

        expected = self.undisturbed()
        self.succeed("sweep", self.sweep, "-o", self.output, "--shard", "1/4")
        self.succeed("merge", self.sweep, "-o", self.output, "--partial")
        with h5py.File(self.output) as file:
            status = list(file["status"].asstr()[...].ravel())
        self.assertEqual(status, ["done", "missing", "missing", "missing"] * (POINTS // 4))
        self.succeed("sweep", self.sweep, "-o", self.output)
        self.assertEqual(self.digest(self.output), expected)


@unittest.skipUnless(HAS_MPI and shutil.which("mpirun"), "built without MPI")
class Mpi(SweepFolder):
    def mpirun(self, ranks, *words):
        return ["mpirun", "-n", str(ranks), "--allow-run-as-root", "--oversubscribe", PROGRAM, "sweep",
                str(self.sweep), "-o", str(self.output), "--threads", "1", *words]

    def test_ranks_change_nothing(self):
        expected = self.undisturbed()
        for ranks in (1, 2, 4):
            run = subprocess.run(self.mpirun(ranks), capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(run.stdout.count(f"{POINTS} done, 0 failed"), 1)
            self.assertEqual(self.digest(self.output), expected)
            self.assert_tidy(self.output)
            self.output.unlink()

    def test_a_killed_rank_loses_no_finished_point(self):
        expected = self.undisturbed()
        job = subprocess.Popen(self.mpirun(3), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (self.folder / "sweep.h5.points" / "rank-2.records").exists():
            time.sleep(0.002)
        time.sleep(0.2)
        children = subprocess.run(["pgrep", "-P", str(job.pid), "spacemoe"], capture_output=True, text=True).stdout
        os.kill(int(children.split()[-1]), signal.SIGKILL)
        self.assertNotEqual(job.wait(timeout=60), 0)
        finished = self.finished()
        self.assertGreater(finished, 0)
        run = subprocess.run(self.mpirun(2), capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.digest(self.output), expected)

    def test_shards_and_ranks_do_not_mix(self):
        run = subprocess.run(self.mpirun(2, "--shard", "1/2"), capture_output=True, text=True)
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("conflicts with MPI", run.stderr)


@unittest.skipIf(HAS_MPI or not shutil.which("mpirun"), "built with MPI")
class WithoutMpi(SweepFolder):
    def test_several_processes_are_told_apart_from_a_job(self):
        environment = {**os.environ, "OMPI_COMM_WORLD_SIZE": "4"}
        self.assertIn("built without MPI", self.refuse(3, "sweep", self.sweep, "-o", self.output, env=environment))


if __name__ == "__main__":
    unittest.main()
