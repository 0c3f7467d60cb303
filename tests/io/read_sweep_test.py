"""A sweep's file as h5py, xarray and h5dump see it, checked against results of its points alone.

SPACEMOE names the program, SPACEMOE_RESULT the file, written from sweep.toml beside this test.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

import h5py
import numpy
import xarray

import read_result_test

PROGRAM = os.environ["SPACEMOE"]
SWEEP = os.environ["SPACEMOE_RESULT"]
HERE = pathlib.Path(__file__).parent

AXES = ("altitude_km", "model", "planes")
TWO, THREE = "two layers", "three layers \u03c9"
FIGURES = ("mean_ms", "standard_deviation_ms", "standard_error_ms", "placement_spread_ms", "ratio_to_best",
           "tokens", "delivered", "undeliverable")
QUANTILES = ("quantile_lower_ms", "quantile_upper_ms", "quantile_confidence_low_ms", "quantile_confidence_high_ms")
INNER = {"histogram": "bin", "layer_mean_ms": "layer", **dict.fromkeys(QUANTILES, "quantile")}


def spacemoe(*words):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)


def h5dump(*words):
    """What h5dump prints; an error when it finds anything wrong."""
    run = subprocess.run(["h5dump", *words], capture_output=True, text=True)
    if run.returncode or run.stderr:
        raise AssertionError(run.stderr)
    return run.stdout


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def open(self, path):
        data = xarray.open_dataset(path, engine="h5netcdf")
        self.addCleanup(data.close)
        return data


class Hdf5(read_result_test.Hdf5):
    """What h5py, MATLAB and h5dump rely on: as in results."""

    def test_units_in_names_are_those_in_attributes(self):
        for name, dataset in self.file.items():
            suffix = name.rsplit("_", 1)[-1]
            units = suffix if suffix in ("ms", "ns", "s", "km") else "1"
            self.assertEqual(dataset.attrs["units"], units, name)

    def test_the_root_says_where_the_result_comes_from(self):
        for name in ("version", "git_commit", "backend", "command_line", "time"):
            self.assertTrue(self.file.attrs[f"provenance_{name}"], name)
        self.assertIn(SWEEP, self.file.attrs["provenance_command_line"])
        self.assertEqual(self.file.attrs["format"], "spacemoe sweep")
        self.assertEqual(self.file.attrs["format_version"], 1)
        self.assertEqual(self.file.attrs["title"], "To be read")
        given = (HERE / "sweep.toml").read_text(encoding="utf-8")
        self.assertEqual(self.file["provenance_sweep_given"][()].decode(), given)
        self.assertIn("survival = 0.6", self.file["scenario_resolved"][()].decode())

    def test_large_arrays_are_compressed_and_small_ones_are_not(self):
        for name, dataset in self.file.items():
            if dataset.dtype.kind != "O" and name != "histogram":
                self.assertEqual(dataset.compression, "gzip" if dataset.nbytes > 4096 else None, name)
        histogram = self.file["histogram"]
        self.assertEqual((histogram.compression, histogram.shuffle), ("gzip", True))
        self.assertLessEqual(8 * numpy.prod(histogram.chunks), 2**20)

    def test_h5dump_reads_all_of_it(self):
        text = h5dump(SWEEP)
        for name in self.file:
            self.assertIn(f'DATASET "{name}"', text)

    def test_h5dump_reads_the_same_numbers(self):
        for name in ("mean_ms", "histogram"):
            values = h5dump("-y", "-w", "0", "-m", "%.17g", "-d", name, SWEEP)
            values = values.split("DATA {")[1].split("}")[0].replace(",", " ").split()
            dataset = self.file[name]
            dumped = numpy.array(values, dtype=dataset.dtype).reshape(dataset.shape)
            numpy.testing.assert_array_equal(dumped, dataset[...])


class Xarray(Folder):
    """Labelled arrays over the axes of the sweep."""

    def setUp(self):
        super().setUp()
        self.data = self.open(SWEEP)

    def test_nothing_was_lost_on_the_way_into_xarray(self):
        with h5py.File(SWEEP, "r") as file:
            self.assertEqual(set(self.data.variables), set(file))
            for name in file:
                self.assertEqual(self.data[name].shape, file[name].shape, name)

    def test_figures_have_the_axes_of_the_sweep(self):
        for name in FIGURES:
            self.assertEqual(self.data[name].dims, (*AXES, "strategy"), name)
        for name, inner in INNER.items():
            self.assertEqual(self.data[name].dims, (*AXES, "strategy", inner), name)
        for name in ("status", "failure", "timing_point_s"):
            self.assertEqual(self.data[name].dims, AXES, name)
        for name in ("moe_layers", "strategies"):
            self.assertEqual(self.data[name].dims, ("model",), name)

    def test_axes_are_coordinates(self):
        self.assertEqual(set(self.data.coords), {*AXES, "strategy", "quantile", "bin", "layer"})
        self.assertEqual(self.data["altitude_km"].values.tolist(), [600, 1400])
        self.assertEqual(self.data["planes"].values.tolist(), [2, 6, 8])
        self.assertEqual(self.data["model"].values.tolist(), [TWO, THREE])
        self.assertEqual(self.data["moe_layers"].values.tolist(), [2, 3])
        self.assertEqual(self.data["strategy"].values.tolist(), ["rand-place", "spacemoe"])

    def test_counts_are_integers(self):
        for name in ("tokens", "delivered", "histogram"):
            self.assertEqual(self.data[name].dtype, numpy.uint64, name)

    def test_points_without_room_failed_alone(self):
        failed = [(altitude, THREE, 2) for altitude in (600, 1400)]
        stacked = self.data[["status", "failure", "timing_point_s"]].stack(point=AXES)
        for point in stacked["point"].values:
            here = stacked.sel(point=point)
            self.assertEqual(here["status"].item(), "failed" if point in failed else "done", point)
            self.assertEqual("free places" in here["failure"].item(), point in failed, point)
            self.assertEqual(here["timing_point_s"].item() > 0, point not in failed, point)
        where = self.data.sel(model=THREE, planes=2)
        for name in (*FIGURES, *INNER):
            values = where[name].values
            self.assertTrue((values == 0).all() if values.dtype.kind == "u" else numpy.isnan(values).all(), name)

    def test_strategies_that_a_point_lacks_are_empty(self):
        where = self.data.sel(model=TWO, strategy="spacemoe")
        for name in (*FIGURES, *INNER):
            values = where[name].values
            self.assertTrue((values == 0).all() if values.dtype.kind == "u" else numpy.isnan(values).all(), name)
        self.assertTrue((self.data["tokens"].sel(model=TWO, strategy="rand-place") == 1000).all())

    def test_a_model_has_no_more_layers_than_it_has(self):
        layers = self.data["layer_mean_ms"].sel(strategy="rand-place", planes=[6, 8])
        self.assertTrue(numpy.isfinite(layers.sel(model=THREE)).all())
        self.assertTrue(numpy.isfinite(layers.sel(model=TWO, layer=[0, 1])).all())
        self.assertTrue(numpy.isnan(layers.sel(model=TWO, layer=2)).all())

    def test_histograms_hold_the_delivered_tokens(self):
        histogram = self.data["histogram"]
        numpy.testing.assert_array_equal(histogram.sum("bin"), self.data["delivered"])
        used = histogram.sum((*AXES, "strategy")).values
        self.assertTrue(used[0] and used[-1], "bins at either end that nobody uses")

    def test_a_mean_lies_where_its_histogram_says(self):
        ran = self.data["delivered"].values > 0
        for name, compare in (("bin_lower_ns", numpy.less_equal), ("bin_upper_ns", numpy.greater)):
            edge_ms = (self.data["histogram"].astype(float) * self.data[name]).sum("bin") / self.data["delivered"] / 1e6
            self.assertTrue(compare(edge_ms.values[ran], self.data["mean_ms"].values[ran]).all(), name)


class Points(Folder):
    """A point of a sweep is what the result of its scenario is."""

    def scenario(self, altitude_km, planes, layers, strategies):
        text = (HERE / "lossy.toml").read_text(encoding="utf-8")
        for old, new in (("altitude_km = 1400", f"altitude_km = {altitude_km}"), ("planes = 6", f"planes = {planes}"),
                         ("moe_layers = 3", f"moe_layers = {layers}"), ("tokens = 2000", "tokens = 1000"),
                         ("replica_places = 5\nspare_gateways = 1\n", ""),
                         ('strategies = ["rand-place", "spacemoe"]', f"strategies = {strategies}")):
            self.assertEqual(text.count(old), 1, old)
            text = text.replace(old, new)
        path = self.folder / "point.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def check(self, where, layers, strategies):
        output = self.folder / "point.h5"
        scenario = self.scenario(where["altitude_km"], where["planes"], layers, strategies)
        run = spacemoe("evaluate", scenario, "-o", output)
        self.assertEqual(run.returncode, 0, run.stderr)
        alone = self.open(output)
        here = self.open(SWEEP).sel(**where, strategy=alone["strategy"].values)
        for name in (*FIGURES, *QUANTILES):
            numpy.testing.assert_array_equal(here[name], alone[name], name)
        numpy.testing.assert_array_equal(here["layer_mean_ms"].sel(layer=alone["layer"].values), alone["layer_mean_ms"])
        for name in ("histogram", "bin_lower_ns", "bin_upper_ns"):
            numpy.testing.assert_array_equal(here[name].sel(bin=alone["bin"].values), alone[name], name)
        for name in (*FIGURES, *INNER):
            for attribute in ("units", "long_name"):
                self.assertEqual(here[name].attrs[attribute], alone[name].attrs[attribute], name)

    def test_the_first(self):
        self.check({"altitude_km": 600, "model": TWO, "planes": 2}, 2, '["rand-place"]')

    def test_one_in_the_middle(self):
        self.check({"altitude_km": 600, "model": THREE, "planes": 8}, 3, '["spacemoe", "rand-place"]')

    def test_the_last(self):
        self.check({"altitude_km": 1400, "model": THREE, "planes": 8}, 3, '["spacemoe", "rand-place"]')


class Shards(Folder):
    """What is there before all points are done."""

    def test_points_of_other_shards_are_missing(self):
        output = self.folder / "part.h5"
        spacemoe("sweep", HERE / "sweep.toml", "-o", output, "--shard", "2/2")
        spacemoe("merge", HERE / "sweep.toml", "-o", output, "--partial")
        part, whole = self.open(output), self.open(SWEEP)
        status = part["status"].values.ravel().tolist()
        self.assertEqual(status[0::2], ["missing"] * 6)
        self.assertEqual(status[1::2], whole["status"].values.ravel().tolist()[1::2])
        self.assertTrue(numpy.isnan(part["timing_point_s"].values.ravel()[0::2]).all())
        strategies = part["strategy"].values
        for name in FIGURES:
            mine = part[name].values.reshape(12, -1)
            all_points = whole[name].sel(strategy=strategies).values.reshape(12, -1)
            numpy.testing.assert_array_equal(mine[1::2], all_points[1::2], name)
            gone = mine[0::2]
            self.assertTrue((gone == 0).all() if gone.dtype.kind == "u" else numpy.isnan(gone).all(), name)


if __name__ == "__main__":
    unittest.main()
