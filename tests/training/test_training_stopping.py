"""Reasons to end early, and the signals behind them."""

import os
import signal

import pytest

from unweave.training.stopping import Stopper


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_asks_and_a_second_one_stops_at_once(number):
    before = signal.getsignal(number)
    with Stopper() as stopper:
        assert stopper.reason() is None
        os.kill(os.getpid(), number)
        assert stopper.reason() == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_the_time_limit(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("unweave.training.stopping.time.monotonic", lambda: now[0])
    stopper = Stopper(60)
    now[0] = 159.0
    assert stopper.reason() is None
    now[0] = 160.0
    assert stopper.reason() == "out of time"
