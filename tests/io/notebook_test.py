"""Executes a notebook on a result: every cell has to succeed and some to draw.

Usage: notebook_test.py NOTEBOOK. SPACEMOE_RESULT names the result.
"""

import json
import os
import pathlib
import sys
import tempfile


def private_kernel(folder):
    """A kernel that is this very interpreter, with no file outside of `folder`."""
    kernel = pathlib.Path(folder) / "kernels" / "spacemoe"
    kernel.mkdir(parents=True)
    command = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": command, "display_name": "spacemoe", "language": "python"})
    )
    for variable in ("JUPYTER_PATH", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "MPLCONFIGDIR"):
        os.environ[variable] = folder
    return kernel.name


def figures(notebook):
    return [
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]


def main(path):
    with tempfile.TemporaryDirectory() as folder:
        kernel = private_kernel(folder)
        # Jupyter reads its folders from the environment when it is imported.
        import nbclient
        import nbformat

        notebook = nbformat.read(path, as_version=4)
        if any(cell.get("outputs") for cell in notebook.cells):
            sys.exit(f"{path} is committed with outputs")
        where = {"metadata": {"path": folder}}
        nbclient.NotebookClient(notebook, timeout=300, kernel_name=kernel, resources=where).execute()
        drawn = len(figures(notebook))
        print(f"{drawn} figures")
        if drawn < 2:
            sys.exit(f"{path} drew {drawn} figures, not 2")


if __name__ == "__main__":
    main(sys.argv[1])
