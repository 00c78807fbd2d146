"""The choice of the driver, and where a worker without a console writes."""

import subprocess

from worker import binary, environment


def run(tmp_path, *arguments):
    """A worker that can't start, until it has ended."""
    command = [binary(), "worker", "--state-dir", str(tmp_path / "state"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment(), check=False)


def test_hcs_on_linux_says_why_not_and_what_instead(tmp_path):
    ended = run(tmp_path, "--driver", "hcs")
    assert ended.returncode == 78 and not ended.stdout
    message = ended.stderr.strip()
    assert message.count("\n") == 0, "one sentence"
    assert "Windows" in message and "this host does not have" in message
    assert "driver: emulator" in message


def test_log_file_takes_all_output(tmp_path):
    log = tmp_path / "worker.log"
    log.write_text("what was there\n")
    for _ in range(2):
        ended = run(tmp_path, "--driver", "hcs", "--log-file", str(log))
        assert ended.returncode == 78 and not ended.stdout and not ended.stderr
    lines = log.read_text().splitlines()
    assert lines[0] == "what was there" and len(lines) == 3
    assert all("driver: hcs" in line for line in lines[1:])


def test_log_file_that_cannot_be_written(tmp_path):
    ended = run(tmp_path, "--log-file", str(tmp_path / "absent" / "worker.log"))
    assert ended.returncode == 78 and "--log-file" in ended.stderr
