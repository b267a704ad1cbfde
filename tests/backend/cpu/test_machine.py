"""How long simple work takes: what is built in, measured, kept in a file, and read again."""

import json

import pytest

from minicv.backend.cpu import machine as machine_file
from minicv.backend.cpu.machine import (
    BUILT_IN,
    Machine,
    Work,
    between,
    cache_file,
    key,
    machine,
    measure,
    measured_machine,
)

OTHER = BUILT_IN._replace(step=0.25)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder, and nothing measured yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    measured_machine.cache_clear()
    yield tmp_path
    measured_machine.cache_clear()


@pytest.fixture
def measurements(monkeypatch):
    """How often the machine was measured; it takes no time, and gives `OTHER`."""
    done = []

    def quick():
        done.append(True)
        return OTHER

    monkeypatch.setattr(machine_file, "measure", quick)
    return done


def test_a_measurement_is_sound_and_quick(folder):
    found = measured_machine()
    assert machine_file._is_sound(found)
    assert found.product[-1][-1][-1] < 1e-7  # a multiply-add below 100 ns
    copied = Work(runs=((1e6, 1024),))
    assert found.seconds(copied) < found.seconds(Work(picked=((1e6, 8),)))
    assert json.loads(cache_file().read_text())["key"] == key()
    assert not list(folder.glob("minicv/*json?*"))  # no part of a file is left


def test_only_asked_for(folder, measurements, monkeypatch):
    for setting in ("0", ""):
        monkeypatch.setenv("MINICV_TUNE", setting)
        assert machine() is BUILT_IN
    monkeypatch.delenv("MINICV_TUNE")
    assert machine() is BUILT_IN and not measurements
    monkeypatch.setenv("MINICV_TUNE", "1")
    assert machine() == OTHER and len(measurements) == 1


def test_measured_once_for_all_processes(folder, measurements):
    first = measured_machine()
    measured_machine.cache_clear()  # as in another process
    assert measured_machine() == first == OTHER
    assert len(measurements) == 1


def test_another_processor_is_measured_anew(folder, measurements, monkeypatch):
    measured_machine()
    monkeypatch.setattr(machine_file, "_processor", lambda: "another")
    measured_machine.cache_clear()
    measured_machine()
    assert len(measurements) == 2


def test_the_number_of_threads_is_no_part_of_the_key(monkeypatch):
    before = key()
    monkeypatch.setenv("MINICV_NUM_THREADS", "7")
    assert key() == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "{}", '{"key": 1}', '{"key": KEY}', '{"key": KEY, "run": 3}']
)
def test_a_broken_file_is_written_anew(text, folder, measurements):
    path = cache_file()
    path.parent.mkdir(parents=True)
    path.write_text(text.replace("KEY", json.dumps(key())))
    assert measured_machine() == OTHER and len(measurements) == 1
    measured_machine.cache_clear()
    assert measured_machine() == OTHER and len(measurements) == 1


@pytest.mark.parametrize("broken", [{"step": -1.0}, {"run": (1e-9,)}, {"memory": float("nan")}])
def test_times_that_cannot_be_are_measured_anew(broken, folder, measurements):
    machine_file._write(cache_file(), BUILT_IN._replace(**broken))
    assert measured_machine() == OTHER and len(measurements) == 1


def test_a_folder_that_cannot_be_written_is_no_error(folder, measurements):
    (folder / "minicv").write_text("a file where the folder should be")
    assert measured_machine() == OTHER


def test_the_built_in_times_are_sound():
    assert machine_file._is_sound(BUILT_IN) and isinstance(measure(), Machine)


def test_time_is_a_sum_over_the_work():
    parts = [
        Work(products=((2, 30, 40, 50),)),
        Work(products_of_rows=((1, 64, 700, 64),)),
        Work(runs=((1000, 30),)),
        Work(picked=((1000, 30),)),
        Work(memory=1e6, steps=3),
    ]
    together = parts[0] + parts[1] + parts[2] + parts[3] + parts[4]
    assert together.multiply_adds == 2 * 30 * 40 * 50 + 64 * 700 * 64
    assert together.moved == 2000
    seconds = BUILT_IN.seconds(together)
    assert seconds == pytest.approx(sum(BUILT_IN.seconds(part) for part in parts))


def test_between_is_exact_at_the_sizes_and_never_rises_beyond_them():
    sizes, times = (8, 32, 128), (4.0, 1.0, 2.0)
    assert [between(sizes, times, size) for size in sizes] == pytest.approx(times)
    assert between(sizes, times, 1e6) == 2.0
    assert between(sizes, times, 1) == 32.0  # one item takes as long as eight
