"""The report of the tiny demo, opened in a browser without a network: every page of it shows what it should."""

import importlib
import re
import shutil
from contextlib import contextmanager

import pandas as pd
import pytest

from pipeline.files.records import read_record
from projects import DATASET, change_config, read_config, run_snakemake
from spurious.report.columns import intervals
from spurious.report.crate import METADATA
from spurious.report.headings import OF_TABLE

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium in PATH")

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
MOST = 600_000  # ms: a click on a busy machine may take longer than Playwright's 30 s
expect.set_options(timeout=MOST)
SECOND = "second"  # a dataset beside the demo's: the same images, and one experiment
STAGES = {"Classifiers", "Backworking", "Retraining", "Smoothing", "Provenance"}
SHOWN = "([kind, path]) => document.querySelector(`div.grow ${kind}`)?.src === results[path].data_uri"


@pytest.fixture(scope="module")
def report(finished):
    """The folder whose demo the report is of."""
    assert (finished / "results/demo.html").is_file()
    return finished


@pytest.fixture(scope="module")
def of_two(finished, tmp_path_factory):
    """A folder whose report is of two datasets."""
    folder = shutil.copytree(finished, tmp_path_factory.mktemp("two") / "project")
    images = read_config(folder)["datasets"][DATASET]
    experiment = {"seeds": [0], "classifiers": ["softmax"], "fooling": ["softmax"], "backworking": [], "retraining": []}
    recipes = {"softmax": {"steps": 50, "epochs": None, "learning_rate": 0.05}}
    changes = {
        "datasets": {SECOND: images},
        "experiments": {SECOND: experiment | {"smoothing": [], "override": {"recipes": recipes}}},
        "targets": {"demo": [DATASET, SECOND]},
    }
    change_config(folder, changes)
    run_snakemake(folder, "demo", "--report", "results/demo.html", "--report-after-run", cores=2)
    return folder


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS, timeout=MOST)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, report):
    """The opened report of one dataset."""
    with opened_report(browser, report) as page:
        yield page


@pytest.fixture
def page_of_two(browser, of_two):
    """The opened report of two datasets."""
    with opened_report(browser, of_two) as page:
        yield page


@contextmanager
def opened_report(browser, report):
    """The opened report; at the end nothing may have been asked of the network, nor an error been logged."""
    opened = browser.new_page(viewport={"width": 1400, "height": 900})
    opened.set_default_timeout(MOST)
    requests, problems = [], []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.goto((report / "results/demo.html").as_uri())
    opened.get_by_text("General", exact=True).wait_for()
    yield opened
    opened.close()
    assert requests
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert problems == []


def files_to_show(folder):
    """Every table and figure that a run left: the report has to have them all."""
    results = folder / "results" / DATASET
    paths = [*results.glob("tables/*.html"), *results.glob("figures/*.png")]
    return {path.relative_to(folder).as_posix() for path in paths}


def listed(page):
    """{path: (category, subcategory)} of the report's menu."""
    categories = page.evaluate("categories")
    return {
        path: (category, subcategory)
        for category, inner in categories.items()
        for subcategory, paths in inner.items()
        for path in paths
    }


def words_of(entry):
    """An entry of the menu without its number."""
    number, _, words = entry.partition(" ")
    assert number.strip("\N{FIGURE SPACE}").isdigit()
    return words


def open_list(page, category, subcategory):
    """Click through the menu to the list of a category's results."""
    page.locator("nav ol a").first.click()  # home
    page.locator("nav li a").get_by_text(category, exact=True).click()
    if page.evaluate("category => Object.keys(categories[category]).length", category) > 1:
        page.locator("nav li a").get_by_text(subcategory, exact=True).click()
    page.locator("nav tbody tr").first.wait_for()


def row_of(page, labels):
    """The row of the list that has these labels; the list may be sorted in any way."""
    cells = "row => [...row.querySelectorAll('td')].slice(0, -1).map(cell => cell.innerText).filter(text => text)"
    rows = page.locator("nav tbody tr").all()
    (row,) = [row for row in rows if sorted(row.evaluate(cells)) == sorted(labels.values())]
    return row


BEYOND = """tables => Math.max(...tables.map(table => table.getBoundingClientRect().right))
    - document.documentElement.clientWidth"""  # pixels that have to be scrolled to


def check_table(page, csv):
    """The frame holds every heading, none twice but of what tells rows apart, and a line per row of the table."""
    frame = page.frame_locator("iframe")
    table = pd.read_csv(csv, dtype=str)  # as it stands there: a column may mix 0 and .01
    bounds = {bound for pair in intervals([*table]).values() for bound in pair}  # shown with their number
    columns = [column for column in table if column not in bounds]
    expect(frame.locator("table").last).to_be_attached()
    parts = [part.locator("thead th").all_inner_texts() for part in frame.locator("table").all()]
    repeated = [column for column in columns if all(column in part for part in parts)]
    assert [*parts[0], *(column for part in parts[1:] for column in part[len(repeated) :])] == columns, csv
    if csv.stem in OF_TABLE:
        expect(frame.locator("thead th[title]")).to_have_count(sum(map(len, parts)))
    expect(frame.locator("tbody tr")).to_have_count(len(table) * len(parts))
    assert frame.locator("table").evaluate_all(BEYOND) <= 20, csv
    expect(frame.locator("tbody td").first).to_have_text(table.iloc[0, 0])


def check_provenance(page, path):
    """The frame holds every rule and every input file of the record."""
    frame = page.frame_locator("iframe")
    record = read_record(path)
    assert record["rules"]
    wanted = {row["rule"] for row in record["rules"]} | {file["sha256"] for file in record["inputs"]}
    wanted.add(record["configuration_sha256"])
    for text in wanted:
        expect(frame.locator("td", has_text=text).first).to_be_attached()
    assert wanted <= set(frame.locator("td").all_inner_texts())


def check_image(image):
    """The browser could read it, and it is no empty picture."""
    image.evaluate("image => image.decode()")
    assert min(image.evaluate("image => [image.naturalWidth, image.naturalHeight]")) > 100


def test_report_has_every_table_and_figure(page, report):
    places = listed(page)
    assert places.keys() == files_to_show(report)
    assert {words_of(category) for category, _ in places.values()} >= STAGES
    assert {subcategory for _, subcategory in places.values()} == {DATASET}


def test_every_result_opens_from_the_menu(page, report):
    results = page.evaluate("results")
    for path, (category, subcategory) in listed(page).items():
        open_list(page, category, subcategory)
        row_of(page, results[path]["labels"]).locator("a").first.click()
        kind = "iframe" if path.endswith(".html") else "img"
        page.wait_for_function(SHOWN, arg=[kind, path])
        if words_of(category) == "Provenance":
            check_provenance(page, report / "results" / DATASET / METADATA)
        elif kind == "iframe":
            check_table(page, report / path.replace(".html", ".csv"))
        else:
            check_image(page.locator("div.grow img"))


def test_every_result_has_a_caption(page):
    results = page.evaluate("results")
    assert results
    for path, (category, subcategory) in listed(page).items():
        open_list(page, category, subcategory)
        row_of(page, results[path]["labels"]).locator("a").last.click()
        caption = page.locator("nav li.prose")
        caption.wait_for()
        text = caption.inner_text()
        assert len(text.split()) >= 5, path
        for leftover in ("{{", "}}", "{%", "System Message", "``"):
            assert leftover not in text, path
        assert "undefined" not in page.locator("nav tbody").first.inner_text(), path


def test_the_menu_is_in_the_order_of_the_page_and_names_no_files(page):
    categories = page.locator("nav li a").all_inner_texts()
    shown = [words_of(entry) for entry in categories if entry.strip()[:1].isdigit()]
    assert shown[0] == "Claims and published numbers"
    assert shown[-1] == "Provenance"
    front = [heading for heading in page.locator(".prose h2").all_inner_texts() if heading in shown]
    assert len(front) > 1
    assert front == [entry for entry in shown if entry in front]
    open_list(page, next(entry for entry in categories if "Backworking" in entry), DATASET)
    entries = page.locator("nav tbody tr td:first-child").all_inner_texts()
    assert [entry for entry in entries if "_" in entry or "-" in entry.replace("log-p", "")] == []
    sheet = next(place for place, entry in enumerate(entries) if "strongest image" in entry)
    assert all(sheet < place for place, entry in enumerate(entries) if "images of the search" in entry)


def test_pages_of_tables_have_a_title_and_their_caption(page, report):
    text = (report / f"results/{DATASET}/tables/claims.html").read_text(encoding="utf-8")
    assert "<title>claims and verdicts</title>" in text
    assert '<p class="caption">Every claim of the three write-ups' in text
    for path in (report / f"results/{DATASET}/tables").glob("*.html"):
        page_text = path.read_text(encoding="utf-8")
        assert "{{" not in page_text, path
        assert 'class="caption"' in page_text or path.stem == "provenance"


def test_top_of_a_tall_figure_can_be_seen(page, report):
    """The page centres its content: what is higher than the window may not begin above it, where no scrolling leads."""
    page.set_viewport_size({"width": 1200, "height": 300})
    results = page.evaluate("results")
    for path in sorted(files_to_show(report)):
        if path.endswith(".png"):
            open_list(page, *listed(page)[path])
            row_of(page, results[path]["labels"]).locator("a").first.click()
            page.wait_for_function(SHOWN, arg=["img", path])
            image = page.locator("div.grow img")
            image.evaluate("image => image.decode()")
            assert image.bounding_box()["y"] >= 0, path


def test_labels_tell_the_results_apart(page):
    results = page.evaluate("results")
    places = [(*place, *sorted(results[path]["labels"].items())) for path, place in listed(page).items()]
    assert len(set(places)) == len(places)


def test_figures_are_those_of_the_run(page, report):
    """What is embedded is the file, not an older one."""
    results = page.evaluate("results")
    sizes = page.evaluate(
        "paths => Promise.all(paths.map(path =>"
        " fetch(results[path].data_uri).then(answer => answer.arrayBuffer()).then(data => data.byteLength)))",
        list(results),
    )
    assert dict(zip(results, sizes, strict=True)) == {path: (report / path).stat().st_size for path in results}


def test_front_page_has_text_and_a_picture(page):
    front = page.locator("div.prose").first
    front.wait_for()
    text = front.inner_text()
    assert "spurious" in text
    assert DATASET in text
    assert len(text.split()) > 40
    for leftover in ("{{", "}}", "{%", "System Message"):
        assert leftover not in text
    assert not {"nan", "None"} & set(re.findall(r"\w+", text))
    check_image(front.locator("img").first)


def test_workflow_page_draws_the_rules(page):
    page.locator("nav li a").get_by_text("Workflow", exact=True).click()
    page.locator("canvas, svg.marks").first.wait_for()


def test_search_finds_results(page, report):
    path = sorted(files_to_show(report))[0]
    page.get_by_placeholder("Search...").fill(page.evaluate("path => results[path].name", path))
    page.get_by_placeholder("Search...").press("Enter")
    page.get_by_text("Search results").wait_for()
    assert page.locator("nav tbody tr").count() >= 1


def test_every_claim_opens_the_table_of_its_number(page, report):
    claims = pd.read_csv(report / f"results/{DATASET}/tables/claims.csv")
    run = claims[claims["verdict"] != "not run"]
    cells = page.locator(".claims td")
    expect(cells).to_have_count(len(claims))
    assert [text.split()[0] for text in cells.all_inner_texts()] == [
        verdict.split()[0] for verdict in claims["verdict"]
    ]
    for place, table in enumerate(run["table"]):
        page.locator("nav li a").get_by_text("Workflow", exact=True).click()
        page.locator(".claims td:not(.not-run) b a").nth(place).click()
        page.wait_for_function(SHOWN, arg=["iframe", f"results/{DATASET}/tables/{table}.html"])
        page.locator("nav li.prose").wait_for()
        check_origin(page.frame_locator("iframe"), report)
        page.locator("nav ol a").first.click()


def check_origin(frame, folder):
    """The page of a table names a function that there is, and files that the run left."""
    function, *files = frame.locator(".origin code").all_inner_texts()
    module, _, name = function.partition(":")
    assert callable(getattr(importlib.import_module(module), name))
    assert [path for path in files if path.startswith("results/") and not (folder / path).exists()] == []


def test_every_number_and_not_run_opens_what_was_measured_and_by_which_rule(page, report):
    claims = pd.read_csv(report / f"results/{DATASET}/tables/claims.csv")
    links = page.locator(".claims td span a, .claims .not-run b a")
    expect(links).to_have_count(len(claims))
    for place in range(len(claims)):
        page.locator("nav li a").get_by_text("Workflow", exact=True).click()
        links.nth(place).click()
        page.wait_for_function(SHOWN, arg=["iframe", f"results/{DATASET}/tables/claims.html"])
        shown = page.frame_locator("iframe").locator("tbody td:last-child")
        expect(shown).to_have_text([*claims["rule"]])
        page.locator("nav ol a").first.click()
    for rule in claims["rule"]:
        module, _, name = rule.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


OUTSIDE = """() => {
    const content = document.querySelector('div.grow.h-screen'), right = content.getBoundingClientRect().right
    const shown = [...content.querySelectorAll('.prose *')].filter(element => element.getClientRects().length)
    const beyond = shown.filter(element => element.getBoundingClientRect().right > right + 1)
    const cut = [...content.querySelectorAll('.claims, .claims td, .claims th, .picture')]
        .filter(element => element.scrollWidth > element.clientWidth + 1)
    return [...beyond, ...cut].map(element => element.outerHTML.slice(0, 80))
}"""
OVERLAPPING = """() => {
    const blocks = [...document.querySelectorAll(
        '.prose h1, .prose h2, .prose h3, .prose p, .front .picture, .front .claims, .prose .experiment, #rulegraph')]
        .filter(block => !block.closest('.front') || block.matches('.picture, .claims'))
        .map(block => [block.outerHTML.slice(0, 60), block.getBoundingClientRect()])
    const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1
    return blocks.flatMap(([name, a], place) =>
        blocks.slice(place + 1).filter(([, b]) => meet(a, b)).map(([other]) => [name, other]))
}"""


@pytest.mark.parametrize("width", [1400, 800])
def test_nothing_on_the_front_page_is_cut_off_or_overlaps(page, width, tmp_path):
    check_front(page, width, tmp_path)


@pytest.mark.parametrize("width", [1400, 800])
def test_the_front_page_has_a_column_for_each_of_two_datasets(page_of_two, of_two, width, tmp_path):
    check_front(page_of_two, width, tmp_path)
    heads = page_of_two.locator(".claims thead th").all_inner_texts()
    assert sorted(heads[1:]) == sorted([DATASET, SECOND])
    claims = pd.read_csv(of_two / f"results/{SECOND}/tables/claims.csv")
    column = 1 + heads.index(SECOND)
    shown = page_of_two.locator(f".claims td:nth-child({column}) b").all_inner_texts()
    assert shown == [*claims["verdict"]]
    assert claims["verdict"].ne("not run").any()


def check_front(page, width, folder):
    """Nothing of the front page at this width is cut off or lies over another part; its picture is in `folder`."""
    page.set_viewport_size({"width": width, "height": 900})
    page.locator(".front img").evaluate("image => image.decode()")
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPPING) == []
    assert page.locator("div.prose h1").first.bounding_box()["y"] >= 0
    if width == 1400:  # the sentences, the picture and the claims are one screen
        box = page.locator(".front").bounding_box()
        assert box["y"] + box["height"] <= 900
    page.screenshot(path=folder / f"front-{width}.png")
    assert (folder / f"front-{width}.png").stat().st_size > 20_000


BESIDE = """() => {
    const content = document.querySelector('div.grow').getBoundingClientRect()
    const menu = document.querySelector('nav').getBoundingClientRect()
    const cells = [...document.querySelectorAll('nav tbody td')].filter(cell => cell.getClientRects().length)
    const beyond = cells.filter(cell => cell.getBoundingClientRect().right > menu.right + 1).map(cell => cell.innerText)
    const shown = [...document.querySelectorAll('div.grow iframe, div.grow img')].map(it => it.getBoundingClientRect())
    return {beyond, meet: menu.right > content.left + 1 && menu.bottom > content.top + 1,
            wide: shown.some(box => box.right > window.innerWidth + 1), room: Math.min(...shown.map(box => box.width))}
}"""


@pytest.mark.parametrize("width", [1400, 800])
def test_no_category_page_is_cut_off_or_overlaps(page_of_two, width, tmp_path):
    """The list of its results beside the first of them, in whichever of the two datasets."""
    page_of_two.set_viewport_size({"width": width, "height": 900})
    for category, subcategory in sorted({*listed(page_of_two).values()}):
        open_list(page_of_two, category, subcategory)
        page_of_two.locator("nav tbody tr a").first.click()
        page_of_two.locator("div.grow iframe, div.grow img").first.wait_for()
        page_of_two.screenshot(path=tmp_path / f"{category}-{subcategory}-{width}.png")
        found = page_of_two.evaluate(BESIDE)
        assert (found["beyond"], found["meet"], found["wide"]) == ([], False, False), category
        assert found["room"] > 300, (category, found)


def test_a_page_that_is_cut_off_or_overlaps_would_be_noticed(page):
    """The negative case: an element that is too wide, and one that is moved over another."""
    page.locator(".front img").evaluate("image => image.decode()")
    page.evaluate("document.querySelector('.claims table').style.width = '3000px'")
    assert page.evaluate(OUTSIDE) != []
    page.evaluate("document.querySelector('.prose h2').style.marginTop = '-200px'")
    assert page.evaluate(OVERLAPPING) != []
