"""The workflow's report, as a browser shows it."""

import json
import re
import shutil
import subprocess
from html import unescape

import pytest

from batchf1.records import report
from helpers.miniature import FIGURES

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
WALK = """
<script>
const wait = () => new Promise(done => setTimeout(done, 100));
const text = () => document.querySelector("#app").innerText;
const menu = name => [...document.querySelectorAll("#app a")].find(a => a.innerText.trim() == name);
// a row of a list has the name of a figure, a button that shows it, and one that describes it
const row = name => [...document.querySelectorAll("#app tbody tr")].find(
  r => r.innerText.trim() == name);
async function walk() {
  const seen = {landing: text(), figures: {}, numbers: {}};
  for (const [list, category] of [["figures", "Figures"],
                                  ["numbers", "Numbers behind the figures"]]) {
    for (const name of FIGURES) {
      app.setView({navbarMode: "menu"}); await wait();
      menu(category).click(); await wait();
      const link = row(name).querySelectorAll("a")[0];
      if (list == "figures") { link.click(); await wait(); }
      const image = document.querySelector("#app img[src^='data:image/png']");
      const found = {link: link.href, width: image && image.naturalWidth};
      row(name).querySelectorAll("a")[1].click(); await wait();
      seen[list][name] = {text: text(), ...found};
    }
  }
  return seen;
}
window.addEventListener("load", () => wait().then(walk).then(
  seen => JSON.stringify(seen), error => JSON.stringify({error: String(error)})
).then(found => {
  document.documentElement.innerHTML = '<pre id="seen"></pre>';
  document.querySelector("#seen").textContent = found;
}));
</script>
"""


@pytest.fixture(scope="module")
def page(copy):
    """The report of the miniature workflow."""
    done = copy.snakemake("--report", "report.html")
    assert done.returncode == 0, done.stdout
    assert "WARNING" not in done.stdout
    return copy.folder / "report.html"


@pytest.fixture(scope="module")
def seen(page, tmp_path_factory):
    """What a browser shows on the report's pages when its buttons are clicked."""
    if BROWSER is None:
        pytest.skip("no chromium here, so nobody looked at the report")
    walked = page.with_name("walked.html")
    names = f"<script>const FIGURES = {json.dumps(FIGURES)};</script>"
    walked.write_text(
        page.read_text().replace("</body>\n\n</html>", f"{names}{WALK}</body></html>")
    )
    profile = tmp_path_factory.mktemp("chromium")
    options = [*QUIET, f"--user-data-dir={profile}", "--virtual-time-budget=60000", "--dump-dom"]
    command = [BROWSER, *options, walked.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    found = re.search(r'<pre id="seen">(.*)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(unescape(found[1]))


def flat(text):
    return " ".join(text.split())


def test_the_report_shows_each_figure_with_its_caption(copy, seen):
    assert "error" not in seen
    for figure in FIGURES:
        shown = seen["figures"][figure]
        assert shown["width"] > 600
        written = (copy.folder / f"results/captions/{figure}.rst").read_text()
        for line in filter(None, written.splitlines()):
            assert re.sub(r"^\*+|\*+$|\\", "", line) in flat(shown["text"]), figure


def test_the_report_has_each_figures_numbers(copy, seen):
    for figure in FIGURES:
        link = seen["numbers"][figure]["link"]
        assert link.startswith("data:text/csv")
        assert f"figures/{figure}.png" in seen["numbers"][figure]["text"]


def test_the_report_says_how_many_runs(copy, seen):
    shown = flat(seen["figures"]["mini"]["text"])
    assert "2 runs a point" in shown
    assert "Study mini: 8 runs on CPU in keras 3." in shown


def test_the_report_has_every_claim_with_its_verdict(repository, seen):
    shown = flat(seen["landing"])
    for claim in report.claims(repository / "README.md"):
        plain = [re.sub(r"\[([^\]]+)\]\([^)]+\)|`", r"\1", part) for part in claim[1:3]]
        assert f"{claim.number} {plain[0]} {plain[1]}" in shown


def test_the_report_is_one_file_that_asks_the_network_for_nothing(page):
    text = re.sub(r"<script>.*?</script>", "", page.read_text(), flags=re.DOTALL)
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]+', text)
