// The objects of the catalogue: rings over the image, a list, and what is known of the one that is chosen.
import { address, get, post } from "./api.js";
import { fill, h, number, say } from "./dom.js";
import { judgeButtons, judged } from "./judge.js";
import { MOST_RINGS, Rings } from "./look_rings.js";

/** So many are in the list; all are drawn over the image. */
const LISTED = 150;
/** Flags with which an object is no microbe. */
const NO_MICROBE = /dipole|bright_in_pre|doubtful|off_section/i;

const facts = [
  ["significance", "Significance", "σ"], ["flux", "Flux", "counts"], ["flux_err", "± flux", "counts"], ["peak", "Peak", "counts"],
  ["area_px", "Area", "px"], ["area_um2", "Area", "µm²"], ["length_px", "Length", "px"], ["width_px", "Width", "px"], ["nearest_px", "Nearest", "px"],
  ["x_um", "x", "µm"], ["y_um", "y", "µm"],
];

export class Objects {
  constructor(view, names, { changed, go, readOnly }) {
    this.readOnly = readOnly;
    this.opinions = new Map();
    this.past = [];
    this.view = view;
    this.names = names;
    this.events = { changed, go };
    this.shown = false;
    this.chosen = null;
    this.columns = null;
    this.least = 0;
    this.only = true;
    this.list = h("div", { class: "objects", role: "group", "aria-label": "Objects, the most significant first" });
    this.about = h("section", { class: "chosen", "aria-label": "The chosen object", hidden: true });
    this.count = h("p", { class: "small quiet" });
    this.dense = h("p", { class: "small quiet" });
    this.rings = new Rings();
    this.element = h("div", null);
    this.undoing = h("div", { class: "actions" });
    this.task = null;
    this.tasking = h("div", { class: "tasking" });
  }

  /** What the server has of the judgements. */
  take({ opinions, lost, task }) {
    this.task = task;
    fill(this.tasking, h("div", { class: "small" }, "The task as a whole ", judged(task)), this.readOnly ? null : h("div", { class: "actions" }, judgeButtons(task, (opinion) => this.judgeTask(opinion), ["A", "R"], " task")));

    this.opinions = new Map(Object.entries(opinions).map(([id, opinion]) => [Number(id), opinion]));
    if (lost && !this.told) say(`${lost} judged ${lost === 1 ? "object is" : "objects are"} not in this catalogue; the judgements stay in their file.`);
    this.told = true;
  }

  opinion(i) {
    return this.opinions.get(this.columns.id[i]) ?? null;
  }

  /** Accepts or rejects the object that is chosen; the same again takes it back. */
  async judge(opinion) {
    if (this.chosen === null || this.readOnly) return;
    const id = this.columns.id[this.chosen];
    const before = this.opinions.get(id) ?? null;
    await this.send(id, before === opinion ? null : opinion, before);
  }

  /** Accepts or rejects the task; none takes it back. */
  async judgeTask(opinion) {
    if (!this.columns || this.readOnly) return;
    const before = this.task;
    await this.tell({ task: { opinion } }, { task: true, before });
  }

  async undo() {
    const last = this.past.pop();
    if (!last) return;
    if (last.task) {
      await this.tell({ task: { opinion: last.before } });
      return;
    }
    await this.send(last.id, last.before);
    this.choose(this.byId(last.id), true);
  }

  send(id, opinion, before) {
    return this.tell({ changes: [{ id, opinion }] }, before === undefined ? null : { id, before });
  }

  /** Tells the server what is judged; `undo` is what takes it back. */
  async tell(what, undo) {
    try {
      this.take(await post("judgements", { ...this.names, ...what }));
    } catch (error) {
      say(error.message);
      return;
    }
    if (undo) this.past.push(undo);
    this.select();
    this.choose(this.chosen, false);
  }

  /** Microbes by the catalogue, and by what was judged. */
  counted() {
    const { id, flags } = this.columns;
    let [found, judged] = [0, 0];
    id.forEach((_, i) => {
      const counts = !NO_MICROBE.test(flags?.[i] ?? "");
      const opinion = this.opinion(i);
      found += counts;
      judged += opinion === "accept" || (counts && opinion !== "reject");
    });
    return { found, judged };
  }

  async load() {
    try {
      const { columns } = await get("catalogue", this.names);
      this.columns = columns;
      this.take(await get("judgements", this.names));
    } catch (error) {
      fill(this.element, h("p", { class: "small quiet" }, error.message));
      return;
    }
    const show = h("input", { type: "checkbox", checked: this.shown, onchange: (event) => this.setShown(event.target.checked) });
    const only = h("input", { type: "checkbox", checked: this.only, onchange: (event) => { this.only = event.target.checked; this.select(); } });
    const least = h("input", { type: "number", min: 0, step: 0.5, value: this.least, "aria-label": "least significance", onchange: (event) => { this.least = Number(event.target.value) || 0; this.select(); } });
    this.box = show;
    fill(this.element,
      h("div", null, h("label", null, show, "Rings over the image"), h("span", { class: "small quiet" }, " ", h("kbd", null, "o"))),
      h("div", null, h("label", null, only, "Microbes only")),
      h("label", null, "From ", least, " σ"),
      this.count, this.dense, this.undoing, this.list, this.tasking);
    this.select();
  }

  setShown(shown) {
    this.shown = shown;
    if (this.box) this.box.checked = shown;
    this.events.changed();
  }

  /** Which objects pass the filters, the most significant first. */
  select() {
    const { id, significance, flags } = this.columns;
    const all = id.map((_, i) => i);
    const passes = (i) => significance[i] >= this.least && !(this.only && NO_MICROBE.test(flags?.[i] ?? "") && this.opinion(i) !== "accept");
    this.passing = all.filter(passes).sort((a, b) => significance[b] - significance[a]);
    this.judgedPassing = this.passing.filter((i) => this.opinion(i));
    const { found, judged } = this.counted();
    fill(this.undoing,
      h("span", { class: "small" }, `${found} microbes`, this.opinions.size ? h("b", null, `, ${judged} after ${this.opinions.size} ${this.opinions.size === 1 ? "judgement" : "judgements"}`) : ""),
      this.past.length ? h("button", { onclick: () => this.undo() }, "Undo ", h("kbd", null, "u")) : null);
    this.count.textContent = `${this.passing.length} of ${all.length} objects${this.passing.length > LISTED ? `, the first ${LISTED} listed` : ""}`;
    this.drawList();
    this.events.changed();
  }

  drawList() {
    const { id, significance } = this.columns;
    fill(this.list, this.passing.slice(0, LISTED).map((i) => h("button", {
      "data-i": i, "aria-current": i === this.chosen ? "true" : null, onclick: () => this.choose(i, true),
    }, `${{ accept: "✓ ", reject: "✕ " }[this.opinion(i)] ?? ""}#${id[i]}`, h("span", { class: "quiet" }, `${number(significance[i], 3)} σ`))));
  }

  byId(id) {
    const i = this.columns?.id.indexOf(Number(id)) ?? -1;
    return i < 0 ? null : i;
  }

  /** The next or the one before in the list. */
  step(by) {
    if (!this.passing?.length) return;
    const at = this.passing.indexOf(this.chosen);
    const next = at < 0 ? 0 : (at + by + this.passing.length) % this.passing.length;
    this.choose(this.passing[next], true);
  }

  choose(i, go) {
    this.chosen = i;
    for (const button of this.list.children) {
      const own = Number(button.dataset.i) === i;
      button.toggleAttribute("aria-current", false);
      if (own) {
        button.setAttribute("aria-current", "true");
        if (go) this.list.scrollTop = button.offsetTop - this.list.clientHeight / 2;
      }
    }
    this.about.hidden = i === null;
    if (i === null) {
      fill(this.about);
    } else {
      const c = this.columns;
      const side = 60;
      const image = address("cutout", {
        ...this.names, images: "post,aligned_pre,difference", x: Math.round(c.x_px[i] - side / 2), y: Math.round(c.y_px[i] - side / 2), width: side, height: side,
        line: `object ${c.id[i]}, ${number(c.significance[i], 3)} sigma`, v: this.view.version,
      });
      fill(this.about,
        h("div", { class: "head" }, h("h2", null, `Object ${c.id[i]}`), h("button", { "aria-label": "Close", onclick: () => this.choose(null, false) }, "✕")),
        h("a", { href: image, target: "_blank", rel: "noopener" }, h("img", { src: image, alt: `post, aligned pre and difference around object ${c.id[i]}` })),
        this.readOnly ? null : h("div", { class: "actions" },
          h("button", { "aria-pressed": String(this.opinion(i) === "accept"), onclick: () => this.judge("accept") }, "✓ Accept ", h("kbd", null, "a")),
          h("button", { "aria-pressed": String(this.opinion(i) === "reject"), onclick: () => this.judge("reject") }, "✕ Reject ", h("kbd", null, "r"))),
        c.flags?.[i] ? h("p", { class: "small" }, String(c.flags[i]).toLowerCase().replaceAll("|", ", ").replaceAll("_", " ")) : null,
        h("table", null, h("tbody", null, facts.filter(([name]) => typeof c[name]?.[i] === "number").map(([name, title, unit]) => h("tr", null, h("th", { scope: "row" }, title), h("td", null, `${number(c[name][i], 4)} ${unit}`))))));
      if (!this.shown) this.setShown(true);
    }
    this.events.changed();
    if (go && i !== null) this.events.go({ x: this.columns.x_px[i] + 0.5, y: this.columns.y_px[i] + 0.5 });
  }

  /** The object whose ring is clicked, if one is. */
  near(point, zoom) {
    if (!this.shown || !this.passing || !point) return null;
    let [best, least] = [null, Math.max(14 / zoom, 6)];
    for (const i of this.passing) {
      const away = Math.hypot(this.columns.x_px[i] + 0.5 - point.x, this.columns.y_px[i] + 0.5 - point.y);
      if (away < least) [best, least] = [i, away];
    }
    return best;
  }

  /** Says when so many are in view that they are dots. */
  tellSeen(seen) {
    const text = seen > MOST_RINGS ? `${number(seen)} in view, drawn as dots; zoom in for rings` : "";
    if (this.dense.textContent !== text) this.dense.textContent = text;
  }

  /** Rings, and what is thought of their objects. */
  draw(context, toScreen, zoom, [width, height]) {
    if (!this.shown || !this.passing) return;
    const { x_px: xs, y_px: ys } = this.columns;
    const ring = (list, radius) => {
      context.beginPath();
      for (const i of list) {
        // The middle of a pixel is half a pixel from its corner.
        const [x, y] = toScreen(xs[i] + 0.5, ys[i] + 0.5);
        if (x < -20 || y < -20 || x > width + 20 || y > height + 20) continue;
        context.moveTo(x + radius, y);
        context.arc(x, y, radius, 0, 2 * Math.PI);
      }
      context.stroke();
    };
    const radius = Math.max(this.passing.length > 500 ? 3.5 : 5, Math.min(40, 5 * zoom));
    const seen = this.rings.draw(context, { list: this.passing, xs, ys, toScreen, radius, size: [width, height] });
    this.tellSeen(seen);
    const judged = this.judgedPassing;
    context.lineWidth = 2.5;
    context.strokeStyle = "#5ab4ff";
    ring(judged.filter((i) => this.opinion(i) === "accept"), radius);
    // Crossed out, so that the colour alone does not tell it.
    context.beginPath();
    for (const i of judged.filter((one) => this.opinion(one) === "reject")) {
      const [x, y] = toScreen(xs[i] + 0.5, ys[i] + 0.5);
      context.moveTo(x - radius, y - radius);
      context.lineTo(x + radius, y + radius);
      context.moveTo(x + radius, y - radius);
      context.lineTo(x - radius, y + radius);
    }
    context.strokeStyle = "#ff8a65";
    context.stroke();
    if (this.chosen !== null) {
      context.lineWidth = 5;
      context.strokeStyle = "rgb(0 0 0 / 70%)";
      ring([this.chosen], radius + 4);
      context.lineWidth = 2.5;
      context.strokeStyle = "#ffffff";
      ring([this.chosen], radius + 4);
    }
  }
}
