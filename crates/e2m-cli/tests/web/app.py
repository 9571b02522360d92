"""Uses the web app as people do, in a browser without a screen.

Called as `app.py ADDRESS FOLDER BROWSER PICTURES`. FOLDER is what is served: it has `batch.toml` with two pairs that have not been run.
Screenshots go to PICTURES. Ends with an error at the first thing that is not as it should be; errors of scripts and requests to other
hosts are such things.
"""

import glob
import json
import sys
from urllib.parse import urlsplit

import tifffile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

ADDRESS, FOLDER, BROWSER, PICTURES = sys.argv[1:5]
HOST = urlsplit(ADDRESS).netloc
PATIENCE_MS = 120_000

wrong = []


def watch(page):
    """Notes errors of scripts, failed requests and requests to other hosts."""
    page.on("pageerror", lambda error: wrong.append(f"script: {error}"))
    page.on("console", lambda said: said.type == "error" and wrong.append(f"console: {said.text} {said.location}"))

    def asked(request):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != HOST:
            wrong.append(f"another host: {request.url}")

    page.on("request", asked)


def fits(page, what):
    """Nothing is wider than the window, and axe finds nothing."""
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{what} is {wide} px wider than its window"
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
    found = Axe().run(page, options=options).response["violations"]
    lines = [f"{one['id']}: {node['html'][:160]} {node['failureSummary']}" for one in found for node in one["nodes"][:3]]
    assert not lines, what + "\n" + "\n".join(lines)


def picture(page, name):
    page.screenshot(path=f"{PICTURES}/{name}.png")


def choose_and_mistype(page):
    page.get_by_role("link", name="batch.toml").click()
    expect(page.get_by_role("heading", name="batch.toml")).to_be_visible()
    expect(page.get_by_text("fits this machine")).to_be_visible()
    text = page.get_by_label("Text of the file")
    good = text.input_value()
    text.fill(good.replace("pad = 60", "pda = 60"))
    problem = page.locator("#said-of-text .problem")
    expect(problem).to_contain_text("pda")
    expect(problem).to_contain_text("line 4")
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    fits(page, "a batch file with a mistake")
    picture(page, "mistake")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("The text has no problem: 2 tasks")).to_be_visible()
    # A parameter by its field is a line of the text.
    page.get_by_text("Stage 1: ").click()
    pad = page.get_by_label("pad", exact=True)
    pad.fill("64")
    pad.press("Tab")
    expect(text).to_have_value(good.replace("pad = 60", "pad = 64"))
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#said")).to_contain_text("is saved")
    with open(f"{FOLDER}/batch.toml", encoding="utf-8") as file:
        assert "pad = 64" in file.read()


def run_abort_and_run(page, other):
    expect(page.get_by_role("button", name="Run all")).to_be_enabled()
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("button", name="Abort").click()
    ended = page.locator("section[aria-label=Run] h2 .pill")
    expect(ended).to_contain_text("aborted", timeout=PATIENCE_MS)
    # Another browser sees the same, and nothing happens when it goes away.
    other.goto(page.url)
    page.get_by_role("button", name="Run all").click()
    expect(other.locator("#running .pill")).to_contain_text("done", timeout=PATIENCE_MS)
    expect(page.locator("section[aria-label=Run] tbody tr")).to_have_count(2)
    picture(page, "running")
    other.close()
    expect(ended).to_contain_text("complete", timeout=PATIENCE_MS)
    tasks = page.locator("section", has=page.get_by_role("heading", name="Tasks")).locator("tbody tr")
    expect(tasks.filter(has_text="complete")).to_have_count(2)
    fits(page, "a batch that has run")
    picture(page, "batch")


def read_the_task(page):
    page.get_by_role("link", name="a/DAPI").click()
    expect(page.get_by_role("heading", name="Alignment")).to_be_visible()
    page.wait_for_function("[...document.querySelectorAll('.pictures img')].slice(0, 3).every((one) => one.complete && one.naturalWidth > 0)")
    fits(page, "a task")
    picture(page, "task")
    page.get_by_role("link", name="Look at full resolution").click()


def ready(page):
    page.locator(".stage[data-ready=yes]").wait_for()
    page.locator(".loading").wait_for(state="hidden")


def look(page):
    ready(page)
    expect(page.get_by_label("Image", exact=True)).to_have_value("difference")
    picture(page, "difference")
    # The value under the pointer is that of the file.
    box = page.locator(".pane").first.bounding_box()
    page.mouse.move(box["x"] + 0.45 * box["width"], box["y"] + 0.4 * box["height"])
    shown = page.locator(".foot [data-image=post][data-value]")
    shown.wait_for()
    x, y = (int(part.split(" ")[-1]) for part in page.locator(".foot .at").inner_text().split(" (")[0].split(", "))
    for image, name in [("post", "01_padded_post"), ("difference", "04_difference_difference")]:
        (path,) = [one for one in glob.glob(f"{FOLDER}/out/a/DAPI/**/{name}*.tiff", recursive=True) if "percentile" not in one]
        pixel = float(tifffile.imread(path)[y, x])
        value = float(page.locator(f".foot [data-image={image}]").get_attribute("data-value"))
        assert abs(value - pixel) <= 1e-6 * abs(pixel), f"{image} at {x}, {y}: {value} on the page, {pixel} in the file"
    for key, mode in [("2", "beside"), ("3", "swipe"), ("5", "colours"), ("4", "blink")]:
        page.keyboard.press(key)
        page.wait_for_function(f"location.hash.includes('mode={mode}')")
        ready(page)
        expect(page.locator(".pane")).to_have_count(2 if mode == "beside" else 1)
        if mode == "blink":
            label = page.locator(".pane .name")
            expect(label).to_have_text("difference")
            expect(label).to_have_text("aligned pre")
        else:
            picture(page, mode)
    page.keyboard.press("1")


def judge_and_reload(page):
    ready(page)
    page.keyboard.press("n")
    chosen = page.locator(".chosen h2")
    expect(chosen).to_contain_text("Object")
    page.locator(".chosen img").wait_for()
    page.wait_for_function("document.querySelector('.chosen img').naturalWidth > 300")
    page.keyboard.press("r")
    expect(page.get_by_text("after 1 judgement")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.press("a")
    expect(page.get_by_text("after 2 judgements")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("after 1 judgement")).to_be_visible()
    ready(page)
    page.wait_for_function("location.hash.includes('id=')")
    picture(page, "catalogue")
    fits(page, "the viewer")
    (path,) = glob.glob(f"{FOLDER}/out/a/DAPI/**/05_microbes*_judged.json", recursive=True)
    with open(path, encoding="utf-8") as file:
        assert [one["opinion"] for one in json.load(file)["objects"]] == ["reject"]
    # The address is the view.
    page.wait_for_timeout(600)
    before = page.evaluate("location.hash")
    page.reload()
    ready(page)
    expect(chosen).to_contain_text("Object")
    expect(page.get_by_text("after 1 judgement")).to_be_visible()
    page.wait_for_timeout(600)
    assert page.evaluate("location.hash") == before, (page.evaluate("location.hash"), before)


def everywhere(browser, cookies):
    """All pages in light and dark, on a phone and on a desk."""
    task = "batch=batch.toml&sample=a&dye=DAPI"
    for scheme in ("light", "dark"):
        for width, height in ((1400, 900), (390, 844)):
            context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
            context.add_cookies(cookies)
            page = context.new_page()
            watch(page)
            for name, hash_ in [("batches", ""), ("batch", "batch?batch=batch.toml"), ("task", f"task?{task}"), ("look", f"look?{task}&mode=colours&a=post&b=aligned_pre&objects=1")]:
                page.goto(f"http://{HOST}/#/{hash_}")
                page.reload()
                ready(page) if name == "look" else page.locator("#main h1").wait_for()
                page.wait_for_timeout(400)
                fits(page, f"{name}, {scheme}, {width} px")
                picture(page, f"{name}_{scheme}_{width}")
            context.close()


def main():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.set_default_timeout(30_000)
        expect.set_options(timeout=15_000)
        page, other = context.new_page(), context.new_page()
        watch(page)
        watch(other)
        page.goto(ADDRESS)
        expect(page.get_by_role("heading", name="Batches")).to_be_visible()
        assert "token" not in page.url, page.url
        choose_and_mistype(page)
        run_abort_and_run(page, other)
        read_the_task(page)
        look(page)
        judge_and_reload(page)
        everywhere(browser, context.cookies())
        browser.close()
    assert not wrong, "\n".join(wrong)


main()
