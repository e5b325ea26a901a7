from gate.fuse import SILENT_S, Fuse


def test_silence_of_five_seconds_blows_it_once() -> None:
    fuse = Fuse()
    assert fuse.failed(100.0, 100.1, "refused") is None
    assert fuse.failed(104.0, 100.0 + SILENT_S - 0.01, "refused") is None
    assert fuse.failed(105.0, 100.0 + SILENT_S, "refused") == "the target did not answer for 5.0 s: refused"
    assert fuse.failed(106.0, 106.1, "refused") is None


def test_any_answer_in_between_starts_again() -> None:
    fuse = Fuse()
    assert fuse.failed(100.0, 102.0, "no answer in time") is None
    fuse.answered()
    assert fuse.failed(103.0, 105.5, "no answer in time") is None
    assert fuse.failed(105.0, 107.9, "no answer in time") is None
    assert fuse.failed(107.0, 108.1, "no answer in time") is not None


def test_a_freeze_of_five_seconds_is_no_death() -> None:
    # Asked every second or after the timeout of two: at 0, 2 and 4; the last one is answered when it thaws at 5.
    fuse = Fuse()
    assert fuse.failed(0.0, 2.0, "no answer in time") is None
    assert fuse.failed(2.0, 4.0, "no answer in time") is None
    fuse.answered()
