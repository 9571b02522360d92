// The frame of the page: which page is shown, the bar above it, and the run that everything listens to.
import { get, Refused } from "./api.js";
import { bytes, fill, h, link, pill, seconds } from "./dom.js";
import { batches } from "./batches.js";
import { batch } from "./batch.js";
import { task } from "./task.js";
import { look } from "./look.js";
import { compare } from "./compare.js";

const pages = { "": batches, batch, task, look, compare };
const main = document.getElementById("main");
let leave = null;
let turn = 0;

/** What all pages know: the session, the run, the machine. */
export const app = { session: null, run: null, machine: [], listeners: new Set() };

function route() {
  const hash = location.hash.replace(/^#\/?/, "");
  const [name, query] = hash.split("?");
  return { name, parameters: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

/** Shows the page that the address names. A page answers with what is to be done when it is left. */
async function show() {
  const mine = ++turn;
  leave?.();
  leave = null;
  const { name, parameters } = route();
  const page = pages[name];
  document.body.classList.toggle("wide", name === "look");
  if (!page) {
    fill(main, h("h1", null, "There is no such page"), h("p", null, h("a", { href: "#/" }, "To the batches")));
    return;
  }
  fill(main, h("p", { class: "quiet" }, "Loading …"));
  try {
    const left = await page(main, parameters, app);
    if (mine === turn) leave = left;
    else left?.();
  } catch (error) {
    if (mine === turn) problem(error);
  }
}

function problem(error) {
  if (!(error instanceof Refused)) {
    console.error(error);
  }
  const parts = [h("h1", null, error.status === 401 ? "This browser is not let in yet" : "This cannot be shown"), h("pre", { class: "problem" }, error.message)];
  if (error.status === 401) parts.push(tokenForm());
  parts.push(h("p", null, h("a", { href: "#/" }, "To the batches"), " · ", h("button", { onclick: () => location.reload() }, "Try again")));
  fill(main, ...parts);
}

/** For whoever has the link of a colleague, and the token from him as well. */
function tokenForm() {
  const input = h("input", { type: "text", id: "token", autocomplete: "off", size: 52 });
  const open = () => {
    location.href = `./?token=${encodeURIComponent(input.value.trim())}${location.hash}`;
  };
  return h("p", null, h("label", { for: "token" }, "Token "), input, " ", h("button", { class: "main", onclick: open }, "Open"));
}

function bar() {
  const gauge = h("span", { class: "gauge", id: "gauge" });
  const running = h("span", { id: "running" });
  fill(document.getElementById("top"), h("div", { class: "bar" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: "static/icon.svg", alt: "" }), "e2m"),
    h("span", { class: "folder", title: app.session.folder }, h("bdi", null, app.session.folder)),
    app.session.read_only ? pill("idle", "read only") : null, running, gauge));
}

function showRun() {
  const place = document.getElementById("running");
  if (!place) return;
  const { run } = app;
  if (!run || run.ending) {
    fill(place);
  } else {
    const left = run.seconds_left ? `, about ${seconds(run.seconds_left)} left` : "";
    const done = [...run.tasks.values()].filter((one) => one.phase === "ended").length;
    const text = run.of ? `${done} of ${run.of} done${left}` : "starting";
    fill(place, h("a", { href: link("batch", { batch: run.batch }) }, pill("busy", text)));
  }
  const last = app.machine.at(-1);
  if (last && last.available_bytes !== null && app.total) {
    const used = app.total - last.available_bytes;
    const label = `memory ${bytes(used)} of ${bytes(app.total)}`;
    fill(document.getElementById("gauge"),
      h("meter", { min: 0, max: app.total, high: 0.85 * app.total, value: used, title: label, "aria-label": label }),
      `${bytes(used)} · ${last.cpu === null ? "–" : Math.round(100 * last.cpu)} % CPU`);
  }
}

/** Joins what has changed with what is known. */
function join(changes) {
  if (!app.run || app.run.number !== changes.number) app.run = { ...changes, tasks: new Map(), log: [] };
  const { tasks, log } = app.run;
  Object.assign(app.run, changes, { tasks, log });
  for (const one of changes.tasks) tasks.set(one.index, one);
  log.push(...changes.log);
  if (log.length > 2000) log.splice(0, log.length - 2000);
}

/** Listens to the run and the machine, however often the line breaks. */
function listen() {
  const source = new EventSource("api/run/events");
  source.onmessage = (message) => {
    const { run, machine } = JSON.parse(message.data);
    if (run) join(run);
    if (machine && machine.seconds !== app.machine.at(-1)?.seconds) {
      app.machine.push(machine);
      if (app.machine.length > 300) app.machine.shift();
    }
    showRun();
    for (const listener of app.listeners) listener(Boolean(run));
  };
}

async function begin() {
  try {
    app.session = await get("session");
  } catch (error) {
    problem(error);
    return;
  }
  bar();
  const { machine } = await get("machine");
  [app.machine, app.total] = [machine.samples, machine.total_bytes];
  listen();
  addEventListener("hashchange", show);
  await show();
}

begin();
