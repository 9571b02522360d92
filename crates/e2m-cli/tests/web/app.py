"""Drives the web app in a browser, as a person would, and compares what it shows with the files.

app.py CHROMIUM ADDRESS FOLDER E2M [PICTURES]: FOLDER holds batch.toml with the tasks a/DAPI and b/DAPI, and nothing was run yet. E2M is
the program, which makes the variants. Every error of a script, every request that fails and every request to another host is a failure.
PICTURES gets a WebP of every page, those of docs/web.md among them.
"""

import base64
import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

BROWSER, ADDRESS, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
E2M = sys.argv[4]
PICTURES = Path(sys.argv[5]) if len(sys.argv) > 5 else None
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
    for width, height in [(390, 844), (1400, 900)]:
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ["dark", "light"]:
            page.emulate_media(color_scheme=scheme)
            # The policy of the page forbids scripts that are put into it; the tool comes by another door.
            found = Axe().run(page, options=options).response["violations"]
            for one in found:
                nodes = "; ".join(node["html"][:120] for node in one["nodes"][:3])
                problems.append(f"{what}, {width} px, {scheme}: {one['id']} ({one['impact']}): {nodes}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        ok(wide <= width, f"{what}: at {width} px the page is {wide} px wide")
        picture(page, f"{what.replace(' ', '_')}_{width}")


def picture(page, name, target=None):
    """What is seen, as a WebP, which is small; the browser makes it."""
    if not PICTURES:
        return
    PICTURES.mkdir(exist_ok=True)
    # The folder of the test is nobody's.
    page.evaluate("for (const one of document.querySelectorAll('.folder bdi')) one.textContent = 'rocks'")
    png = base64.b64encode((target or page).screenshot()).decode()
    blank = page.context.browser.new_page()
    webp = blank.evaluate(
        """async (png) => {
          const image = new Image();
          image.src = `data:image/png;base64,${png}`;
          await image.decode();
          const canvas = new OffscreenCanvas(image.width, image.height);
          canvas.getContext("2d").drawImage(image, 0, 0);
          const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.82 });
          const bytes = new Uint8Array(await blob.arrayBuffer());
          return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        }""",
        png,
    )
    blank.close()
    (PICTURES / f"{name}.webp").write_bytes(base64.b64decode(webp))


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


def chosen(page):
    """Raw images are shown with what their headers say, and a folder is chosen from those below the one that is served."""
    page.locator("summary", has_text="Raw images").click()
    for stain in ["post", "pre"]:
        page.locator(f"img[alt='{stain} of a/DAPI']").scroll_into_view_if_needed()
        page.wait_for_function("(name) => document.querySelector(`img[alt='${name} of a/DAPI']`).naturalWidth > 100", arg=stain)
    told = page.locator("section.raw").first.inner_text()
    ok(re.search(r"\d+ x \d+ px", told) and re.search(r"(8|16) bit", told), f"a raw image is told as: {told}")
    picture(page, "raw_images")
    page.get_by_role("button", name="Folder of raw images").click()
    dialog = page.locator("dialog.picker")
    dialog.get_by_role("button", name=re.compile("^▸ raw")).click()
    dialog.get_by_role("button", name=re.compile("^▸ a")).wait_for()
    accessible(page, "the folders")
    dialog.get_by_role("button", name="Choose this folder").click()
    page.wait_for_function("/raw_dir = \"raw\"/.test(document.querySelector('#text').value)")


def judged_task(page):
    """A task is rejected by a key, which the table of the batch says; undo takes it back."""
    page.locator("table.stack tr", has_text="b/DAPI").get_by_role("link", name="b/DAPI").click()
    page.get_by_role("heading", name="Judgement").wait_for()

    def row():
        with open(FOLDER / "out/microbes.csv", newline="") as file:
            return next(row for row in csv.DictReader(file) if row["sample"] == "b")

    before = row()
    page.keyboard.press("r")
    page.get_by_text("rejected by hand").wait_for()
    ok(row()["judgement"] == "reject" and row()["microbes_curated"] == "", f"the table says {row()}")
    accessible(page, "a task")
    page.keyboard.press("u")
    page.get_by_text("rejected by hand").wait_for(state="hidden")
    ok(row() == before, f"after undo the table says {row()}, not {before}")
    page.go_back()
    page.get_by_text("fits this machine").wait_for()


def overlays(page):
    """Outline and shifts are switched by keys, are in the address, and are drawn."""
    ink = "() => { const c = document.querySelector('canvas.over'); const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }"
    page.keyboard.press("h")
    page.wait_for_timeout(600)
    before = page.evaluate(ink)
    for key, name in [("l", "outline"), ("t", "arrows")]:
        page.keyboard.press(key)
        page.wait_for_function("(name) => location.href.includes(name)", arg=name)
        after = page.evaluate(ink)
        ok(after > before + 200, f"{name}: {before} px are drawn without and {after} with it")
        before = after
    picture(page, "look_overlays")
    page.keyboard.press("l")
    page.keyboard.press("t")


def variants(page):
    """Two variants of a comparison next to each other, each with its own objects."""
    base = page.url.split("#")[0]
    arguments = [E2M, "compare", "batch.toml", "--param", "detect_sigma", "--values", "6,12", "--samples", "a"]
    done = subprocess.run(arguments, cwd=FOLDER, capture_output=True, text=True)
    ok(done.returncode == 0, f"e2m compare: {done.stdout}{done.stderr}")
    page.goto(f"{base}#/compare?batch=batch.toml&sample=a&dye=DAPI")
    page.get_by_role("heading", name="Variants").wait_for()
    page.get_by_text("detect_sigma = 12").first.wait_for()
    accessible(page, "variants")
    page.get_by_role("radio", name=re.compile(r"detect_sigma = 6 as the first")).check()
    page.get_by_role("radio", name=re.compile(r"detect_sigma = 12 as the second")).check()
    page.get_by_role("link", name="Look at both").click()
    page.locator(".stage[data-ready=yes]").wait_for()
    page.locator(".loading").wait_for(state="hidden")
    labels = page.locator(".pane .name").all_inner_texts()
    ok(len(labels) == 2 and "= 6" in labels[0] and "= 12" in labels[1], f"the panes are named {labels}")
    picture(page, "look_variants")
    # Both of them are saved, each under its name.
    page.keyboard.press("n")
    page.wait_for_timeout(800)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save PNG").click()
    saved = Path(download.value.path()).read_bytes()
    wide, high = (int.from_bytes(saved[at:at + 4], "big") for at in (16, 20))
    asked = download.value.url
    one = int(re.search(r"[?&]width=(\d+)", asked).group(1))
    ok("with=" in asked and "with_images=difference" in asked and wide > 2 * one and high > 200, f"{asked} is saved in {wide} x {high} px")
    if PICTURES:
        (PICTURES / "saved_variants.png").write_bytes(saved)


#: How many objects are drawn while the image is moved.
MANY = 10_000


def many_objects(page):
    """The rings of many objects are drawn while the image is moved; how long that takes is measured."""
    page.goto("about:blank")

    def catalogue(route):
        # Those of the task, many times over, all over the canvas.
        columns = route.fetch().json()["columns"]
        view = page.request.get(f"{HOST}/api/view?batch=batch.toml&sample=a&dye=DAPI").json()
        random = np.random.default_rng(1)
        many = {name: [column[i % len(column)] for i in range(MANY)] for name, column in columns.items()}
        many["id"] = list(range(1, MANY + 1))
        many["flags"] = [""] * MANY
        many["x_px"] = random.uniform(0, view["width"], MANY).round(1).tolist()
        many["y_px"] = random.uniform(0, view["height"], MANY).round(1).tolist()
        route.fulfill(status=200, content_type="application/json", body=json.dumps({"notes": [], "columns": many}))

    page.route("**/api/catalogue?*", catalogue)
    page.goto(f"{HOST}/#/look?batch=batch.toml&sample=a&dye=DAPI&mode=single&a=post&objects=1")
    page.locator(".stage[data-ready=yes]").wait_for()
    page.locator(".loading").wait_for(state="hidden")
    page.get_by_text(f"{MANY} of {MANY} objects").wait_for()
    # The pointer moves at 60 times a second; a frame of the browser comes when it has drawn what lies over the image and laid it over the image.
    page.evaluate(
        """() => {
          const own = CanvasRenderingContext2D.prototype;
          const clear = own.clearRect;
          const fill = own.fillText;
          window.drawn = [];
          window.frames = [];
          // The first and the last of what is drawn over the image: the scale bar comes last.
          own.clearRect = function (...where) { this.began = performance.now(); clear.apply(this, where); };
          own.fillText = function (...what) { fill.apply(this, what); if (this.began) drawn.push(performance.now() - this.began); this.began = 0; };
          let last = performance.now();
          const tick = (now) => {
            frames.push(now - last);
            last = now;
            requestAnimationFrame(tick);
          };
          requestAnimationFrame(tick);
        }"""
    )
    box = page.locator(".panes").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(x + 4 * step * (-1) ** (step // 15), y + 2 * step)
        page.wait_for_timeout(16)
    page.mouse.up()
    drawn, frames = page.evaluate("[window.drawn, window.frames]")
    drawn, frames = np.array(drawn), np.array(frames[1:])
    times = f"{MANY} rings: drawn in {np.median(drawn):.1f} ms, a frame each {np.median(frames):.1f} ms, nine in ten within {np.quantile(frames, 0.9):.0f} ms"
    print(times, file=sys.stderr)
    if PICTURES:
        (PICTURES / "times.txt").write_text(times)
    # The middle of many is held, and loosely: another program may have the processor for a while.
    ok(len(drawn) > 10 and np.median(drawn) < 60, f"rings take {np.median(drawn):.1f} ms of a frame, {len(drawn)} frames")
    # A ring is found by its click.
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Whole image").click()
    page.wait_for_timeout(1000)
    page.mouse.click(x, y)
    page.locator(".chosen h2").wait_for()
    picture(page, "many_objects")
    page.unroute("**/api/catalogue?*")


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
    page.locator(".chosen").get_by_role("button", name=re.compile("Reject")).click()
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
    chosen(page)
    accessible(page, "a batch")
    ok("not known" in page.locator("section[aria-label=Check]").inner_text(), "a time is expected before anything was run")
    run_one(page)
    page.get_by_label("run b/DAPI").check()
    page.locator("section[aria-label=Check]", has_text=re.compile(r"about [\d.]+ s")).wait_for()
    abort_and_resume(page)
    watched(page, browser)
    # The page names its columns to whoever watches on a phone.
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    wide = page.evaluate("document.documentElement.scrollWidth")
    ok(wide <= 390, f"at 390 px the page is {wide} px wide")
    picture(page, "phone")
    page.set_viewport_size({"width": 1400, "height": 900})
    judged_task(page)
    look(page)
    overlays(page)
    curate(page)
    variants(page)
    many_objects(page)
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
