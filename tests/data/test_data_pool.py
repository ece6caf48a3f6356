import os
import time

import pytest

from unweave.core.errors import DataError
from unweave.data.pool import run_in_order


def test_results_come_in_the_order_of_the_tasks():
    tasks = [0.2, 0.0, 0.1, 0.0, 0.0]
    assert list(run_in_order(time.sleep, tasks, processes=2)) == [None] * 5
    assert list(run_in_order(str, range(20), processes=2)) == [str(n) for n in range(20)]


def test_tasks_are_drawn_only_as_fast_as_they_are_done():
    drawn = []
    results = run_in_order(abs, (drawn.append(n) or n for n in range(100)), processes=2)
    next(results)
    assert len(drawn) <= 6
    results.close()


def test_work_is_done_in_other_processes_unless_there_is_one():
    assert {os.getpid()} == set(run_in_order(_pid, [0, 1], processes=1))
    found = set(run_in_order(eval, ["__import__('os').getpid()"] * 4, processes=2))
    assert os.getpid() not in found


def _pid(_):
    return os.getpid()


def test_an_error_is_raised_here():
    with pytest.raises(ValueError, match="invalid literal"):
        list(run_in_order(int, ["1", "x"], processes=2))


def test_a_process_that_dies_is_an_error_in_words():
    with pytest.raises(DataError, match="process that reads data died"):
        list(run_in_order(os._exit, [3], processes=2))


def test_what_a_function_prints_does_not_get_between_the_answers(capfd):
    assert list(run_in_order(print, ["hello"], processes=2)) == [None]
    assert "hello" in capfd.readouterr().err
