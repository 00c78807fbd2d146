"""Configuration errors name file, key and line, and exit with 78."""

import re

import pytest

BROKEN = {
    "syntax": ("output_limit_bytes: 4096\nprofiles:\n  a: {b: [1, 2\nhost: x\n", None, r"\b[345]\b"),
    "tab": ("profiles:\n\ta: 1\n", None, r"\b2\b"),
    "no map": ("- 1\n- 2\n", None, None),
    "unknown key": ("output_limit_bytes: 4096\noutptu_limit_bytes: 4096\n", "outptu_limit_bytes", None),
    "word for a number": ("output_limit_bytes: lots\n", "output_limit_bytes", None),
    "negative number": ("output_limit_bytes: -1\n", "output_limit_bytes", None),
    "profile that is no map": ("profiles:\n  web: 7\n", "web", None),
    "profiles that are no map": ("profiles: [1]\n", "profiles", None),
    "default profile that is not there": ("default_profile: no-such\n", "default_profile", None),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file(start_worker, case):
    text, key, line = BROKEN[case]
    worker = start_worker(ready=False, config=text)
    assert worker.exit_code(15) == 78
    output = worker.output()
    assert re.search(r"config-\d+\.yaml", output), "the message names the file"
    assert key is None or key in output, "the message names the key"
    assert line is None or re.search(line, output.split(".yaml", 1)[1]), "the message names the line"


def test_missing_file(start_worker, tmp_path):
    worker = start_worker(ready=False, config=tmp_path / "absent.yaml")
    assert worker.exit_code(15) == 78 and "absent.yaml" in worker.output()


def test_empty_file(start_worker):
    start_worker(config="# nothing\n")


def test_bad_endpoint(start_worker):
    worker = start_worker(ready=False, commands=["nonsense"])
    assert worker.exit_code(15) != 0 and "nonsense" in worker.output()
