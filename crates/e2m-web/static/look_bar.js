// The scale bar, and what is under the pointer.
import { get } from "./api.js";
import { fill, h, number } from "./dom.js";

/** The longest of 1, 2 and 5 times a power of ten that is no longer. */
export function round(length) {
  const power = 10 ** Math.floor(Math.log10(length));
  return power * ([5, 2, 1].find((step) => step * power <= length) ?? 1);
}

/** Draws a bar of a round length in the corner below on the left. */
export function scaleBar(context, zoom, [width, height], um) {
  const perPixel = um ? um[0] : 1;
  const room = Math.min(220, 0.35 * width);
  const length = um ? round((room / zoom) * perPixel) : Math.max(1, round(room / zoom));
  const px = (length / perPixel) * zoom;
  const text = um ? (length >= 1000 ? `${number(length / 1000)} mm` : `${number(length)} µm`) : `${number(length)} px`;
  const [x, y] = [14, height - 18];
  context.font = "600 13px system-ui, sans-serif";
  context.textAlign = "left";
  const wide = Math.max(px, context.measureText(text).width) + 16;
  context.fillStyle = "rgb(8 12 16 / 72%)";
  context.fillRect(x - 8, y - 24, wide, 36);
  context.fillStyle = "#fff";
  context.fillRect(x, y, px, 4);
  context.fillText(text, x, y - 7);
}

/** Tells the pixel under the pointer, and what it is in each image; not more often than the server answers. */
export class Readout {
  constructor(view, names) {
    this.view = view;
    this.names = names;
    this.element = h("div", { class: "foot", "aria-live": "off" });
    this.images = [];
    /** An image of another variant: `{names, image}`. */
    this.second = null;
    this.wanted = null;
    this.busy = false;
    this.say(null);
  }

  at(point) {
    const inside = point && point.x >= 0 && point.y >= 0 && point.x < this.view.width && point.y < this.view.height;
    this.wanted = inside ? { x: Math.floor(point.x), y: Math.floor(point.y) } : null;
    this.say(this.wanted);
    if (this.wanted && !this.busy) this.ask();
  }

  async ask() {
    this.busy = true;
    while (this.wanted && this.asked !== this.wanted) {
      const wanted = this.wanted;
      this.asked = wanted;
      try {
        const of = async (names, images) => (await get("values", { ...names, images, ...wanted })).values;
        const { second } = this;
        const [values, other] = await Promise.all([of(this.names, this.images.map((one) => one.name).join(",")), second ? of(second.names, second.image.name) : null]);
        if (this.wanted) this.say(wanted, values, null, other);
      } catch (error) {
        this.say(wanted, null, error.message);
      }
    }
    this.busy = false;
  }

  say(at, values, problem, other) {
    const um = this.view.um_per_px;
    const place = at ? `x ${at.x}, y ${at.y}` : "canvas px";
    const length = at && um ? ` (${number((at.x * um[0]) / 1000, 4)}, ${number((at.y * um[1]) / 1000, 4)} mm)` : "";
    const one = (image, of = values, where = "") => {
      const value = of?.[image.name];
      const text = value === undefined ? "" : value === null ? "no value" : `${number(value, 6)} ${image.unit}`;
      return h("span", { "data-image": where ? null : image.name, "data-value": value ?? null }, `${image.title}${where} `, h("b", null, text));
    };
    fill(this.element, h("span", { class: "at" }, place + length), problem ? h("span", null, problem) : [this.images.map((image) => one(image)), this.second ? one(this.second.image, other, " on the right") : null]);
  }
}
