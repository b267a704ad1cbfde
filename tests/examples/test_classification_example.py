"""The example on losses runs, small: what it prints, the pictures, and what it claims."""

import numpy as np


def test_svm_vs_softmax(load_example, tmp_path, check_pictures, capsys, monkeypatch):
    script = load_example("17_svm_vs_softmax")
    monkeypatch.setattr(script, "STEPS", 5)
    monkeypatch.setattr(script, "MORE", 20)
    script.run(tmp_path, seed=1, scenes=(6, 4), epochs=1)
    check_pictures(tmp_path, ["1_losses.png", "2_boundaries.png", "3_pictures.png"])
    text = capsys.readouterr().out
    assert "softmax" in text and "SVM" in text and "with a gradient" in text


def test_a_crowd_beyond_the_margin_moves_a_softmax_and_no_svm(load_example):
    script = load_example("17_svm_vs_softmax")
    few = script.three_classes(0)
    svm, softmax = (script.last_layer(name, few, 3, 600) for name in (script.SVM, script.SOFTMAX))
    many = script.with_crowd(few, svm, 0)
    assert len(many.labels) == len(few.labels) + script.MORE
    grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 40)] * 2), -1).reshape(-1, 2)
    moved = {}
    for name, first in ((script.SVM, svm), (script.SOFTMAX, softmax)):
        second = script.last_layer(name, many, 3, 600)
        before, after = (script.scores_of(layer, grid).argmax(axis=1) for layer in (first, second))
        moved[name] = (before != after).mean()
    assert moved[script.SVM] < 0.01 < 0.03 < moved[script.SOFTMAX]
