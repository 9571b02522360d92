// The raw images of a batch: thumbnails, and what their headers say. Each pair is asked for when it comes into sight.
import { address, get } from "./api.js";
import { bytes, fill, h, number } from "./dom.js";

export class Raws {
  constructor(batch) {
    this.batch = batch;
    this.pairs = new Map();
    this.place = h("div", { class: "raws" });
    this.element = h("details", null, h("summary", null, "Raw images"), this.place);
    this.watch = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach((one) => this.load(one.target)), { rootMargin: "200px" });
  }

  close() {
    this.watch.disconnect();
  }

  /** Shows the pairs of these tasks; those that are shown already stay as they are. */
  show(tasks) {
    const names = tasks.map((one) => `${one.sample}/${one.dye}`);
    if (names.join("\n") === [...this.pairs.keys()].join("\n")) return;
    this.pairs = new Map(tasks.map((one, i) => {
      const pair = this.pairs.get(names[i]) ?? h("section", { class: "raw", "aria-label": `raw images of ${names[i]}` }, h("h3", null, names[i]), h("p", { class: "small quiet" }, "Loading …"));
      pair.names = { batch: this.batch, sample: one.sample, dye: one.dye };
      return [names[i], pair];
    }));
    fill(this.place, [...this.pairs.values()]);
    for (const pair of this.pairs.values()) if (!pair.dataset.loaded) this.watch.observe(pair);
  }

  async load(pair) {
    this.watch.unobserve(pair);
    pair.dataset.loaded = "yes";
    let found;
    try {
      found = await get("raw", pair.names);
    } catch (error) {
      fill(pair, pair.firstChild, h("p", { class: "problem" }, error.message));
      return;
    }
    fill(pair, pair.firstChild,
      h("div", { class: "two-images" }, ["post", "pre"].map((stain) => this.image(pair.names, stain, found[stain], found.version))),
      found.doubts.map((text) => h("p", { class: "warning" }, text)));
  }

  image(names, stain, about, version) {
    const title = h("div", null, h("b", null, stain), " ", h("span", { class: "mono small" }, about.name.split("/").at(-1)));
    if (about.problem) return h("div", null, title, h("p", { class: "problem" }, about.problem));
    const um = about.um_per_px;
    const facts = [
      `${number(about.width)} x ${number(about.height)} px`,
      about.type === "f32" || about.type === "F32" ? "float, 32 bit" : `${about.bits} bit`,
      about.channel ? `channel ${about.channel}` : null,
      um ? `${number(um[0])}${um[0] === um[1] ? "" : ` x ${number(um[1])}`} µm per px` : "pixel size not known",
      about.pages > 1 ? `page ${about.page} of ${about.pages}` : null,
      bytes(about.bytes),
    ].filter(Boolean);
    return h("div", null,
      h("img", { src: address("thumbnail", { ...names, stain, v: version }), alt: `${stain} of ${names.sample}/${names.dye}`, loading: "lazy" }),
      title, h("div", { class: "small", title: about.why_channel }, facts.join(" · ")),
      about.remarks.map((text) => h("p", { class: "small quiet" }, text)));
  }
}
