"""A result as h5py and xarray see it, checked against what its own integers say.

SPACEMOE_RESULT names the file.
"""

import math
import os
import tomllib
import unittest

import h5py
import numpy
import xarray

RESULT = os.environ["SPACEMOE_RESULT"]


def exact_sums(high, low):
    """Python integers of 128 bits from their halves."""
    return high.astype(object) * 2**64 + low.astype(object)


class Hdf5(unittest.TestCase):
    """What h5py, MATLAB and h5dump rely on."""

    def setUp(self):
        self.file = h5py.File(RESULT, "r")
        self.addCleanup(self.file.close)

    def test_everything_is_flat(self):
        for name, item in self.file.items():
            self.assertIsInstance(item, h5py.Dataset, name)

    def test_every_axis_has_one_scale_of_its_length(self):
        for name, dataset in self.file.items():
            if h5py.h5ds.is_scale(dataset.id):
                continue
            for axis, length in enumerate(dataset.shape):
                scales = dataset.dims[axis].values()
                self.assertEqual(len(scales), 1, f"{name} axis {axis}")
                self.assertEqual(scales[0].shape, (length,), f"{name} axis {axis}")

    def test_every_dataset_has_units_and_a_long_name(self):
        for name, dataset in self.file.items():
            for attribute in ("units", "long_name"):
                self.assertIsInstance(dataset.attrs.get(attribute), str, f"{name} {attribute}")
                self.assertTrue(dataset.attrs[attribute], f"{name} {attribute}")

    def test_units_in_names_are_those_in_attributes(self):
        for name, dataset in self.file.items():
            suffix = name.rsplit("_", 1)[-1]
            units = {"hz": "Hz", "bytes": "byte"}.get(suffix, suffix if suffix in ("ms", "ns", "ns2", "s", "bit") else "1")
            self.assertEqual(dataset.attrs["units"], units, name)

    def test_texts_are_utf8_of_variable_length(self):
        for name, dataset in self.file.items():
            if dataset.dtype.kind == "O":
                info = h5py.check_string_dtype(dataset.dtype)
                self.assertEqual((info.encoding, info.length), ("utf-8", None), name)

    def test_the_root_says_where_the_result_comes_from(self):
        for name in ("version", "git_commit", "backend", "command_line", "time"):
            self.assertTrue(self.file.attrs[f"provenance_{name}"], name)
        self.assertIn(RESULT, self.file.attrs["provenance_command_line"])
        self.assertEqual(self.file.attrs["format"], "spacemoe result")
        self.assertEqual(self.file.attrs["format_version"], 1)
        self.assertGreater(self.file.attrs["timing_total_s"], 0)


class Xarray(unittest.TestCase):
    """What the figures have to do with one another."""

    def setUp(self):
        self.data = xarray.open_dataset(RESULT, engine="h5netcdf")
        self.addCleanup(self.data.close)
        self.strategies = range(self.data.sizes["strategy"])

    def cells(self, name, strategy):
        """Values of all cells of one strategy, [placement, slot]."""
        return self.data[name].values[self.data["placement_strategy"].values == strategy]

    def sums(self, name, unit, strategy):
        halves = (self.cells(f"{name}_{half}_{unit}", strategy) for half in ("hi", "lo"))
        return exact_sums(*halves)

    def test_nothing_was_lost_on_the_way_into_xarray(self):
        with h5py.File(RESULT, "r") as file:
            self.assertEqual(set(self.data.variables), set(file))
            for name in file:
                self.assertEqual(self.data[name].shape, file[name].shape, name)

    def test_the_histogram_holds_the_delivered_tokens(self):
        for s in self.strategies:
            self.assertEqual(self.data["histogram"].values[s].sum(), self.data["delivered"].values[s])
        used = self.data["histogram"].values.sum(axis=0)
        self.assertTrue(used[0] and used[-1], "bins at either end that nobody uses")

    def test_bins_are_those_of_a_log_linear_scale(self):
        for number, lower, upper in zip(
            *(self.data[name].values.tolist() for name in ("bin", "bin_lower_ns", "bin_upper_ns"))
        ):
            exponent = max(number // 256 - 1, 0)
            self.assertEqual(lower, (number - 256 * exponent) << exponent)
            self.assertEqual(upper, lower + (1 << exponent))

    def test_tokens_and_their_fate_add_up_over_cells(self):
        for s in self.strategies:
            tokens = int(self.data["tokens"].values[s])
            delivered = int(self.data["delivered"].values[s])
            self.assertEqual(self.cells("cell_tokens", s).sum(), tokens)
            self.assertEqual(self.cells("cell_delivered", s).sum(), delivered)
            self.assertEqual(self.data["undeliverable"].values[s], (tokens - delivered) / tokens)

    def test_means_follow_from_the_sums(self):
        for s in self.strategies:
            delivered = int(self.data["delivered"].values[s])
            mean_ms = self.sums("cell_sum", "ns", s).sum() / delivered / 1e6
            self.assertTrue(math.isclose(self.data["mean_ms"].values[s], mean_ms, rel_tol=1e-12))

    def test_deviations_follow_from_the_sums_of_squares(self):
        for s in self.strategies:
            delivered = int(self.data["delivered"].values[s])
            total = self.sums("cell_sum", "ns", s).sum()
            squares = self.sums("cell_sum_squares", "ns2", s).sum()
            # n and n - 1 in the denominator differ by less than the tolerance.
            deviation_ms = math.sqrt((delivered * squares - total**2) / delivered**2) / 1e6
            stored = self.data["standard_deviation_ms"].values[s]
            self.assertTrue(math.isclose(stored, deviation_ms, rel_tol=1 / delivered), (stored, deviation_ms))

    def test_the_mean_lies_where_the_histogram_says(self):
        histogram = self.data["histogram"].values.astype(float)
        lower = (histogram * self.data["bin_lower_ns"].values).sum(axis=1) / histogram.sum(axis=1) / 1e6
        upper = (histogram * self.data["bin_upper_ns"].values).sum(axis=1) / histogram.sum(axis=1) / 1e6
        mean_ms = self.data["mean_ms"].values
        self.assertTrue((lower <= mean_ms).all() and (mean_ms <= upper).all())

    def test_quantiles_are_those_of_the_histogram(self):
        for s in self.strategies:
            cumulative = self.data["histogram"].values[s].cumsum()
            for q, level in enumerate(self.data["quantile"].values):
                rank = -(-round(level * 1000) * int(cumulative[-1]) // 1000)
                i = int(numpy.searchsorted(cumulative, rank))
                for bound in ("lower", "upper"):
                    stored = self.data[f"quantile_{bound}_ms"].values[s, q]
                    edge = self.data[f"bin_{bound}_ns"].values[i] / 1e6
                    self.assertTrue(math.isclose(stored, edge, abs_tol=2e-6), (level, bound, stored, edge))

    def test_layers_add_up(self):
        for s in self.strategies:
            layers_ms = self.data["layer_mean_ms"].values[s]
            sums_ms = self.data["layer_sum_ns"].values[s] / int(self.data["delivered"].values[s]) / 1e6
            numpy.testing.assert_allclose(layers_ms, sums_ms, rtol=1e-12)
            mean_ms = self.data["mean_ms"].values[s]
            self.assertAlmostEqual(layers_ms.sum() + self.head_ms(), mean_ms, delta=1e-6)

    def head_ms(self):
        """What a token of this model without dense layers pays once, 2 d V FLOPs, to a nanosecond."""
        scenario = tomllib.loads(self.data["scenario_resolved"].item())
        model, compute = scenario["model"], scenario["compute"]
        self.assertEqual(model["layers"], model["moe_layers"])
        flop = 2 * model["hidden_size"] * model["vocabulary"]
        return compute["head"] * flop / compute["rate_flop_s"] * 1e3

    def test_placements_are_numbered_within_their_strategy(self):
        for s in self.strategies:
            numbers = self.data["placement_number"].values[self.data["placement_strategy"].values == s]
            self.assertEqual(numbers.tolist(), list(range(len(numbers))))
            spread = self.data["placement_spread_ms"].values[s]
            self.assertEqual(math.isnan(spread), len(numbers) == 1)

    def test_every_placement_has_the_replicas_and_spares_of_the_scenario(self):
        asked = tomllib.loads(self.data["scenario_resolved"].item())["placement"]
        copies = asked["replica_places"] + asked["replicas"] * self.data.sizes["layer"] * self.data.sizes["expert"]
        if copies + asked["spare_gateways"] == 0:
            self.assertFalse({"replica", "spare"} & set(self.data.dims))
            return
        names = ("replica_placement", "replica_layer", "replica_expert", "replica_host")
        replicas = list(zip(*(self.data[name].values.tolist() for name in names)))
        self.assertEqual(len(set(replicas)), self.data.sizes["placement"] * copies)
        self.assertEqual([r[:3] for r in replicas], sorted(r[:3] for r in replicas))
        hosts, gateways = self.data["host"].values, self.data["gateway"].values
        for placement, layer, expert, host in replicas:
            self.assertNotIn(host, hosts[placement, layer])
            self.assertNotIn(host, gateways[placement])
            self.assertLess(expert, self.data.sizes["expert"])
        spares = [(p, l) for p in range(self.data.sizes["placement"]) for l in range(self.data.sizes["layer"])]
        self.assertEqual(list(zip(self.data["spare_placement"].values.tolist(),
                                  self.data["spare_layer"].values.tolist())), spares)
        for placement, gateway in zip(self.data["spare_placement"].values, self.data["spare_gateway"].values):
            self.assertNotIn(gateway, gateways[placement])
            self.assertNotIn(gateway, hosts[placement])

    def test_ratios_are_to_the_least_mean(self):
        mean_ms = self.data["mean_ms"].values
        numpy.testing.assert_allclose(self.data["ratio_to_best"].values, mean_ms / mean_ms.min(), rtol=1e-12)

    def test_rates_use_up_the_greatest_loads(self):
        resolved = tomllib.loads(self.data["scenario_resolved"].item())
        bit = self.data["load_link_peak_bit"].values.max(axis=(1, 2))
        if "load_terminal_peak_bit" in self.data:
            bit = numpy.maximum(bit, self.data["load_terminal_peak_bit"].values.max(axis=(1, 2)))
        work_s = self.data["load_work_peak_s"].values.max(axis=1)
        self.assertTrue((bit > 0).all())
        rate_bit_s = resolved["links"]["rate_bit_s"] * (1 - resolved.get("damage", {}).get("link_rate", 0))
        numpy.testing.assert_allclose(self.data["saturating_link_rate_hz"].values, rate_bit_s / bit, rtol=1e-12)
        numpy.testing.assert_allclose(self.data["saturating_satellite_rate_hz"].values, 1 / work_s, rtol=1e-12)

    def test_no_load_has_a_mean_above_its_peak(self):
        for mean, peak, slot in (("load_work_s", "load_work_peak_s", "load_work_peak_slot"),
                                 ("load_link_bit", "load_link_peak_bit", "load_link_peak_slot"),
                                 ("load_terminal_bit", "load_terminal_peak_bit", "load_terminal_peak_slot")):
            if mean not in self.data:
                self.assertEqual(mean, "load_terminal_bit")
                continue
            mean, peak = self.data[mean].values, self.data[peak].values
            self.assertTrue((mean <= peak * (1 + 1e-12)).all())
            self.assertTrue((mean[peak > 0] > 0).all())
            self.assertLess(self.data[slot].values.max(), self.data.sizes["slot"])

    def test_terminals_are_there_where_shells_are_linked(self):
        resolved = tomllib.loads(self.data["scenario_resolved"].item())
        linked = resolved["links"].get("between_shells") == "nearest"
        self.assertEqual("load_terminal_bit" in self.data, linked)
        if linked:
            self.assertTrue((self.data["load_terminal_bit"].sum(("satellite", "terminal_direction")) > 0).all())

    def test_what_comes_into_a_satellite_goes_out(self):
        """Gateways and hosts send on as many messages as they receive, unless experts are lost."""
        out = numpy.zeros((len(self.strategies), self.data.sizes["satellite"]))  # less what comes in
        bit = self.data["load_link_bit"]
        forth = (bit.sel(direction="a to b") - bit.sel(direction="b to a")).values
        for end, sign in (("link_a", 1), ("link_b", -1)):
            for s in self.strategies:
                numpy.add.at(out[s], self.data[end].values, sign * forth[s])
        if "load_terminal_bit" in self.data:
            bit = self.data["load_terminal_bit"]
            out += (bit.sel(terminal_direction="sent") - bit.sel(terminal_direction="received")).values
        for s in self.strategies:
            if self.data["exact_undeliverable"].values[s] == 0:
                numpy.testing.assert_allclose(out[s], 0, atol=1e-9 * self.data["load_link_bit"].values.max())

    def test_satellites_do_the_work_of_a_token(self):
        """Equal experts: K per layer, less where a host has no route; the head besides."""
        resolved = tomllib.loads(self.data["scenario_resolved"].item())
        model = resolved["model"]
        expert_s = 6 * model["hidden_size"] * model["expert_size"] / resolved["compute"]["rate_flop_s"]
        drawn = self.data.sizes["layer"] * model["top_k"]
        for s in self.strategies:
            done_s = self.data["load_work_s"].values[s].sum() - self.head_ms() / 1e3
            self.assertLessEqual(done_s, drawn * expert_s + self.gateways_s(model, resolved["compute"]) + 1e-6)
            self.assertGreater(done_s, 0.5 * drawn * expert_s)

    def gateways_s(self, model, compute):
        attention = 8 * model["hidden_size"] ** 2 + 4 * model["context"] * model["hidden_size"]
        router = 2 * model["hidden_size"] * model["experts"]
        return compute["gateway"] * self.data.sizes["layer"] * (attention + router) / compute["rate_flop_s"]

    def test_the_scenario_is_there_as_given_and_as_resolved(self):
        given = tomllib.loads(self.data["provenance_scenario_given"].item())
        resolved = tomllib.loads(self.data["scenario_resolved"].item())
        self.assertEqual(resolved.get("title"), given.get("title"))
        self.assertEqual(resolved["seed"], self.data.attrs["seed"])
        self.assertEqual(self.data.attrs["title"], given["title"])


if __name__ == "__main__":
    unittest.main()
