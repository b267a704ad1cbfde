"""``minicv explain``: pages written, one or several, and every error in a sentence."""

import os

import numpy as np
import pytest
from command_line import picture, refused, run

from minicv.cli import explain as command
from minicv.tasks import SYSTEMS, Spec, build, save


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "best.npz"
    system = SYSTEMS["autoencoder"]
    spec = Spec("autoencoder", ("cow",), system.settings[None])
    save(path, build(spec, np.random.default_rng(0)), spec)
    return path


def test_one_photograph_is_one_page(capsys, tmp_path, weights):
    photo = picture(tmp_path / "a.png")
    out = tmp_path / "new" / "page.html"
    status, text, error = run(capsys, "explain", photo, "--weights", weights, "--out", out)
    assert (status, error) == (0, "")
    page = out.read_text(encoding="utf-8")
    assert text == f"{photo}: {len(page.encode()) / 1e6:.1f} MB -> {out}\n"
    assert "<title>fully connected autoencoder: a.png</title>" in page
    assert "Hinton 2006" in page and "best.npz" in page and page.endswith("</html>\n")


def test_several_are_pages_in_a_folder_and_one_that_fails_is_named(capsys, tmp_path, weights):
    good = [picture(tmp_path / "in" / name) for name in ("a.png", "b.jpg")]
    (tmp_path / "in" / "c.png").write_bytes(b"torn")
    out = tmp_path / "pages"
    status, text, error = run(
        capsys, "explain", tmp_path / "in", "--weights", weights, "--out", out
    )
    assert status == 2
    assert sorted(path.name for path in out.iterdir()) == ["a.html", "b.html"]
    assert [str(path) in text for path in good] == [True, True]
    assert "c.png" in error and "1 of the pictures could not be read, see above" in error


def test_a_picture_on_which_the_model_fails_is_named(capsys, tmp_path, weights, monkeypatch):
    def broken(*_):
        raise RuntimeError("no luck")

    monkeypatch.setattr(command, "explain", broken)
    photo = picture(tmp_path / "a.png")
    _, _, error = run(
        capsys, "explain", photo, "--weights", weights, "--out", tmp_path / "page.html"
    )
    assert f"minicv explain: {photo}: RuntimeError: no luck" in error
    assert not (tmp_path / "page.html").exists()


def test_a_published_model_has_its_own_name(capsys, tmp_path, weights, monkeypatch):
    said = []
    monkeypatch.setattr(command, "explain", lambda *given: said.append(given[1:]) or "<page>")
    monkeypatch.setattr(command, "chosen_model", lambda options: (build_any(), None))
    photo = picture(tmp_path / "a.png")
    status, *_ = run(
        capsys, "explain", photo, "--model", "resnet18", "--out", tmp_path / "page.html"
    )
    assert status == 0 and said[0][0] == "resnet18" and said[0][2:] == ("a.png", "as published")


def build_any():
    spec = Spec("autoencoder", ("cow",), SYSTEMS["autoencoder"].settings[None])
    return build(spec, np.random.default_rng(0))


def test_what_is_wrong_ends_in_a_sentence(capsys, tmp_path, weights):
    photo, more = picture(tmp_path / "a.png"), picture(tmp_path / "b.png")
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("mine")
    page = tmp_path / "page.html"

    def sentence(*arguments):
        return refused(capsys, "explain", *arguments)

    given = ("--weights", weights, "--out")
    assert "is one page, but there are 2 pictures; name a folder, such as --out" in sentence(
        photo, more, *given, page
    )
    assert "a folder stands there; name a file" in sentence(photo, *given, tmp_path / "folder.html")
    assert "a file stands there; name a folder" in sentence(photo, *given, tmp_path / "file")
    assert "--weights is missing" in sentence(photo, "--out", page)
    assert "no such file" in sentence(photo, "--weights", tmp_path / "no.npz", "--out", page)
    assert (tmp_path / "file").read_text() == "mine" and not page.exists()
    status, _, error = run(capsys, "explain", tmp_path / "no.jpg", *given, page)
    assert status == 2 and "no.jpg" in error and not page.exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_named(capsys, tmp_path, weights):
    photo = picture(tmp_path / "a.png")
    (tmp_path / "shut").mkdir(mode=0o500)
    out = tmp_path / "shut" / "page.html"
    assert "nothing can be written there" in refused(
        capsys, "explain", photo, "--weights", weights, "--out", out
    )
