"""What tests of the command line share: run a command, see one refused, files to give to it."""

import numpy as np
from PIL import Image

from minicv.cli.main import main


def run(capsys, *arguments):
    """(exit status, standard output, standard error)"""
    status = main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def refused(capsys, *arguments):
    """The one sentence with which a command ends that cannot do its work."""
    status, _, error = run(capsys, *arguments)
    sentence = error.split("\r")[-1].strip()  # a progress bar has been wiped out before
    assert status == 2 and sentence.startswith("minicv ") and "\n" not in sentence, error
    return sentence


def picture(path, size=(40, 30), mode="RGB"):
    """A picture of noise, (width, height); its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path)
    return path
