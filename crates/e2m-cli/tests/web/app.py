"""Drives the web app in a browser, as a person would, and compares what it shows with the files.

app.py CHROMIUM ADDRESS FOLDER [PICTURES]: FOLDER holds batch.toml with the tasks a/DAPI and b/DAPI, and nothing was run yet. Every
error of a script, every request that fails and every request to another host is a failure.
"""

import re
import sys
from pathlib import Path

import numpy as np
import tifffile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

BROWSER, ADDRESS, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
PICTURES = Path(sys.argv[4]) if len(sys.argv) > 4 else None
HOST = re.match(r"http://[^/]+", ADDRESS).group(0)
#: What a batch of two small tasks takes on a slow machine.
PATIENCE_MS = 120_000

problems = []


def watch(page):
    """Notes what goes wrong on a page."""
    page.on("pageerror", lambda error: problems.append(f"script error: {error}"))

    def said(message):
        # A refusal that the page expects is an error of the network to the console as well.
        if message.type == "error" and "Failed to load resource" not in message.text:
            problems.append(f"console: {message.text}")

    page.on("console", said)

    def asked(request):
        if not request.url.startswith((HOST, "data:", "blob:")):
            problems.append(f"request to another host: {request.url}")

    page.on("request", asked)

    def answered(response):
        if response.status >= 400:
            problems.append(f"{response.status} {response.url}")

    page.on("response", answered)


def accessible(page, what):
    """Holds a page against WCAG 2 A and AA."""
    options = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}}
    # The policy of the page forbids scripts that are put into it; the tool comes by another door.
    found = Axe().run(page, options=options).response["violations"]
    for one in found:
        nodes = "; ".join(node["html"][:120] for node in one["nodes"][:3])
        problems.append(f"{what}: {one['id']} ({one['impact']}): {nodes}")


def picture(page, name):
    if PICTURES:
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{name}.png")


def ok(condition, what):
    if not condition:
        problems.append(what)


def batch_page(page):
    page.get_by_role("link", name="batch.toml", exact=True).click()
    page.get_by_role("heading", name="batch.toml", exact=True).wait_for()
    page.get_by_text("fits this machine").wait_for()


def mistyped(page):
    """A typo is told as on the command line, and cannot be saved; taken back, all is well."""
    area = page.locator("#text")
    text = area.input_value()
    area.fill(text.replace("output_dir", "output_dri"))
    page.get_by_text("output_dri").last.wait_for()
    page.locator("#said-of-text pre.problem").wait_for()
    ok("output_dir" in page.locator("#said-of-text").inner_text(), "the hint names the key that was meant")
    ok(page.get_by_role("button", name="Save", exact=True).is_disabled(), "a wrong file can be saved")
    picture(page, "mistyped")
    page.get_by_role("button", name="Take back").click()
    page.get_by_text("The text has no problem: 2 tasks").wait_for()
    # A parameter is written into the text, saved, and is in the file.
    page.get_by_text(re.compile("^Stage 5: ")).click()
    field = page.locator("#param-detect_sigma")
    field.fill("4.5")
    field.press("Enter")
    page.wait_for_function("document.querySelector('#text').value.includes('detect_sigma = 4.5')")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("batch.toml is saved.").wait_for()
    ok("detect_sigma = 4.5" in (FOLDER / "batch.toml").read_text(), "the saved value is not in the file")
    page.get_by_text("fits this machine").wait_for()


def ended(page):
    """Waits for the end of a run that was just begun."""
    abort = page.get_by_role("button", name="Abort")
    abort.wait_for()
    abort.wait_for(state="hidden", timeout=PATIENCE_MS)
    page.get_by_text("the run has ended: complete").wait_for()


def run_one(page):
    """Only what is ticked is run."""
    page.get_by_label("run b/DAPI").uncheck()
    page.get_by_role("button", name="Run 1 chosen").click()
    ended(page)
    ok((FOLDER / "out/a/DAPI").is_dir() and not (FOLDER / "out/b/DAPI").is_dir(), "not what was ticked was run")
    picture(page, "ran")


def abort_and_resume(page):
    """An aborted run leaves what is finished, and the next one completes the rest."""
    page.reload()
    page.get_by_text("fits this machine").wait_for()
    ok(page.get_by_label("run b/DAPI").is_checked(), "a reloaded page does not choose all tasks")
    page.get_by_role("button", name="Run all").click()
    page.get_by_role("button", name="Abort").click()
    page.get_by_text("aborted; what was finished stays").wait_for(timeout=PATIENCE_MS)
    ok(list((FOLDER / "out/a/DAPI/tiff").glob("04_difference_difference*.tiff")), "the abort took what was finished")
    page.get_by_role("button", name="Run all").click()
    ended(page)
    ok(list((FOLDER / "out/b/DAPI/tiff").glob("04_difference_difference*.tiff")), "the rest was not done")


def watched(page, browser):
    """Another browser sees the same; closing it stops nothing."""
    other = browser.new_context().new_page()
    watch(other)
    other.goto(ADDRESS)
    other.get_by_role("link", name="batch.toml", exact=True).wait_for()
    other.context.close()


def look(page):
    page.locator("table.stack tr", has_text="a/DAPI").get_by_role("link", name="Look").click()
    stage = page.locator(".stage[data-ready=yes]")
    stage.wait_for()
    folder = FOLDER / "out/a/DAPI/tiff"
    files = {name: next(folder.glob(f"{stem}*.tiff")) for name, stem in [("post", "01_padded_post"), ("difference", "04_difference_difference")]}
    arrays = {name: tifffile.imread(path) for name, path in files.items()}
    # A pixel is put into the middle by the address, magnified 8 times, and the pointer over it.
    height, width = arrays["post"].shape
    x, y = int(0.47 * width), int(0.52 * height)
    base = page.url.split("#")[0]
    hash_ = page.url.split("#")[1].split("?")[0]
    query = f"batch=batch.toml&sample=a&dye=DAPI&mode=single&a=post&x={x + 0.5}&y={y + 0.5}&z=8"
    page.goto("about:blank")
    page.goto(f"{base}#{hash_}?{query}")
    stage.wait_for()
    page.locator(".loading").wait_for(state="hidden")
    box = page.locator(".panes").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".foot [data-image=post][data-value]").wait_for()
    place = page.locator(".foot .at").inner_text()
    found = re.match(r"x (\d+), y (\d+)", place)
    ok(found and abs(int(found[1]) - x) <= 1 and abs(int(found[2]) - y) <= 1, f"the middle is {x}, {y}, the line says {place}")
    if found:
        for name, array in arrays.items():
            shown = float(page.locator(f".foot [data-image={name}]").get_attribute("data-value"))
            wanted = float(array[int(found[2]), int(found[1])])
            ok(np.isclose(shown, wanted, rtol=1e-5, atol=1e-4), f"{name} at {place} is {wanted}, the line says {shown}")
    for key, mode in [("2", "beside"), ("3", "swipe"), ("4", "blink"), ("5", "colours"), ("1", "single")]:
        page.keyboard.press(key)
        page.wait_for_timeout(500)
        page.locator(".loading").wait_for(state="hidden")
        ok(f"mode={mode}" in page.url, f"key {key} does not show {mode}: {page.url}")
        picture(page, f"look_{mode}")
    accessible(page, "a look")


def curate(page):
    """An object is rejected, the count follows, a reload keeps it, and undo takes it back."""
    page.keyboard.press("h")
    page.keyboard.press("n")
    page.locator(".chosen img").wait_for()
    page.wait_for_function("document.querySelector('.chosen img').complete && document.querySelector('.chosen img').naturalWidth > 0")
    page.keyboard.press("r")
    page.get_by_text("after 1 judgement").wait_for()
    judged = next((FOLDER / "out/a/DAPI").rglob("*judged*.json"))
    ok("reject" in judged.read_text(), "the judgement is not in its file")
    picture(page, "curate")
    page.reload()
    page.locator(".stage[data-ready=yes]").wait_for()
    page.get_by_text("after 1 judgement").wait_for()
    page.keyboard.press("n")
    page.locator(".chosen").wait_for()
    page.get_by_role("button", name=re.compile("Reject")).click()
    page.get_by_text("after 1 judgement").wait_for(state="hidden")


def main():
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        # The accessibility tool is put into the page, which the page's own policy forbids to everybody else.
        context = browser.new_context(viewport={"width": 1400, "height": 900}, bypass_csp=True)
        page = context.new_page()
        page.set_default_timeout(60_000)
        watch(page)
        try:
            tour(page, browser)
        except Exception as error:
            problems.append(f"{error}\nthe page says:\n{page.locator('body').inner_text()}")
            picture(page, "stopped")
        browser.close()
    if problems:
        print("\n".join(problems))
        sys.exit(1)
    print("the app does what it says")


def tour(page, browser):
    page.goto(ADDRESS)
    page.get_by_role("heading", name="Batches").wait_for()
    accessible(page, "the batches")
    batch_page(page)
    mistyped(page)
    accessible(page, "a batch")
    run_one(page)
    abort_and_resume(page)
    watched(page, browser)
    # The page names its columns to whoever watches on a phone.
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    wide = page.evaluate("document.documentElement.scrollWidth")
    ok(wide <= 390, f"at 390 px the page is {wide} px wide")
    picture(page, "phone")
    page.set_viewport_size({"width": 1400, "height": 900})
    look(page)
    curate(page)
    # The policy of the page holds without the tool's door.
    strict = browser.new_context(viewport={"width": 1400, "height": 900}, color_scheme="dark").new_page()
    watch(strict)
    strict.goto(ADDRESS)
    strict.get_by_role("link", name="batch.toml", exact=True).click()
    strict.get_by_text("fits this machine").wait_for()
    strict.get_by_role("link", name="Look").first.click()
    strict.locator(".stage[data-ready=yes]").wait_for()
    strict.locator(".loading").wait_for(state="hidden")
    picture(strict, "dark")
    strict.context.close()


main()
