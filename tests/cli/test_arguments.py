"""Usage errors: at most three lines, the nearest word, exit status 2."""

import argparse

import pytest

from minicv.cli.arguments import Parser, nearest
from minicv.cli.main import COMMANDS, main


def usage_error(capsys, *words):
    """The lines of a usage error."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 2
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == "" and 1 <= len(lines) <= 3 and "usage:" not in captured.err
    assert lines[0].startswith("minicv") and lines[-1].endswith("--help says more")
    return captured.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("trian", "there is no 'trian'; did you mean train?"),
        ("Train", "did you mean train?"),
        ("detct a.jpg", "did you mean detect?"),
        ("frobnicate", "there are demo, doctor, train, eval, predict, detect, segment"),
        ("--frob", "there is no option --frob"),
        ("--verson", "did you mean --version?"),
        ("train", "minicv train: the following arguments are required: SYSTEM, --data, --out"),
        ("train nonsense", "there are faster_rcnn, fast_rcnn, spp_net, rcnn, mask_rcnn"),
        ("train faster-rcnn", "there is no 'faster-rcnn'; did you mean faster_rcnn?"),
        ("train FCN8S --help", "did you mean fcn8s?"),
        ("train segnet --data x", "required: --out"),
        ("train segnet --epoks 3", "there is no option --epoks; did you mean --epochs?"),
        ("train --epoks=3 segnet", "there is no option --epoks; did you mean --epochs?"),
        ("train segnet --batch_size 3", "did you mean --batch-size?"),
        ("train segnet --data x --out y coco", "unexpected word: coco"),
        ("train segnet --data x --out y a b", "unexpected words: a b"),
        ("train segnet --data x --out y -z", "unexpected word: -z"),
        (
            "train segnet --data x --out y --epochs two",
            "--epochs: invalid int value: 'two'",
        ),
        ("train segnet --data x --out y --epochs", "--epochs: expected one argument"),
        ("train segnet --data x --out y --backbone vgg", "argument --backbone: there is no 'vgg'"),
        ("train segnet --data x --out y --resume --overwrite", "not allowed with"),
        ("eval --wieghts x", "did you mean --weights?"),
        ("eval --weights x --data y --split tset", "did you mean test?"),
        ("predict", "the following arguments are required"),
        ("demo --devise cpu", "did you mean --device?"),
    ],
)
def test_usage_errors_are_short_and_name_the_nearest_word(capsys, words, said):
    assert said in usage_error(capsys, *words.split())


def test_an_empty_word_is_no_folder(capsys):
    said = usage_error(capsys, "train", "segnet", "--data", "farmyard", "--out", "")
    assert "argument --out: an empty word is no path" in said


@pytest.mark.parametrize("word", ["detect", "segment", "predict"])
def test_messages_begin_with_the_word_that_was_typed(capsys, word):
    assert usage_error(capsys, word).startswith(f"minicv {word}: ")
    with pytest.raises(SystemExit):
        main([word, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: minicv {word} ")


def test_nearest():
    assert nearest("Segnet", ["segnet", "fcn8s"]) == "; did you mean segnet?"
    assert nearest("x", []) == ""


def test_words_after_two_dashes_are_no_options():
    parser = Parser(prog="x")
    parser.add_argument("words", nargs="*")
    assert parser.parse_args(["--", "--not-an-option"]).words == ["--not-an-option"]
    assert parser.misspelt(["--", "--nothing"]) is None


def test_help_lists_what_the_commands_say_of_themselves(capsys):
    """Help on all commands imports none of them, so their words stand in two places."""
    parser = argparse.ArgumentParser(prog="minicv")
    commands = parser.add_subparsers()
    for command in COMMANDS.values():
        __import__(command.module, fromlist=["add_parser"]).add_parser(commands)
    shown = [(action.dest, action.help) for action in commands._choices_actions]
    assert shown == [(name, command.help) for name, command in COMMANDS.items()]
    aliases = {alias for command in COMMANDS.values() for alias in command.aliases}
    assert set(commands.choices) == {*COMMANDS, *aliases}
