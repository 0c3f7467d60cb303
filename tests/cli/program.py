"""The program under test, and a folder to run it in."""

import os
import pathlib
import subprocess
import tempfile
import unittest

PROGRAM = os.environ["SPACEMOE"]
SCENARIOS = pathlib.Path(os.environ["SPACEMOE_SCENARIOS"])
SMALL = str(SCENARIOS / "small.toml")


def spacemoe(*words, **options):
    return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, **options)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def succeed(self, *words, **options):
        run = spacemoe(*words, **options)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def refuse(self, status, *words, **options):
        run = spacemoe(*words, **options)
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertEqual(run.stdout, "")
        return run.stderr
