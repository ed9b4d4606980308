"""The README's picture of Explore, taken of the real page: `python -m benchmarks.explore_picture`.

Starts the app in a throwaway home, searches in Chromium as a person would, and photographs the end.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import expect, sync_playwright

from benchmarks.pictures import CHROMIUM

CHECKOUT = Path(__file__).resolve().parent.parent
ADDRESS = "/?classifier=mnist-robust&label=seven&seed=42&points=first"
PATIENCE_MS = 300_000


def main() -> None:
    """Take the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=CHECKOUT / "docs" / "images" / "explore.png")
    parser.add_argument("--address", default=ADDRESS, help=f"what to search (default: {ADDRESS})")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1600)
    chosen = parser.parse_args()
    with TemporaryDirectory() as home:
        server = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--home", home],
            cwd=CHECKOUT,
            env={**os.environ},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            url = server.stdout.readline().split()[-1]
            _photograph(url + chosen.address, chosen.to, chosen.width, chosen.height)
        finally:
            server.terminate()
            server.wait()
    print(chosen.to)


def _photograph(address: str, to: Path, width: int, height: int) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": width, "height": height}, device_scale_factor=1.5
        )
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.get_by_role("button", name="Run", exact=True).click()
        fooled = page.get_by_text(re.compile(r"Fooled at magnitude"))
        expect(fooled).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_text("Confidence against strength")).to_be_visible(timeout=PATIENCE_MS)
        page.mouse.move(5, 5)  # nothing is pointed at
        page.wait_for_timeout(1500)  # the charts have drawn themselves
        page.screenshot(path=to)
        browser.close()


if __name__ == "__main__":
    main()
