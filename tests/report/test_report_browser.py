"""The pages in a real browser, on a phone and on a desktop: nothing overlaps, nothing is cut off."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.report.test_report_safety import PAGES

WRAPPER = """<!doctype html><body style="margin:0">
<iframe src="PAGE" style="border:0;width:WIDTHpx;height:900px"></iframe>
<script>
const overlaps = (plot) => {
  const box = plot.getBoundingClientRect(), found = [];
  const texts = [...plot.querySelectorAll("text")].filter((node) => node.textContent.trim());
  const boxes = texts.map((node) => node.getBoundingClientRect());
  boxes.forEach((a, i) => {
    if (a.left < box.left - 1 || a.right > box.right + 1) found.push("cut off: " + texts[i].textContent);
    boxes.slice(i + 1).forEach((b, j) => {
      if (a.left < b.right - .5 && b.left < a.right - .5 && a.top < b.bottom - 3 && b.top < a.bottom - 3)
        found.push(texts[i].textContent + " on " + texts[i + j + 1].textContent);
    });
  });
  return found;
};
document.querySelector("iframe").onload = (event) => {
  const page = event.target.contentDocument, root = page.documentElement;
  page.querySelectorAll("details").forEach((node) => { node.open = true; });
  const plots = [...page.querySelectorAll("svg")].filter((plot) => plot.getClientRects().length);
  const result = { width: root.clientWidth, content: root.scrollWidth, plots: plots.length, title: page.title,
    figures: page.querySelectorAll("figure").length, overlaps: plots.flatMap(overlaps) };
  document.body.innerHTML = "<pre id=result></pre>";
  document.querySelector("#result").textContent = JSON.stringify(result);
};
</script>"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overlaps_and_nothing_is_wider_than_the_screen(name: str, width: int, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if not chromium:
        pytest.skip("Debian's chromium is absent: apt-get install chromium")
    PAGES[name](tmp_path / "page.html")
    wrapper = tmp_path / "wrapper.html"
    wrapper.write_text(WRAPPER.replace("PAGE", "page.html").replace("WIDTH", str(width)))
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--allow-file-access-from-files",
        "--virtual-time-budget=4000",
        "--window-size=1400,1000",
    ]
    done = subprocess.run(
        [chromium, *flags, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", wrapper.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    result = json.loads(html.unescape(found[1]))
    assert result["content"] <= result["width"] <= width
    assert result["plots"] == result["figures"] > 0
    assert result["overlaps"] == []
    assert "owned" not in result["title"]
