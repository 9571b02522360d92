// The batch file: its text with what is wrong with it, and its parameters by stage. Nothing is kept until it is saved.
import { get, post } from "./api.js";
import { fill, h, say } from "./dom.js";
import { pickFolder, wayTo } from "./picker.js";

const STAGES = ["", "Both images on one canvas", "Coarse alignment", "Fine alignment", "Scale and difference", "Microbes"];
/** So long after the last key the text is looked through. */
const PAUSE_MS = 350;

/** What somebody typed as it stands in a batch file. */
function written(value) {
  const text = value.trim();
  if (/^(true|false)$/.test(text)) return text;
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return text.replace(/^\+/, "").replace(/^([-]?)\./, "$10.").replace(/\.$/, ".0");
  return JSON.stringify(text.replace(/^["']|["']$/g, ""));
}

export class Editor {
  /** `saved` is called when the file is another. */
  constructor(name, text, { readOnly, saved, isNew }) {
    Object.assign(this, { name, readOnly, saved, isNew });
    this.was = isNew ? null : text;
    this.area = h("textarea", { id: "text", rows: Math.min(28, Math.max(10, text.split("\n").length + 1)), spellcheck: "false", autocapitalize: "off", readonly: readOnly, "aria-describedby": "said-of-text", oninput: () => this.typed() });
    this.area.value = text;
    this.said = h("div", { id: "said-of-text", "aria-live": "polite" });
    this.save = h("button", { class: "main", onclick: () => this.keep() }, "Save");
    this.revert = h("button", { onclick: () => this.put(this.was ?? text) }, "Take back");
    this.parameters = h("div", null);
    this.element = h("div", { class: "editor" },
      h("label", { for: "text", class: "quiet small" }, "Text of the file: what e2m reads in a terminal as well"), this.area,
      h("div", { class: "actions" }, this.save, this.revert,
        readOnly ? null : [h("button", { onclick: () => this.pick("raw_dir", "The folder of the raw images") }, "Folder of raw images …"), h("button", { onclick: () => this.pick("output_dir", "The folder of the results") }, "Folder of results …")]), this.said,
      h("h3", null, "Parameters"),
      h("p", { class: "small quiet" }, "A value that is changed here is written into the text above. Parameters that are not in it have their default."), this.parameters);
    this.buttons();
    this.look();
  }

  get text() {
    return this.area.value;
  }

  isChanged() {
    return this.text !== this.was;
  }

  put(text) {
    this.area.value = text;
    this.typed();
  }

  buttons() {
    this.save.disabled = this.readOnly || !this.isChanged() || Boolean(this.wrong);
    this.revert.disabled = !this.isChanged();
  }

  typed() {
    this.buttons();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.look(), PAUSE_MS);
  }

  /** Has the server look through the text, as on the command line. */
  async look() {
    const { text } = this;
    let found;
    if (this.readOnly) {
      // A server that only shows answers no POST; the list of tasks has said what is wrong.
      this.drawParameters(null);
      return;
    }
    try {
      found = await post("text/check", { batch: this.name, text });
    } catch (error) {
      found = { problems: [{ text: error.message }], said: error.message };
    }
    if (text !== this.text) return;
    this.wrong = found.problems.length > 0;
    if (this.wrong) {
      const lines = found.problems.filter((one) => one.line).map((one) => h("button", { onclick: () => this.show(one.line) }, `line ${one.line}`));
      fill(this.said, h("pre", { class: "problem" }, found.said), lines.length ? h("div", { class: "actions" }, "Go to ", lines) : null);
    } else if (found.obstacle) {
      fill(this.said, h("p", { class: "warning" }, found.obstacle));
    } else {
      fill(this.said, h("p", { class: "small quiet" }, `The text has no problem: ${found.tasks.length} ${found.tasks.length === 1 ? "task" : "tasks"}${found.missing.length ? `, ${found.missing.length} without images` : ""}.`), found.warnings.map((one) => h("p", { class: "warning" }, one)));
    }
    this.buttons();
    if (found.params) this.drawParameters(found.params);
  }

  /** Marks a line of the text. */
  show(line) {
    const lines = this.text.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    this.area.focus();
    this.area.setSelectionRange(start, start + lines[line - 1].length);
    this.area.scrollTop = this.area.scrollHeight * ((line - 3) / lines.length);
  }

  /** Writes a folder that is chosen into the text. */
  async pick(key, title) {
    const folder = await pickFolder(title);
    if (folder !== null) await this.set([{ section: "", key, value: JSON.stringify(wayTo(this.name, folder)) }]);
  }

  /** Writes values of some keys into the text. */
  async set(changes) {
    try {
      const { text } = await post("text/set", { text: this.text, changes });
      this.area.value = text;
      this.buttons();
      await this.look();
    } catch (error) {
      say(error.message);
    }
  }

  async drawParameters(values) {
    this.registry ??= (await get("params")).parameters;
    const open = new Set([...this.parameters.querySelectorAll("details[open]")].map((one) => one.dataset.stage));
    const active = document.activeElement?.id;
    const isChanged = (one) => values?.[one.name] !== undefined && JSON.stringify(values[one.name]) !== JSON.stringify(one.default_value);
    const field = (one) => {
      const now = values?.[one.name];
      const shown = now === undefined ? one.default : now === null ? "none" : String(now);
      const changed = isChanged(one);
      const id = `param-${one.name}`;
      const input = h("input", { type: "text", id, value: shown, disabled: this.readOnly, "aria-describedby": `about-${one.name}`, onchange: (event) => this.set([{ section: "params", key: one.name, value: event.target.value.trim() === "" ? null : written(event.target.value) }]) });
      return h("div", { class: "parameter" },
        h("label", { for: id, class: "mono" }, changed ? h("b", null, one.name) : one.name), input,
        h("div", { id: `about-${one.name}`, class: "small" }, `${one.meaning}. `, h("span", { class: "quiet" }, `Values: ${one.values}; default ${one.default}. Change it: ${one.when}.`)));
    };
    fill(this.parameters, [1, 2, 3, 4, 5].map((stage) => {
      const own = this.registry.filter((one) => Number(one.stage) === stage);
      const changed = own.filter(isChanged).length;
      return h("details", { "data-stage": stage, open: open.has(String(stage)) }, h("summary", null, `Stage ${stage}: ${STAGES[stage]} `, h("span", { class: "quiet" }, `${own.length === 1 ? "1 parameter" : `${own.length} parameters`}${changed ? `, ${changed} changed` : ""}`)), own.map(field));
    }));
    if (active?.startsWith("param-")) document.getElementById(active)?.focus();
  }

  async keep() {
    const { text } = this;
    try {
      await post("text/save", { batch: this.name, text, was: this.was });
    } catch (error) {
      say(error.message);
      return;
    }
    this.was = text;
    this.isNew = false;
    this.buttons();
    say(`${this.name} is saved.`);
    this.saved();
  }
}
