"""A stress test's file as h5py, xarray and h5dump see it, checked against what its own integers say.

SPACEMOE_RESULT names the file, written from stress.toml beside this test.
"""

import math
import os
import pathlib
import tomllib
import unittest

import h5py
import numpy
import xarray

import read_result_test
from read_sweep_test import h5dump

STRESS = os.environ["SPACEMOE_RESULT"]
HERE = pathlib.Path(__file__).parent

POINT = ("family", "level", "placement")
DROP, WAIT, PENALTY = "drop", "wait", "penalty"
ESTIMATES = ("mean_ms", "mean_low_ms", "mean_high_ms", "undeliverable", "undeliverable_low", "undeliverable_high")
COUNTS = ("delivering_draws", "tokens", "delivered", "sum_hi_ns", "sum_lo_ns", "sum_squares_hi_ns2",
          "sum_squares_lo_ns2")
QUANTILES = ("quantile_lower_ms", "quantile_upper_ms", "quantile_confidence_low_ms", "quantile_confidence_high_ms")
REPAIRS = ("repair_moved_experts", "repair_moved_gateways", "repair_migrated_bytes", "repair_migration_s",
           "repair_during_mean_ms", "repair_during_mean_low_ms", "repair_during_mean_high_ms",
           "repair_during_undeliverable", "repair_during_undeliverable_low", "repair_during_undeliverable_high")
EXPERT_BYTES = 3_145_728
FATES = ("waited_ms", "waiting", "detours", "weakest_layer", "weakest_host", "weakest_host_lost")


class Hdf5(read_result_test.Hdf5):
    """What h5py, MATLAB and h5dump rely on: as in results."""

    def test_the_root_says_where_the_result_comes_from(self):
        attributes = self.file.attrs
        for name in ("version", "git_commit", "backend", "command_line", "time"):
            self.assertTrue(attributes[f"provenance_{name}"], name)
        self.assertIn(STRESS, attributes["provenance_command_line"])
        self.assertEqual((attributes["format"], attributes["format_version"]), ("spacemoe stress", 1))
        self.assertEqual((attributes["title"], attributes["seed"]), ("To be stressed", 1))
        self.assertEqual((attributes["draws"], attributes["tokens_per_draw"]), (8, 400))
        self.assertEqual((attributes["penalty_ms"], attributes["repair_bytes"]), (500, 12e6))
        given = (HERE / "stress.toml").read_text(encoding="utf-8")
        self.assertEqual(self.file["provenance_scenario_given"][()].decode(), given)

    def test_the_damage_of_the_scenario_is_told(self):
        resolved = tomllib.loads(self.file["scenario_resolved"][()].decode())
        levels = {name.removeprefix("base_damage_"): level for name, level in self.file.attrs.items()
                  if name.startswith("base_damage_")}
        self.assertEqual(len(levels), 12)
        self.assertEqual({name: level for name, level in levels.items() if level}, {"compute_rate": 0.25})
        self.assertEqual(levels, {name: resolved["damage"][name] for name in levels})

    def test_h5dump_reads_all_of_it(self):
        text = h5dump(STRESS)
        for name in self.file:
            self.assertIn(f'DATASET "{name}"', text)


class Xarray(unittest.TestCase):
    """What the figures have to do with one another."""

    def setUp(self):
        self.data = xarray.open_dataset(STRESS, engine="h5netcdf")
        self.addCleanup(self.data.close)

    def test_nothing_was_lost_on_the_way_into_xarray(self):
        with h5py.File(STRESS, "r") as file:
            self.assertEqual(set(self.data.variables), set(file))
            for name in file:
                self.assertEqual(self.data[name].shape, file[name].shape, name)

    def test_figures_have_the_axes_of_the_test(self):
        for name in (*FATES, *REPAIRS):
            self.assertEqual(self.data[name].dims, POINT, name)
        for name in (*ESTIMATES, *COUNTS):
            self.assertEqual(self.data[name].dims, (*POINT, "policy"), name)
        for name in QUANTILES:
            self.assertEqual(self.data[name].dims, (*POINT, "policy", "quantile"), name)
        self.assertEqual(self.data["histogram"].dims, (*POINT, "policy", "bin"))
        self.assertEqual(self.data["layer_lost"].dims, (*POINT, "layer"))

    def test_axes_are_coordinates(self):
        self.assertEqual(set(self.data.coords), {*POINT, "policy", "layer", "quantile", "bin"})
        self.assertEqual(self.data["family"].values.tolist(), ["satellites", "storm", "busiest_links"])
        self.assertEqual(self.data["level"].values.tolist(), [0, 0.05, 0.3])
        names = ["rand-place", "spacemoe", "rand-place + redundancy", "spacemoe + redundancy"]
        self.assertEqual(self.data["placement"].values.tolist(), names + [f"{name}, repaired" for name in names])
        self.assertEqual(self.data["policy"].values.tolist(), [DROP, WAIT, PENALTY])

    def test_the_histogram_holds_the_delivered_tokens(self):
        histogram = self.data["histogram"].values
        numpy.testing.assert_array_equal(histogram.sum(axis=-1), self.data["delivered"].values)
        used = histogram.reshape(-1, histogram.shape[-1]).sum(axis=0)
        self.assertTrue(used[0] and used[-1], "bins at either end that nobody uses")

    def test_every_point_has_the_same_tokens(self):
        self.assertEqual(set(self.data["tokens"].values.flat), {8 * 400})

    def test_losses_follow_from_the_tokens(self):
        """Draws have equally many tokens, so that their mean is that of all."""
        lost = (self.data["tokens"] - self.data["delivered"]) / self.data["tokens"]
        numpy.testing.assert_allclose(self.data["undeliverable"].values, lost.values, rtol=1e-12, atol=1e-15)

    def test_means_follow_from_the_sums_where_all_is_delivered(self):
        whole = (self.data["delivered"] == self.data["tokens"]).values
        self.assertTrue(whole.any() and not whole.all())
        sums = read_result_test.exact_sums(self.data["sum_hi_ns"].values, self.data["sum_lo_ns"].values)
        mean_ms = (sums[whole] / self.data["delivered"].values[whole] / 1e6).astype(float)
        numpy.testing.assert_allclose(self.data["mean_ms"].values[whole], mean_ms, rtol=1e-12)

    def test_sums_lie_where_the_histogram_says(self):
        sums_ns = read_result_test.exact_sums(self.data["sum_hi_ns"].values, self.data["sum_lo_ns"].values).astype(float)
        squares = read_result_test.exact_sums(self.data["sum_squares_hi_ns2"].values,
                                              self.data["sum_squares_lo_ns2"].values).astype(float)
        histogram = self.data["histogram"].values.astype(float)
        lower, upper = (self.data[f"bin_{bound}_ns"].values.astype(float) for bound in ("lower", "upper"))
        for power, stored in ((1, sums_ns), (2, squares)):
            self.assertTrue(((histogram * lower**power).sum(axis=-1) <= stored * (1 + 1e-12)).all())
            self.assertTrue(((histogram * upper**power).sum(axis=-1) >= stored * (1 - 1e-12)).all())

    def test_intervals_hold_their_means(self):
        for name in ("mean{}_ms", "undeliverable{}", "repair_during_mean{}_ms", "repair_during_undeliverable{}"):
            low, mean, high = (self.data[name.format(end)].values for end in ("_low", "", "_high"))
            known = ~numpy.isnan(mean)
            self.assertTrue((low[known] <= mean[known]).all() and (mean[known] <= high[known]).all())
            self.assertTrue((low[known] < high[known]).any())
            # Ends of shares are cut off at 0 and 1.
            inside = known & (("mean" in name) | (low > 0) & (high < 1))
            numpy.testing.assert_allclose((high - mean)[inside], (mean - low)[inside], rtol=1e-9, atol=1e-12)
        for name in ("undeliverable", "repair_during_undeliverable"):
            self.assertEqual(float(self.data[f"{name}_low"].min()), 0)
            self.assertLessEqual(float(self.data[f"{name}_high"].max()), 1)
        numpy.testing.assert_array_equal(numpy.isnan(self.data["mean_ms"].values), self.data["delivering_draws"] < 2)

    def test_quantiles_are_those_of_the_histogram(self):
        for at in numpy.ndindex(self.data["delivered"].shape):
            cumulative = self.data["histogram"].values[at].cumsum()
            for q, level in enumerate(self.data["quantile"].values):
                stored = [self.data[name].values[at][q] for name in QUANTILES]
                if cumulative[-1] == 0:
                    self.assertTrue(numpy.isnan(stored).all())
                    continue
                rank = -(-round(level * 1000) * int(cumulative[-1]) // 1000)
                i = int(numpy.searchsorted(cumulative, rank))
                edges = [self.data[f"bin_{bound}_ns"].values[i] / 1e6 for bound in ("lower", "upper")]
                numpy.testing.assert_allclose(stored[:2], edges, rtol=1e-12)
                self.assertTrue(stored[2] <= stored[0] and stored[1] <= stored[3])

    def test_damage_only_grows_with_its_level(self):
        lost = self.data["undeliverable"].sel(policy=DROP).transpose("level", ...).values
        self.assertTrue((numpy.diff(lost[:, :2], axis=0) >= 0).all())
        self.assertTrue((lost[-1, :2] > 0).all())

    def test_without_damage_families_agree(self):
        whole = self.data.sel(level=0)
        for name in (*ESTIMATES, *COUNTS, *QUANTILES, *FATES, "histogram", "layer_lost"):
            figures = whole[name].transpose("family", ...).values
            numpy.testing.assert_array_equal(figures[1:], figures[:1].repeat(2, axis=0), name)
        self.assertEqual(float(whole["undeliverable"].max()), 0)
        self.assertEqual(float(whole["detours"].max()), 0)

    def test_waiting_saves_some_and_a_penalty_all(self):
        delivered = self.data["delivered"]
        self.assertTrue((delivered.sel(policy=DROP) <= delivered.sel(policy=WAIT)).all())
        self.assertTrue((delivered.sel(policy=PENALTY) == self.data["tokens"].sel(policy=PENALTY)).all())
        waited = (self.data["waiting"] > 0).values
        self.assertTrue(waited.any() and not waited.all())
        numpy.testing.assert_array_equal(waited, self.data["waited_ms"].values > 0)
        saved = (delivered.sel(policy=WAIT) > delivered.sel(policy=DROP)).values
        numpy.testing.assert_array_equal(waited, saved)

    def test_waits_last_whole_slots(self):
        """Those that wait do so for one slot at least, and in each layer for less than all slots."""
        resolved = tomllib.loads(self.data["scenario_resolved"].item())
        period_s = 2 * math.pi * math.sqrt((6378.137 + 1400) ** 3 / 398600.4418)
        self.assertEqual(resolved["time"], {"slots": 12, "start_s": 0, "span_s": "period"})
        known = (self.data["delivered"].sel(policy=WAIT) > 0).values
        waited_ms, waiting = (self.data[name].values[known] for name in ("waited_ms", "waiting"))
        slot_ms = 1e3 * period_s / 12
        self.assertTrue((waited_ms >= slot_ms * waiting * (1 - 1e-9)).all())
        self.assertTrue((waited_ms <= 11 * slot_ms * self.data.sizes["layer"] * waiting * (1 + 1e-9)).all())

    def test_penalties_are_what_the_mean_grows_by(self):
        """Where nothing is lost there is none; else every lost layer costs one, less what it would have taken."""
        drop, penalty = (self.data["mean_ms"].sel(policy=policy).values for policy in (DROP, PENALTY))
        whole = self.data["undeliverable"].sel(policy=DROP).values == 0
        numpy.testing.assert_array_equal(penalty[whole], drop[whole])
        self.assertTrue((penalty[~whole] >= 500 * self.data["layer_lost"].values.sum(axis=-1)[~whole]).all())

    def test_what_is_weakest_is_where_something_is_lost(self):
        lost = self.data["layer_lost"].values
        weakest = self.data["weakest_layer"].values
        for at in numpy.ndindex(weakest.shape):
            host_lost = self.data["weakest_host_lost"].values[at]
            self.assertEqual(math.isnan(weakest[at]), lost[at].max() == 0)
            self.assertEqual(math.isnan(self.data["weakest_host"].values[at]), host_lost == 0)
            if host_lost > 0:
                self.assertEqual(lost[at][int(weakest[at])], lost[at].max())
        self.assertTrue((lost.max(axis=-1) <= self.data["undeliverable"].sel(policy=DROP).values + 1e-12).all())

    def test_repairs_are_those_of_repaired_placements(self):
        for name in REPAIRS:
            if "during_mean" in name:
                continue
            known = self.data[name].notnull()
            for placement in self.data["placement"].values:
                self.assertTrue((known.sel(placement=placement) == placement.endswith(", repaired")).all(), name)

    def test_repairs_keep_within_their_budget_and_take_time(self):
        moved = self.data["repair_moved_experts"]
        sent = self.data["repair_migrated_bytes"]
        repaired = sent.notnull().values
        numpy.testing.assert_allclose(sent.values[repaired], EXPERT_BYTES * moved.values[repaired], rtol=1e-12)
        self.assertGreater(float(sent.max()), EXPERT_BYTES)
        self.assertLessEqual(float(sent.max()), 12e6)
        numpy.testing.assert_array_equal((self.data["repair_migration_s"] > 0).values, (moved > 0).values)
        whole = self.data.sel(level=0)
        for name in ("repair_moved_experts", "repair_moved_gateways"):
            self.assertEqual(float(whole[name].max()), 0)

    def test_repairs_save_tokens(self):
        names = [name for name in self.data["placement"].values if not name.endswith(", repaired")]
        lost = self.data["undeliverable"].sel(policy=DROP)
        before, after = lost.sel(placement=names), lost.sel(placement=[f"{name}, repaired" for name in names])
        self.assertTrue((after.values <= before.values).all() and (after.values < before.values).any())
        during = self.data["repair_during_undeliverable"].sel(placement=after["placement"])
        self.assertTrue((during.values >= after.values).all())

    def test_redundancy_loses_less_to_random_satellites(self):
        lost = self.data["undeliverable"].sel(policy=DROP, family="satellites", level=0.05)
        for name in ("rand-place", "spacemoe"):
            self.assertLess(float(lost.sel(placement=f"{name} + redundancy")), float(lost.sel(placement=name)))


if __name__ == "__main__":
    unittest.main()
