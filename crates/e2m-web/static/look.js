// The images of a task at full resolution.
import { address, get, Refused } from "./api.js";
import { fill, h, link, number, say } from "./dom.js";
import { variantTitle } from "./compare.js";
import { Pane } from "./look_panes.js";
import { Objects } from "./look_objects.js";
import { Overlays } from "./look_overlays.js";
import { Readout, scaleBar } from "./look_bar.js";

const MODES = [["single", "One image"], ["beside", "Side by side"], ["swipe", "Swipe"], ["blink", "Blink"], ["colours", "Two colours"]];
/** From this level on the server has an overview of the whole image, which takes a while the first time. */
const OVERVIEW_LEVEL = 3;
/** What the task itself is called among its variants, in an address. */
const TASK_ITSELF = "batch";
/** Pixels that are drawn into a file. */
const MOST_DRAWN = 6e6;

export async function look(main, asked, app) {
  const { batch, sample, dye } = asked;
  const task = { batch, sample, dye };
  const names = { ...task, variant: asked.variant };
  document.title = `${sample}/${dye} – look – e2m`;
  const view = await get("view", names);
  let other = null;
  if (asked.with) {
    // The second image is of another variant of the task.
    const second = { ...task, variant: asked.with === TASK_ITSELF ? "" : asked.with };
    other = { view: await get("view", second), names: second };
    if (other.view.width !== view.width || other.view.height !== view.height) throw new Refused(0, "The canvases of these variants are not of the same size (pad), so that they cannot be laid side by side. Go back and choose others.");
    const { variants } = await get("variants", task);
    const title = (name) => variantTitle(variants.find((one) => one.name === name) ?? { name, label: "" });
    other.title = title(second.variant);
    names.title = title(names.variant ?? "");
  }
  const page = new Look(main, view, names, asked, app.session.read_only || Boolean(asked.variant), other);
  await page.open();
  return () => page.close();
}

class Look {
  constructor(main, view, { title, ...names }, asked, readOnly, other) {
    Object.assign(this, { main, view, names, title });
    this.sides = { a: { view, names, title }, b: other ?? { view, names, title } };
    this.second = other ? new Objects(other.view, other.names, { changed: () => this.redraw(), go: (place) => this.go(place), readOnly: true }) : null;
    const there = view.images.filter((image) => !image.why_not);
    const pick = (name, usual) => (there.find((image) => image.name === name) ?? there.find((image) => image.name === usual) ?? there[0])?.name;
    this.state = {
      mode: MODES.some(([mode]) => mode === asked.mode) ? asked.mode : "single",
      a: pick(asked.a, there.some((image) => image.name === "difference") && !asked.mode ? "difference" : "post"),
      b: pick(asked.b, "aligned_pre"),
      stretch: asked.stretch === "asinh" ? "asinh" : "percentile",
      blur: Math.min(Math.max(Number(asked.blur) || 0, 0), 20),
      rate: Math.min(Math.max(Number(asked.rate) || 2, 0.5), 8),
      swipe: 0.5,
    };
    this.limits = {};
    this.there = there;
    this.start = { x: Number(asked.x), y: Number(asked.y), zoom: Number(asked.z), id: asked.id, objects: asked.objects === "1" };
    this.objects = new Objects(view, names, { changed: () => this.redraw(), go: (place) => this.go(place), readOnly });
    this.objects.shown = this.start.objects;
    this.overlays = new Overlays(view, asked.over, () => this.redraw());
    this.readout = new Readout(view, names);
    this.panes = [];
    /** Images whose overviews are there. */
    this.seen = new Set();
  }

  image(name) {
    return this.view.images.find((image) => image.name === name);
  }

  async open() {
    const { view } = this;
    this.tools = h("div", { class: "tools" });
    this.place = h("div", { class: "panes" });
    this.loading = h("div", { class: "loading", role: "status", hidden: true }, "loading …");
    this.stage = h("div", { class: "stage" }, this.place, this.loading, this.objects.about, this.readout.element);
    fill(this.main, h("div", { class: "look" }, this.tools, this.stage));
    if (!this.there.length) {
      fill(this.place, h("p", { class: "problem" }, `None of the images can be shown: ${view.images[0].why_not}`));
      return;
    }
    this.drawTools();
    this.looking = setInterval(() => this.tellLoading(), 200);
    this.key = (event) => this.press(event);
    addEventListener("keydown", this.key);
    await this.arrange();
    const { x, y, zoom, id } = this.start;
    if (Number.isFinite(x) && Number.isFinite(y) && zoom > 0) this.go({ x, y, zoom }, true);
    await Promise.all([this.objects.load(), this.second?.load()]);
    this.couple();
    if (id && this.objects.byId(id) !== null) this.objects.choose(this.objects.byId(id), !Number.isFinite(x));
    this.redraw();
    this.stage.dataset.ready = "yes";
  }

  /** The second catalogue is seen and filtered as the first is: thresholds are what is compared. */
  couple() {
    const { objects, second } = this;
    if (!second?.columns || !objects.columns) return;
    const select = objects.select.bind(objects);
    objects.select = () => {
      second.least = objects.least;
      second.only = objects.only;
      second.select();
      select();
    };
  }

  close() {
    this.closed = true;
    removeEventListener("keydown", this.key);
    clearInterval(this.blinking);
    clearInterval(this.looking);
    clearTimeout(this.writing);
    for (const pane of this.panes) pane.close();
  }

  /** Whether tiles are on their way, or one could not be had. */
  tellLoading() {
    const failed = this.failure && Date.now() < this.failure.until;
    this.loading.hidden = !failed && !this.panes.some((one) => one.isLoading());
    this.loading.textContent = failed ? this.failure.text : "loading …";
  }

  drawTools() {
    const { batch, sample, dye } = this.names;
    const { state, view } = this;
    const mode = ([name, title], i) => h("label", { title: `Key ${i + 1}` },
      h("input", { type: "radio", name: "mode", value: name, checked: state.mode === name, onchange: () => this.set({ mode: name }) }), title);
    const pick = (which) => h("select", { id: `image-${which}`, onchange: (event) => this.set({ [which]: event.target.value }) },
      view.images.map((image) => h("option", { value: image.name, selected: state[which] === image.name, disabled: Boolean(image.why_not), title: image.why_not }, image.why_not ? `${image.title} – not there` : image.title)));
    const limit = (which, end) => h("input", { type: "number", step: "any", id: `${end}-${which}`, "aria-label": `${end === "low" ? "darkest" : "brightest"} value`, onchange: (event) => this.setLimit(which, end, event.target.value) });
    const picker = (which, title) => h("div", { class: "row", id: `row-${which}` }, h("label", { for: `image-${which}` }, title), pick(which),
      h("div", { class: "limits" }, limit(which, "low"), limit(which, "high")), h("div", { class: "range", id: `range-${which}` }));
    const stretch = h("select", { id: "stretch", onchange: (event) => { this.limits = {}; this.set({ stretch: event.target.value }); } },
      [["percentile", "linear"], ["asinh", "asinh"]].map(([value, text]) => h("option", { value, selected: state.stretch === value }, text)));
    const blur = h("input", { type: "range", id: "blur", min: 0, max: 10, step: 0.5, value: state.blur, onchange: (event) => { this.limits = {}; this.set({ blur: Number(event.target.value) }); } });
    const rate = h("input", { type: "range", id: "rate", min: 0.5, max: 8, step: 0.5, value: state.rate, oninput: (event) => { state.rate = Number(event.target.value); this.blink(); this.write(); } });
    fill(this.tools,
      h("p", { class: "crumbs" }, h("a", { href: link("batch", { batch }) }, batch)),
      h("h1", null, h("a", { href: link("task", { batch, sample, dye }) }, `${sample}/${dye}`)),
      h("p", { class: "small quiet" }, `${view.width} x ${view.height} px`),
      h("fieldset", null, h("legend", null, "Show"), h("div", { class: "modes" }, MODES.map(mode))),
      h("fieldset", null, h("legend", null, "Images"), picker("a", "Image"), picker("b", "Second")),
      h("fieldset", null, h("legend", null, "Colours"),
        h("div", { class: "row" }, h("label", { for: "stretch" }, "Stretch"), stretch),
        h("div", { class: "row" }, h("label", { for: "blur" }, "Blur"), blur, h("span", { class: "range", id: "blur-said" })),
        h("div", { class: "row", id: "row-rate" }, h("label", { for: "rate" }, "Rate"), rate)),
      this.overlays.element,
      h("div", { class: "actions" },
        h("button", { onclick: () => this.home() }, "Whole image"),
        view.worst_tile ? h("button", { onclick: () => this.worst(), title: "The tile on which the alignment leaves the longest shift" }, "Worst tile") : null,
        h("button", { onclick: () => this.copy() }, "Copy link"),
        h("button", { onclick: () => this.save() }, "Save PNG")),
      h("h3", null, "Catalogue"), this.objects.element,
      h("details", null, h("summary", null, "Keys"),
        h("p", { class: "small" }, h("kbd", null, "1"), "–", h("kbd", null, "5"), " what is shown, ", h("kbd", null, "s"), " swap the images, ", h("kbd", null, "o"), " rings, ", h("kbd", null, "l"), " outline, ", h("kbd", null, "t"), " shifts, ", h("kbd", null, "n"), " ", h("kbd", null, "p"), " next and previous object, ", h("kbd", null, "a"), " accept, ", h("kbd", null, "r"), " reject, ", h("kbd", null, "A"), " ", h("kbd", null, "R"), " the task, ", h("kbd", null, "u"), " undo, ", h("kbd", null, "h"), " whole image; in the image arrows move, ", h("kbd", null, "+"), " ", h("kbd", null, "-"), " zoom")));
  }

  /** Changes what is shown and draws it. */
  async set(change) {
    Object.assign(this.state, change);
    this.write();
    await this.arrange();
  }

  setLimit(which, end, text) {
    const value = Number(text);
    const key = this.state[which];
    if (text === "" || !Number.isFinite(value)) delete this.limits[key];
    else this.limits[key] = { ...this.limits[key], [end]: value };
    this.arrange();
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "radio") return;
    const { key } = event;
    if (/^[1-5]$/.test(key)) {
      const [mode] = MODES[Number(key) - 1];
      this.tools.querySelector(`input[value="${mode}"]`).checked = true;
      this.set({ mode });
    } else if (key === "s") {
      const { a, b } = this.state;
      this.set({ a: b, b: a }).then(() => {
        this.tools.querySelector("#image-a").value = this.state.a;
        this.tools.querySelector("#image-b").value = this.state.b;
      });
    } else if (key === "o") this.objects.setShown(!this.objects.shown);
    else if (key === "l") this.overlays.toggle("outline");
    else if (key === "t") this.overlays.toggle("arrows");
    else if (key === "n") this.objects.step(1);
    else if (key === "p") this.objects.step(-1);
    else if (key === "a") this.objects.judge("accept");
    else if (key === "r") this.objects.judge("reject");
    else if (key === "A") this.objects.judgeTask(this.objects.task === "accept" ? null : "accept");
    else if (key === "R") this.objects.judgeTask(this.objects.task === "reject" ? null : "reject");
    else if (key === "u") this.objects.undo();
    else if (key === "h") this.home();
    else return;
    event.preventDefault();
  }

  /** The colours of an image: its own range, or the one that was typed. */
  async colours(name, palette, side) {
    const { stretch, blur } = this.state;
    const range = await get("range", { ...side.names, image: name, stretch, blur: blur || null, v: side.view.version });
    const own = this.limits[name] ?? {};
    const [low, high] = [own.low ?? range.low, own.high ?? range.high];
    const usable = low < high;
    if (!usable) say("The darkest value has to be below the brightest.");
    const look = usable ? { low, high, knee: range.knee } : range;
    const quick = side.view.levels > OVERVIEW_LEVEL && !this.seen.has(this.overviewOf(name, side));
    return { ...look, text: range.text, blur, quick, palette: palette ?? this.image(name).palette };
  }

  overviewOf(name, side) {
    return `${side.names.variant ?? ""} ${name}`;
  }

  /** Has overviews made once something is seen, and shows them in place of what was made in a hurry. */
  async refine(layers) {
    const hasty = layers.filter((layer) => layer?.look.quick);
    if (!hasty.length) return;
    for (let i = 0; i < 40 && this.panes.some((one) => one.isLoading()); i += 1) await new Promise((done) => { setTimeout(done, 100); });
    try {
      await Promise.all(hasty.map((layer) => get("overview", { ...layer.of.names, image: layer.image })));
    } catch {
      // What is seen stays; the next tile says what is wrong.
      return;
    }
    for (const layer of hasty) this.seen.add(this.overviewOf(layer.image, layer.of));
    if (!this.closed) await this.arrange();
  }

  /** Puts the images into panes as the mode asks for. */
  async arrange() {
    const mine = (this.turn ?? 0) + 1;
    this.turn = mine;
    const { mode, a, b } = this.state;
    const two = mode !== "single";
    const colours = mode === "colours";
    let looks;
    try {
      looks = await Promise.all([this.colours(a, colours ? "green" : null, this.sides.a), two ? this.colours(b, colours ? "magenta" : null, this.sides.b) : null]);
      // The same image of two variants is seen in the same colours, or no eye could compare it.
      if (two && this.second && a === b && !colours) looks[1] = looks[0];
    } catch (error) {
      say(error.message);
      return;
    }
    if (this.turn !== mine) return;
    this.settle(looks, two);
    const layer = (name, look, of, more) => ({ image: name, look, of, key: JSON.stringify([name, look, of.names, more?.add]), ...more });
    const [first, second] = [layer(a, looks[0], this.sides.a), two ? layer(b, looks[1], this.sides.b) : null];
    await this.count(mode === "beside" ? 2 : 1);
    if (this.turn !== mine) return;
    if (mode === "beside") await Promise.all([this.panes[0].show([first]), this.panes[1].show([second])]);
    else if (mode === "single") await this.panes[0].show([first]);
    else if (mode === "colours") await this.panes[0].show([first, layer(b, looks[1], this.sides.b, { add: true })]);
    else await this.panes[0].show([first, second]);
    this.refine([first, second]);
    this.names_(mode);
    this.swipe();
    this.blink();
    this.redraw();
  }

  /** The controls as they belong to what is shown. */
  settle(looks, two) {
    const { state, tools } = this;
    tools.querySelector("#row-b").hidden = !two;
    tools.querySelector("#row-rate").hidden = state.mode !== "blink";
    tools.querySelector("#blur-said").textContent = state.blur ? `Gaussian, sigma ${state.blur} px` : "none";
    ["a", "b"].forEach((which, i) => {
      if (!looks[i]) return;
      tools.querySelector(`#range-${which}`).textContent = looks[i].text;
      tools.querySelector(`#low-${which}`).value = Number(looks[i].low.toPrecision(5));
      tools.querySelector(`#high-${which}`).value = Number(looks[i].high.toPrecision(5));
    });
    const chosen = two ? [state.a, state.b] : [state.a];
    const always = ["post", "aligned_pre", "difference", "significance"].filter((name) => this.there.some((image) => image.name === name));
    this.readout.images = [...new Set([...chosen, ...always])].map((name) => this.image(name));
    this.readout.second = this.second && two ? { names: this.sides.b.names, image: this.image(state.b) } : null;
    this.readout.say(null);
  }

  names_(mode) {
    const titled = (side) => (name) => `${this.image(name).title}${this.sides[side].title ? ` (${this.sides[side].title})` : ""}`;
    const { a, b } = this.state;
    const [first, second] = this.panes;
    const [left, right] = [titled("a")(a), titled("b")(b)];
    if (mode === "colours") fill(first.label, h("b", { class: "first" }, left), " + ", h("b", { class: "second" }, right), ", white where both");
    else if (mode === "swipe") fill(first.label, `${left} | ${right}`);
    else fill(first.label, left);
    if (second) fill(second.label, right);
  }

  /** So many panes, in step. */
  async count(wanted) {
    const where = this.panes[0]?.where();
    while (this.panes.length > wanted) {
      const pane = this.panes.pop();
      pane.close();
      pane.element.remove();
    }
    let moving = false;
    while (this.panes.length < wanted) {
      const pane = new Pane(this.view, {
        changed: (from) => {
          if (moving) return;
          moving = true;
          for (const other of this.panes) if (other !== from && other.item(0)) other.follow(from);
          moving = false;
          this.swipe();
          this.write();
        },
        at: (point) => this.readout.at(point),
        chosen: (point) => {
          const found = this.objects.near(point, this.panes[0].where()?.zoom ?? 1);
          if (found !== null) this.objects.choose(found, false);
        },
        failed: (text) => { this.failure = { text, until: Date.now() + 6000 }; },
      });
      pane.draw = (...what) => this.over(pane, ...what);
      this.place.append(pane.element);
      this.panes.push(pane);
      pane.open();
      if (where) pane.start = where;
    }
    this.place.classList.toggle("beside", wanted === 2);
    if (wanted === 2 && where) requestAnimationFrame(() => this.go(where, true));
  }

  over(pane, context, toScreen, zoom, size) {
    this.overlays.draw(context, toScreen, zoom);
    const ofSecond = this.second && pane === this.panes[1];
    if (this.second) this.second.shown = this.objects.shown;
    (ofSecond ? this.second : this.objects).draw(context, toScreen, zoom, size);
    scaleBar(context, zoom, size, this.view.um_per_px);
  }

  redraw() {
    for (const pane of this.panes) pane.redraw();
    this.write();
  }

  /** Cuts the second image off on the left of the line. */
  swipe() {
    const pane = this.panes[0];
    const on = this.state.mode === "swipe";
    if (!on) {
      this.line?.remove();
      this.slider?.remove();
      [this.line, this.slider] = [null, null];
      pane?.item(0)?.setClip(null);
      return;
    }
    if (!this.line) {
      this.line = h("div", { class: "swipe" });
      this.slider = h("input", { class: "swipebar", type: "range", min: 0, max: 1, step: 0.002, value: this.state.swipe, "aria-label": "Where the images meet", oninput: (event) => { this.state.swipe = Number(event.target.value); this.swipe(); } });
      pane.element.append(this.line, this.slider);
    }
    const width = pane.element.clientWidth;
    this.line.style.left = `${this.state.swipe * width}px`;
    const item = pane.item(1);
    if (!item) return;
    const x = item.viewerElementToImageCoordinates(new OpenSeadragon.Point(this.state.swipe * width, 0)).x;
    const { width: whole, height } = this.view;
    const from = Math.min(Math.max(x, 0), whole);
    item.setClip(new OpenSeadragon.Rect(from, 0, Math.max(whole - from, 0.001), height));
  }

  blink() {
    clearInterval(this.blinking);
    const pane = this.panes[0];
    if (this.state.mode !== "blink") return;
    let second = false;
    const turn = () => {
      second = !second;
      // The first stays below: tiles that are not seen would not be loaded.
      pane.item(1)?.setOpacity(second ? 1 : 0);
      const side = this.sides[second ? "b" : "a"];
      fill(pane.label, `${this.image(second ? this.state.b : this.state.a).title}${side.title ? ` (${side.title})` : ""}`);
    };
    pane.item(1)?.setPreload?.(true);
    turn();
    this.blinking = setInterval(turn, 1000 / this.state.rate);
  }

  go(place, immediately) {
    const first = this.panes[0];
    if (!first?.item(0)) return;
    const zoom = place.zoom ?? Math.max(first.where().zoom, 2);
    for (const pane of this.panes) pane.go({ ...place, zoom }, immediately);
  }

  home() {
    for (const pane of this.panes) pane.home();
  }

  worst() {
    const tile = this.view.worst_tile;
    this.go({ x: tile.x + tile.side_px / 2, y: tile.y + tile.side_px / 2, zoom: Math.max(1, 400 / tile.side_px) });
  }

  /** The address of this view, for a colleague and for the next visit. */
  write() {
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      const where = this.panes[0]?.where();
      if (!where) return;
      const { mode, a, b, stretch, blur, rate } = this.state;
      const { batch, sample, dye } = this.names;
      const chosen = this.objects.chosen;
      const other = this.second ? this.sides.b.names.variant || TASK_ITSELF : null;
      history.replaceState(null, "", link("look", {
        batch, sample, dye, variant: this.names.variant, with: other, mode, a, b: mode === "single" ? null : b, x: where.x.toFixed(1), y: where.y.toFixed(1), z: Number(where.zoom.toPrecision(4)),
        stretch: stretch === "percentile" ? null : stretch, blur: blur || null, rate: mode === "blink" ? rate : null,
        objects: this.objects.shown ? 1 : null, over: this.overlays.text, id: chosen === null ? null : this.objects.columns.id[chosen],
      }));
    }, 250);
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link is copied. A colleague who may use this server sees the same view.");
    } catch {
      say(`Copy the address of this page: ${location.href}`);
    }
  }

  save() {
    const region = this.panes[0]?.region();
    const { mode, a, b, stretch, blur } = this.state;
    const { second } = this;
    const images = mode === "single" || second ? [a] : [a, b];
    const other = second && mode !== "single" ? { with: this.sides.b.names.variant || TASK_ITSELF, with_images: b, line: `left: ${this.sides.a.title}\nright: ${this.sides.b.title}` } : {};
    if (!region || region.width * region.height * (images.length + (other.with_images ? 1 : 0)) > MOST_DRAWN) {
      say("This view is too large to be drawn at full resolution; zoom in first. The pictures of the task show all of it.");
      return;
    }
    const anchor = h("a", { href: address("cutout", { ...this.names, images: images.join(","), ...region, stretch, blur: blur || null, ...other }), download: `${this.names.sample}_${this.names.dye}_x${region.x}_y${region.y}.png` });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
  }
}
