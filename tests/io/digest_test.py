"""What `spacemoe digest` sees of a file, against a second implementation and against files changed by hand.

SPACEMOE names the program, SPACEMOE_RESULT a result or the file of a sweep or a stress test.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import h5py
import numpy

PROGRAM = os.environ["SPACEMOE"]
RESULT = os.environ["SPACEMOE_RESULT"]
OUTSIDE = ("provenance_", "timing_")
TIES = ("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST")


def is_scale(dataset):
    return h5py.h5ds.is_scale(dataset.id)


def digest(path):
    run = subprocess.run([PROGRAM, "digest", path], capture_output=True, text=True, check=True)
    return run.stdout.split()[0]


class Payload:
    """The hash that host/io/README.md describes, from what h5py reads."""

    def __init__(self, path):
        self.hash = hashlib.sha256()
        with h5py.File(path, "r") as file:
            self.attributes(file)
            for name in sorted(file):
                if name.startswith(OUTSIDE):
                    continue
                self.text(name)
                self.values(file[name][()], file[name].dtype, file[name].shape)
                if not is_scale(file[name]):
                    for axis in file[name].dims:
                        self.text(axis[0].name)
                self.attributes(file[name])

    def number(self, value):
        self.hash.update(int(value).to_bytes(8, "little"))

    def text(self, value):
        data = value if isinstance(value, bytes) else value.encode()
        self.number(len(data))
        self.hash.update(data)

    def attributes(self, owner):
        names = sorted(name for name in owner.attrs if not name.startswith(OUTSIDE) and name not in TIES)
        self.number(len(names))
        for name in names:
            self.text(name)
            attribute = owner.attrs.get_id(name)
            self.values(owner.attrs[name], attribute.dtype, attribute.shape)

    def values(self, values, dtype, shape):
        kinds = {"u": "unsigned", "i": "signed", "f": "float", "O": "text", "S": "text"}
        self.text(kinds[dtype.kind])
        self.number(len(shape))
        for length in shape:
            self.number(length)
        if dtype.kind in "OS":
            for value in numpy.asarray(values, dtype=object).ravel():
                self.text(value)
        else:
            self.number(dtype.itemsize)
            self.text(numpy.asarray(values).astype(dtype.newbyteorder("<")).tobytes())


def stored_otherwise(source, target):
    """The same payload with other chunks, compression, byte order, object order and file version."""
    with h5py.File(source, "r") as old, h5py.File(target, "w", libver="latest", track_order=True) as new:
        for name in reversed(list(old)):
            values, shape, layout = old[name][()], old[name].shape, {}
            if shape:
                layout = {"chunks": tuple(max(1, n // 2) for n in shape), "compression": "gzip"}
            dtype = old[name].dtype
            if dtype.kind in "uif":
                dtype = dtype.newbyteorder(">")
            elif layout:
                dtype = h5py.string_dtype("utf-8", 1000)
                values = values.astype(dtype)
            new.create_dataset(name, data=values, dtype=dtype, **layout)
        for name in new:
            if is_scale(old[name]):
                new[name].make_scale(name)
        for name in new:
            for axis, dimension in enumerate(() if is_scale(old[name]) else old[name].dims):
                new[name].dims[axis].attach_scale(new[dimension[0].name])
            for attribute in old[name].attrs:
                if attribute not in TIES:
                    new[name].attrs[attribute] = old[name].attrs[attribute]
        for attribute in old.attrs:
            new.attrs[attribute] = old.attrs[attribute]


def change_last(dataset):
    """The least change of the last value."""
    values = numpy.array(dataset[()], dtype=dataset.dtype)
    flat = values.reshape(-1)
    if flat.dtype.kind == "O":
        flat[-1] = flat[-1] + b" "
    elif flat.dtype.kind == "f":
        flat[-1] = 0 if numpy.isnan(flat[-1]) else numpy.nextafter(flat[-1], numpy.inf)
    else:
        flat[-1] ^= flat.dtype.type(1)
    dataset[()] = values


class Digest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = str(pathlib.Path(folder.name) / "copy.h5")
        self.original = digest(RESULT)

    def edit(self, change):
        """Digest of a copy of the result after a change."""
        shutil.copyfile(RESULT, self.copy)
        with h5py.File(self.copy, "r+") as file:
            change(file)
        return digest(self.copy)

    def test_agrees_with_a_second_implementation(self):
        self.assertEqual(self.original, Payload(RESULT).hash.hexdigest())

    def test_does_not_depend_on_storage(self):
        stored_otherwise(RESULT, self.copy)
        self.assertEqual(self.original, digest(self.copy))

    def test_agrees_about_arrays_of_megabytes(self):
        def add(file):
            file["large"] = numpy.arange(600_000, dtype="u8").reshape(3, 2, 100_000)
            for axis, length in enumerate(file["large"].shape):
                file[f"large_axis_{axis}"] = numpy.arange(length)
                file[f"large_axis_{axis}"].make_scale(f"large_axis_{axis}")
                file["large"].dims[axis].attach_scale(file[f"large_axis_{axis}"])

        changed = self.edit(add)
        self.assertEqual(changed, Payload(self.copy).hash.hexdigest())

    def test_does_not_depend_on_provenance_and_timing(self):
        def change(file):
            for name in [name for name in file if name.startswith(OUTSIDE)]:
                del file[name]
            file.attrs["provenance_backend"] = "another"
            file.attrs["timing_total_s"] = 1e9
            file["timing_more_s"] = 1.0

        self.assertEqual(self.original, self.edit(change))

    def test_sees_the_least_change_of_every_dataset(self):
        with h5py.File(RESULT, "r") as file:
            names = [name for name in file if not name.startswith(OUTSIDE)]
        self.assertGreater(len(names), 25)
        for name in names:
            with self.subTest(name):
                self.assertNotEqual(self.original, self.edit(lambda file: change_last(file[name])))

    def test_sees_names_types_shapes_axes_and_attributes(self):
        def rename(file):
            file.move("mean_ms", "mean_s")

        def retype(file):
            values = file["tokens"][()].astype("i8")
            attributes = dict(file["tokens"].attrs)
            del file["tokens"]
            file["tokens"] = values
            for axis, dimension in enumerate(file["mean_ms"].dims):
                file["tokens"].dims[axis].attach_scale(dimension[0])
            for name in ("units", "long_name"):
                file["tokens"].attrs[name] = attributes[name]

        def detach(file):
            last = list(file["mean_ms"].dims)[-1]
            last.detach_scale(last[0])

        def add(file):
            file["more"] = 1.0

        def units(file):
            file["mean_ms"].attrs["units"] = "s"

        def version(file):
            file.attrs["format_version"] = file.attrs["format_version"] ^ numpy.uint64(1)

        for change in (rename, retype, detach, add, units, version):
            with self.subTest(change.__name__):
                self.assertNotEqual(self.original, self.edit(change))


if __name__ == "__main__":
    unittest.main()
