"""Which browser the tests take: that of CHROME_PATH, else one without windows where there is one."""

from pathlib import Path

import pytest

from benchmarks.browsing import find_shell


def test_a_chromium_without_windows_is_found_unless_another_browser_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CHROME_PATH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_shell() is None
    shell = tmp_path / "chromium-headless-shell"
    shell.write_text("#!/bin/sh\n")
    assert find_shell() is None, "no program"
    shell.chmod(0o755)
    assert find_shell() == str(shell)
    monkeypatch.setenv("CHROME_PATH", "/usr/bin/chromium")
    assert find_shell() is None
