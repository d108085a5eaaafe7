"""Study files, carried out as a user does: the folder, the page, resuming, refusals."""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import cgcopt as cg
from cgcopt.cli.app import app
from cgcopt.study.show.page import Section, page
from cgcopt.study.study_file import study_from_dict

STUDY = """
title = "A <b>study</b> & more"
instance = "base.toml"
solvers = ["optimal", "closed-form-time", "uncoded"]

[options]
time_limit = 20.0

[sweep]
workers = [3, 4]
rate = {from = 1e-3, to = 1e-2, count = 2, scale = "log"}

[table]
columns = ["workers", "rate", "solver", "value", "gap"]
label = "tab:mine"

[samples]
scenarios = [5, 10]
replications = 2
"""
TIMES = cg.ShiftedExponential(rate=1e-3, shift=50.0)
BASE = cg.Problem(cg.System(4, 100, TIMES), cg.ExpectedRuntime())
#: Elements without an end.
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """What a page holds, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def carried_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "base.toml").write_text(cg.instance_text(BASE))
    (folder / "study.toml").write_text(STUDY)
    save = Figure.savefig

    def few_renderings(figure: Figure, path: str | Path, **how: Any) -> None:
        """All pictures of the page, and one picture in every format."""
        if ".png" in Path(path).name or "profile" in Path(path).name:
            save(figure, path, **how)
        else:
            Path(path).touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", few_renderings)
        result = CliRunner().invoke(
            app, ["study", str(folder / "study.toml"), "--out", str(folder / "out")]
        )
    assert result.exit_code == 0, result.output
    assert "all instances" in result.output
    return folder / "out"


def test_the_folder_holds_tables_and_pictures(carried_out: Path) -> None:
    names = {path.name for path in carried_out.iterdir()}
    pictures = {
        f"{name}.{end}"
        for name in ("sweep_workers", "sweep_rate", "profile", "samples_base")
        for end in ("png", "pdf", "svg")
    }
    tables = {
        "results.csv",
        "partitions.csv",
        "table.csv",
        "table.md",
        "table.tex",
        "summary.csv",
        "summary.tex",
        "profile_seconds.csv",
        "profile_value.csv",
        "study.md",
        "report.html",
    }
    assert pictures | tables | {"results.sqlite"} <= names
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
    for end, start in starts.items():
        assert (carried_out / f"profile.{end}").read_bytes().startswith(start)
    frame = pd.read_csv(carried_out / "results.csv")
    assert len(frame) == 2 * 2 * 3
    for line in frame.to_dict(orient="records"):
        times = cg.ShiftedExponential(rate=line["rate"], shift=50.0)
        problem = cg.Problem(cg.System(line["workers"], 100, times), cg.ExpectedRuntime())
        found = cg.solve(problem, line["solver"]).value
        assert line["value"] == pytest.approx(found, rel=1e-6)


def test_latex_is_that_of_a_paper(carried_out: Path) -> None:
    text = (carried_out / "table.tex").read_text()
    for part in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:mine}", r"\& more}"):
        assert part in text
    assert "workers & rate & solver & value & gap" in text


def test_the_page_stands_alone_and_is_escaped(carried_out: Path) -> None:
    text = (carried_out / "report.html").read_text(encoding="utf-8")
    found = Page(text)
    assert found.open == []
    assert "A <b>study</b> & more" in found.texts
    assert not found.all("b")
    pictures = [str(attributes["src"]) for attributes in found.all("img")]
    assert len(pictures) == 4
    assert all(source.startswith("data:image/png;base64,iVBORw0KGgo") for source in pictures)
    assert not found.all("link")
    assert all("src" not in attributes for attributes in found.all("script"))
    assert "http" not in text
    told = " ".join(found.texts)
    for part in (
        "Known limitations",
        "Settings",
        "Versions and hardware",
        "How to read",
        "highspy",
    ):
        assert part in told
    cells = [a["data-number"] for a in found.all("td") if "data-number" in a]
    frame = pd.read_csv(carried_out / "results.csv")
    assert {f"{value!r}" for value in frame["value"].tolist()} <= set(cells)


BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
#: No window, and no request to anybody.
HEADLESS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Faults of scripts and forbidden requests become marks that a dump shows.
WATCH = """<script>
const note = text => document.documentElement.setAttribute("data-fault", text);
addEventListener("error", event => note(event.message || event.target.src), true);
addEventListener("unhandledrejection", event => note(String(event.reason)));
addEventListener("securitypolicyviolation", event => note(event.blockedURI));
console.error = console.warn = note;
</script>"""
#: Nothing but what stands in the page may be loaded.
ALONE = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
)


def browse(path: Path, *arguments: str) -> str:
    call = [BROWSER, *HEADLESS, f"--user-data-dir={path.parent / 'user'}"]
    call += ["--virtual-time-budget=3000", *arguments, path.as_uri()]
    return subprocess.run(call, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.mark.skipif(not BROWSER, reason="no Chromium")
def test_a_browser_opens_the_page_and_sorts_it(carried_out: Path, tmp_path: Path) -> None:
    text = (carried_out / "report.html").read_text(encoding="utf-8")
    click = "<script>document.querySelectorAll('table.sortable th')[3].click()</script></body>"
    opened = text.replace("<head>", f"<head>{ALONE}{WATCH}").replace("</body>", click)
    (tmp_path / "page.html").write_text(opened, encoding="utf-8")
    dumped = browse(tmp_path / "page.html", "--dump-dom")
    found = Page(dumped)
    assert "data-fault" not in dict(found.elements)["html"]
    assert [a["aria-sort"] for a in found.all("th") if "aria-sort" in a] == ["ascending"]
    rows = dumped.split("<tbody>")[1].split("</tbody>")[0].split("<tr>")[1:]
    values = [float(row.split('data-number="')[3].split('"')[0]) for row in rows]
    assert values == sorted(values)


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no Chromium")
def test_a_browser_shows_the_page(carried_out: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    shutil.copy(carried_out / "report.html", tmp_path / "page.html")
    browse(
        tmp_path / "page.html", f"--screenshot={tmp_path / 'page.png'}", "--window-size=1000,1400"
    )
    with image.open(tmp_path / "page.png") as shown:
        # Letters and curves: dark pixels in every third of the page, which is white elsewhere.
        grey = shown.convert("L")
        for top in range(0, 1400, 500):
            counts = grey.crop((0, top, 1000, min(top + 500, grey.height))).histogram()
            assert sum(counts[:128]) > 500
            assert sum(counts[240:]) > sum(counts[:128])


def test_shares_are_sorted_as_numbers_and_words_begin_at_the_left() -> None:
    table = pd.DataFrame({"solver": ["a", "b"], "gap": ["4.1e-07", "5.00 %"], "s": ["", "2"]})
    text = page("t", [Section("All", ["a `gap`"], table)])
    assert 'data-number="0.05">5.00 %<' in text
    assert "<code>gap</code>" in text
    found = Page(text)
    assert [a.get("class") for a in found.all("th")] == ["text", None, None]
    assert [a.get("class") for a in found.all("td")] == ["text", None, None] * 2


def test_a_study_goes_on_where_it_was(
    carried_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # pictures are not the point
    copied = shutil.copytree(carried_out.parent, tmp_path / "copied")
    before = pd.read_csv(copied / "out" / "results.csv")["computed"]
    arguments = [
        "study",
        str(copied / "study.toml"),
        "--out",
        str(copied / "out"),
        "--json",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    assert (pd.read_csv(copied / "out" / "results.csv")["computed"] == before).all()


def test_names_of_the_library_and_several_grids() -> None:
    study = study_from_dict(
        {
            "instance": ["runtime-pareto-n10", "paper"],
            "sweep": [{"workers": [3]}, {"coordinates": {"from": 10, "to": 30, "step": 10}}],
            "seeds": 2,
        }
    )
    assert len(study.points) == 2 * (1 + 3)
    assert study.seeds == (0, 1)
    assert {point.base for point in study.points} == {"runtime-pareto-n10", "paper"}
    assert len({point.problem.title for point in study.points}) == 8


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({}, "instance"),
        ({"instance": "papr"}, "did you mean 'paper'"),
        ({"instance": []}, "at least one"),
        ({"instance": "paper", "sweeps": {}}, "did you mean 'sweep'"),
        ({"instance": "paper", "solvers": ["optimum"]}, "optim"),
        ({"instance": "paper", "sweep": {"worker": [1]}}, "did you mean 'workers'"),
        ({"instance": "paper", "sweep": 3}, "table"),
        ({"instance": "paper", "options": {"seed": 3}}, r"options\.seed"),
        ({"instance": "paper", "table": {"columns": "value"}}, "columns"),
        ({"instance": "paper", "samples": {"replications": 3}}, r"samples\.scenarios"),
        ({"instance": "paper", "seeds": "all"}, "seeds"),
    ],
)
def test_what_a_study_cannot_be(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(cg.InvalidInputError, match=reason) as error:
        study_from_dict(table)
    assert "\n" not in str(error.value)


def test_names_cannot_leave_their_cells() -> None:
    hostile = '"><script>alert(1)</script>\udcff'
    name = hostile.removesuffix("\udcff")  # frames hold names that came through the door
    table = pd.DataFrame({name: [name, "2.5"]})
    found = Page(page(hostile, [Section(hostile, [hostile], table, facts={hostile: hostile})]))
    assert found.open == []
    assert len(found.all("script")) == 1
    page(hostile, []).encode("utf-8")
