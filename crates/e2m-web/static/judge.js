// What is thought of a task as a whole: buttons, and the keys of its page.
import { get, post } from "./api.js";
import { fill, h, pill, say } from "./dom.js";

const words = { accept: "accepted", reject: "rejected" };

/** A judgement in words; nothing where there is none. */
export function judged(opinion) {
  return opinion ? pill(opinion === "accept" ? "good" : "bad", `${words[opinion]} by hand`) : null;
}

/** Two buttons that judge; the same again takes it back. */
export function judgeButtons(opinion, judge, keys, what = "") {
  const one = (own, sign, title, key) => h("button", { "aria-pressed": String(opinion === own), onclick: () => judge(opinion === own ? null : own) }, `${sign} ${title}${what} `, h("kbd", null, key));
  return [one("accept", "✓", "Accept", keys[0]), one("reject", "✕", "Reject", keys[1])];
}

/** The judgement of a task on its own page. */
export class TaskJudgement {
  constructor(names, readOnly) {
    Object.assign(this, { names, readOnly, opinion: null, past: [] });
    this.element = h("section", { class: "card", "aria-label": "Judgement", hidden: true });
    this.key = (event) => this.press(event);
  }

  async load() {
    try {
      this.take(await get("judgements", this.names));
    } catch {
      // A task without a catalogue is not judged.
      return;
    }
    addEventListener("keydown", this.key);
  }

  close() {
    removeEventListener("keydown", this.key);
  }

  take({ task, opinions, microbes }) {
    this.opinion = task;
    const objects = Object.keys(opinions).length;
    const counted = task === "reject" ? "It has no count of microbes after curation." : `${microbes} microbes after ${objects} ${objects === 1 ? "judgement" : "judgements"} of objects.`;
    fill(this.element,
      h("h2", null, "Judgement ", judged(task)),
      h("p", { class: "small quiet" }, `${counted} Judgements never change the catalogue; they go into microbes.csv as columns.`),
      this.readOnly ? null : h("div", { class: "actions" },
        judgeButtons(task, (opinion) => this.judge(opinion), ["a", "r"], " this task"),
        this.past.length ? h("button", { onclick: () => this.undo() }, "Undo ", h("kbd", null, "u")) : null));
    this.element.hidden = false;
  }

  async judge(opinion) {
    if (this.readOnly) return;
    this.past.push(this.opinion);
    await this.send(opinion);
  }

  async undo() {
    if (this.past.length) await this.send(this.past.pop());
  }

  async send(opinion) {
    try {
      this.take(await post("judgements", { ...this.names, task: { opinion } }));
      say(opinion ? `The task is ${words[opinion]}.` : "The judgement of the task is taken back.");
    } catch (error) {
      say(error.message);
    }
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === "a") this.judge(this.opinion === "accept" ? null : "accept");
    else if (event.key === "r") this.judge(this.opinion === "reject" ? null : "reject");
    else if (event.key === "u") this.undo();
    else return;
    event.preventDefault();
  }
}
