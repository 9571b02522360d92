// What the record knows of the alignment, over the image: the shifts that are left on the tiles of the check, and the outline of the section.
import { h, number } from "./dom.js";
import { round } from "./look_bar.js";

const HALO = "rgb(0 0 0 / 65%)";
const ARROW = "#ffffff";
const OUTLINE = "#4de3ff";

export class Overlays {
  constructor(view, shown, changed) {
    this.tiles = view.checked_tiles;
    this.outline = view.section_outline;
    this.changed = changed;
    const asked = new Set((shown ?? "").split(","));
    this.shown = { arrows: asked.has("arrows") && this.tiles.length > 0, outline: asked.has("outline") && this.outline.length > 0 };
    this.times = this.magnification(view);
    const box = (name, title, key, there, why) => {
      const input = h("input", { type: "checkbox", checked: this.shown[name], disabled: !there, onchange: (event) => this.set(name, event.target.checked) });
      this[`${name}Box`] = input;
      return h("div", null, h("label", { title: there ? null : why }, input, title), h("span", { class: "small quiet" }, " ", h("kbd", null, key)), there ? null : h("div", { class: "small quiet" }, why));
    };
    this.said = h("p", { class: "small quiet" });
    this.element = h("fieldset", null, h("legend", null, "Alignment"),
      box("outline", "Outline of the section", "l", this.outline.length, "The record has no outline: the section fills the image, or it was aligned by an earlier version."),
      box("arrows", "Shifts that are left", "t", this.tiles.length, "The record has no tiles: it is of an earlier version, or stage 3 was not done."),
      this.said);
    this.tell();
  }

  /** How much longer than the shifts the arrows are: most of them reach less than halfway to the next tile. */
  magnification(view) {
    const lengths = this.tiles.filter((one) => one.shift).map((one) => Math.hypot(...one.shift)).filter((length) => length > 0).sort((a, b) => a - b);
    if (!lengths.length) return 1;
    const apart = Math.sqrt((view.width * view.height) / this.tiles.length);
    this.most = apart;
    this.longest = lengths.at(-1);
    return Math.max(1, round((0.4 * apart) / lengths[Math.floor(0.75 * (lengths.length - 1))]));
  }

  /** What the address of the page holds. */
  get text() {
    return Object.keys(this.shown).filter((name) => this.shown[name]).join(",") || null;
  }

  set(name, on) {
    if (!(name === "arrows" ? this.tiles : this.outline).length) return;
    this.shown[name] = on;
    this[`${name}Box`].checked = on;
    this.tell();
    this.changed();
  }

  toggle(name) {
    this.set(name, !this.shown[name]);
  }

  tell() {
    const lost = this.tiles.filter((one) => !one.shift).length;
    this.said.hidden = !this.shown.arrows;
    const cut = this.longest * this.times > this.most ? ` One with a bar is cut off; the longest shift is ${number(this.longest, 2)} px.` : "";
    this.said.textContent = `Arrows are ${number(this.times)} times as long as the shifts.${cut}${lost ? ` A cross: the tile does not show the same in both images (${lost} of ${this.tiles.length}).` : ""}`;
  }

  draw(context, toScreen, zoom) {
    const lines = (path, color, width) => {
      context.lineJoin = "round";
      for (const [style, wide] of [[HALO, width + 2.5], [color, width]]) {
        context.strokeStyle = style;
        context.lineWidth = wide;
        context.beginPath();
        path();
        context.stroke();
      }
    };
    if (this.shown.outline) {
      lines(() => {
        for (const border of this.outline) border.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](...toScreen(x + 0.5, y + 0.5)));
      }, OUTLINE, 1.6);
    }
    if (!this.shown.arrows) return;
    lines(() => {
      for (const { x, y, shift } of this.tiles) {
        const [fromX, fromY] = toScreen(x + 0.5, y + 0.5);
        if (!shift) {
          for (const side of [-1, 1]) {
            context.moveTo(fromX - 4, fromY - 4 * side);
            context.lineTo(fromX + 4, fromY + 4 * side);
          }
          continue;
        }
        const own = Math.hypot(...shift) * this.times;
        const isCut = own > this.most;
        const [dx, dy] = shift.map((px) => px * this.times * zoom * (isCut ? this.most / own : 1));
        const length = Math.hypot(dx, dy);
        const head = Math.min(7, 0.5 * length + 1);
        const angle = Math.atan2(dy, dx);
        context.moveTo(fromX, fromY);
        context.lineTo(fromX + dx, fromY + dy);
        for (const turn of isCut ? [Math.PI / 2, -Math.PI / 2] : [2.6, -2.6]) {
          context.moveTo(fromX + dx, fromY + dy);
          context.lineTo(fromX + dx + head * Math.cos(angle + turn), fromY + dy + head * Math.sin(angle + turn));
        }
      }
    }, ARROW, 1.5);
  }
}
