// A batch: its tasks with what is there of each, the check before a run, and the run.
import { get, post } from "./api.js";
import { Editor } from "./edit.js";
import { Raws } from "./raws.js";
import { judged } from "./judge.js";
import { bytes, fill, h, link, number, pill, say, seconds, status, verdict } from "./dom.js";

export async function batch(main, { batch: name }, app) {
  document.title = `${name} – e2m`;
  const state = { name, facts: null, chosen: new Set(), check: null };
  const raws = new Raws(name);
  const table = h("div", { class: "table" });
  const checked = h("section", { class: "card", "aria-label": "Check" });
  const running = h("section", { class: "card", hidden: true, "aria-label": "Run" });
  const runButton = h("button", { class: "main", onclick: () => run(state, app) }, "Run");
  const abortButton = h("button", { class: "danger", hidden: true, onclick: () => abort(name) }, "Abort");

  const load = async () => {
    const first = state.facts === null;
    state.facts = await get("batch", { batch: name });
    if (first) for (const one of state.facts.tasks ?? []) state.chosen.add(key(one));
    drawTasks(table, state, changed);
    raws.show(state.facts.tasks ?? []);
  };
  let asked = 0;
  const check = async () => {
    const mine = ++asked;
    if (!state.facts.tasks?.length || !state.chosen.size) {
      fill(checked, h("h2", null, "Check"), h("p", { class: "quiet" }, "Choose at least one task."));
      return;
    }
    try {
      const found = await get("check", { batch: name, ...chosenNames(state) });
      if (mine === asked) drawCheck(checked, found);
    } catch (error) {
      if (mine === asked) fill(checked, h("h2", null, "Check"), h("pre", { class: "problem" }, error.message));
    }
  };
  const buttons = () => {
    const own = app.run && app.run.batch === name && !app.run.ending;
    const other = app.run && app.run.batch !== name && !app.run.ending;
    runButton.hidden = own;
    abortButton.hidden = !own;
    abortButton.disabled = own && app.run.aborting;
    abortButton.textContent = own && app.run.aborting ? "Stopping …" : "Abort";
    const all = state.facts.tasks?.length === state.chosen.size;
    runButton.textContent = all ? "Run all" : `Run ${state.chosen.size} chosen`;
    runButton.disabled = Boolean(app.session.read_only || other || !state.chosen.size || state.facts.cluster);
    runButton.title = other ? `${app.run.batch} is running` : state.facts.cluster ? "This batch runs on a cluster: e2m submit" : "";
  };
  const changed = () => {
    buttons();
    check();
  };

  await load();
  const { facts } = state;
  // Another list of tasks is another page.
  const editor = new Editor(name, facts.text, { readOnly: app.session.read_only, saved: () => dispatchEvent(new Event("hashchange")) });
  const narrow = h("button", { onclick: () => write(editor, state), title: "Writes samples and dyes of the chosen tasks into the text of the batch file, which is then to be saved" }, "Choice into the batch file");
  fill(main,
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Batches")),
    h("div", { class: "head" },
      h("div", null, h("h1", null, name), facts.problem ? null : h("p", { class: "quiet" }, `${facts.raw_dir} → ${facts.output_dir}`)),
      h("div", { class: "actions" }, facts.problem ? null : [runButton, abortButton])),
    facts.problem ? h("pre", { class: "problem" }, facts.problem) : null,
    (facts.warnings ?? []).map((text) => h("p", { class: "warning" }, text)),
    facts.problem ? null : [
      running,
      h("section", { class: "card" }, h("h2", null, "Tasks"), table, missing(facts), app.session.read_only ? null : h("div", { class: "actions" }, narrow)),
      checked,
      h("section", { class: "card", "aria-label": "Raw images" }, raws.element),
    ],
    h("section", { class: "card", "aria-label": "Batch file" }, h("h2", null, "Batch file"), editor.element));
  const guard = (event) => {
    if (editor.isChanged()) event.preventDefault();
  };
  addEventListener("beforeunload", guard);
  if (facts.problem) return () => removeEventListener("beforeunload", guard);
  buttons();
  check();

  let wasRunning = false;
  const heard = (isNew) => {
    const own = app.run && app.run.batch === name;
    running.hidden = !own;
    if (own && (isNew || running.childElementCount === 0)) drawRun(running, app);
    buttons();
    const isRunning = Boolean(own && !app.run.ending);
    if (wasRunning && !isRunning) load().then(check);
    wasRunning = isRunning;
  };
  heard(true);
  app.listeners.add(heard);
  // What runs in a terminal or on a cluster is seen by what it leaves on the disk.
  const again = setInterval(() => document.hidden || load().catch(() => {}), 10000);
  return () => {
    removeEventListener("beforeunload", guard);
    raws.close();
    clearInterval(again);
    app.listeners.delete(heard);
  };
}

const key = (one) => `${one.sample}/${one.dye}`;

/** Samples and dyes of what is chosen; nothing where that is everything. */
function chosenNames(state) {
  const all = state.facts.tasks;
  if (all.length === state.chosen.size) return {};
  const chosen = all.filter((one) => state.chosen.has(key(one)));
  const unique = (field) => [...new Set(chosen.map((one) => one[field]))].join(",");
  return { samples: unique("sample"), dyes: unique("dye") };
}

/** What is chosen as the batch file says it. */
function write(editor, state) {
  const names = chosenNames(state);
  const value = (text) => (text ? JSON.stringify(text.split(",")) : '"all"');
  editor.set([{ section: "", key: "samples", value: value(names.samples) }, { section: "", key: "dyes", value: value(names.dyes) }]);
  editor.element.scrollIntoView({ block: "start" });
}

function missing(facts) {
  if (!facts.missing?.length) return null;
  return [h("h3", null, "Pairs that are not there"), h("ul", null, facts.missing.map((one) => h("li", null, h("b", null, one.dye ? `${one.sample}/${one.dye}` : one.sample), ` ${one.why}`)))];
}

function drawTasks(place, state, changed) {
  const { facts, chosen, name } = state;
  // Samples and dyes are chosen, not single pairs: that is what a batch file and the command line can say.
  const toggle = (one, on) => {
    if (on) chosen.add(key(one));
    else chosen.delete(key(one));
    const left = facts.tasks.filter((other) => chosen.has(key(other)));
    const [samples, dyes] = ["sample", "dye"].map((field) => new Set(left.map((other) => other[field])));
    const besides = facts.tasks.filter((other) => !chosen.has(key(other)) && samples.has(other.sample) && dyes.has(other.dye));
    if (besides.length && on) besides.forEach((other) => chosen.add(key(other)));
    else if (besides.length) facts.tasks.filter((other) => other.sample === one.sample).forEach((other) => chosen.delete(key(other)));
    drawTasks(place, state, changed);
    changed();
  };
  const row = (one) => {
    const result = one.result;
    const now = one.running ? { pill: pill("busy", one.running.stage ? `stage ${one.running.stage}` : "running"), why: "" } : status(one.status ?? result?.status);
    const where = { batch: name, sample: one.sample, dye: one.dye };
    const per = result?.microbes_per_mm2 ?? null;
    const curated = result?.microbes_curated ?? null;
    const left = curated === null || result.judgement === "reject" || curated === result.microbes ? "" : `, ${curated} after curation`;
    const counted = result?.microbes === null || result?.microbes === undefined ? "–" : `${result.microbes}${per === null ? "" : ` (${number(per, 3)}/mm²)`}${left}`;
    return h("tr", null,
      h("td", { class: "whole name" }, h("input", { type: "checkbox", checked: chosen.has(key(one)), "aria-label": `run ${key(one)}`, onchange: (event) => toggle(one, event.target.checked) }), h("a", { href: link("task", where) }, h("b", null, key(one)))),
      h("td", { class: "why whole", "data-name": "status" }, now.pill, " ", judged(result?.judgement), now.why ? h("div", { class: "small quiet" }, now.why) : null),
      h("td", { "data-name": "alignment" }, verdict(result?.verdict)),
      h("td", { class: "number", "data-name": "residual" }, result?.residual_median_px === null || result?.residual_median_px === undefined ? "–" : `${number(result.residual_median_px, 3)} px`),
      h("td", { class: "number", "data-name": "scale" }, result?.scale ? `${number(result.scale)} ± ${number(result.scale_std_error, 2)}` : "–"),
      h("td", { class: "number", "data-name": "microbes" }, counted),
      h("td", { class: "whole" }, result ? h("a", { class: "button", href: link("look", where) }, "Look") : null));
  };
  fill(place, h("table", { class: "stack" },
    h("thead", null, h("tr", null, ["Task", "Status", "Alignment", "Residual", "Scale", "Microbes", ""].map((text, i) => h("th", { class: i > 2 && i < 6 ? "number" : null, scope: "col" }, text || h("span", { class: "skip" }, "actions"))))),
    h("tbody", null, (facts.tasks ?? []).map(row))));
}

/** Minutes and hours, and what they are from. */
function expected({ expected: found }, todo) {
  if (!todo) return "nothing to do";
  if (!found) return "not known: no task of this batch has done these stages yet";
  const from = `${number(found.megapixels_per_second, 2)} Mpx/s per worker in ${found.tasks} earlier ${found.tasks === 1 ? "task" : "tasks"}`;
  return [h("b", null, `about ${seconds(found.seconds)}`), h("div", { class: "small quiet" }, from)];
}

function drawCheck(place, found) {
  const todo = found.tasks.filter((one) => !one.finished && !one.problem).length;
  const fact = (name, value) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, value));
  fill(place,
    h("h2", null, "Check ", found.refused ? pill("bad", "does not fit") : pill("good", "fits this machine")),
    h("div", { class: "two" },
      h("table", { class: "facts" }, h("tbody", null,
        fact("Tasks to do", `${todo} of ${found.tasks.length}`),
        fact("Workers that fit", [`${found.workers}, ${found.threads} compute ${found.threads === 1 ? "thread" : "threads"}`, found.how ? h("div", { class: "small quiet" }, found.how.replace(/^[\s,]+/, "")) : null]),
        fact("Time to expect", expected(found, todo)),
        fact("Disk they will take", bytes(found.disk_bytes)))),
      h("table", { class: "facts" }, h("tbody", null,
        fact("Memory planned", bytes(found.memory_plan_bytes)),
        fact("By the 6x rule", bytes(found.memory_rule_bytes)),
        fact("Memory available", bytes(found.memory_available_bytes))))),
    found.lines.length ? h("pre", { class: found.refused ? "problem" : "note" }, found.lines.join("\n")) : null,
    found.tasks.filter((one) => one.problem).map((one) => h("p", { class: "problem" }, `${one.name}: ${one.problem}`)));
}

async function run(state, app) {
  const names = chosenNames(state);
  const list = (text) => (text ? text.split(",") : []);
  try {
    await post("run", { batch: state.name, samples: list(names.samples), dyes: list(names.dyes) });
    if (app.run) app.run.ending ??= null;
  } catch (error) {
    say(error.message);
  }
}

async function abort(name) {
  try {
    await post("run/abort", { batch: name });
  } catch (error) {
    say(error.message);
  }
}

const endings = { complete: ["good", "complete"], suspect: ["doubt", "complete, some results are suspect"], failed: ["bad", "failed"], aborted: ["doubt", "aborted; what was finished stays"], refused: ["bad", "refused"] };

function drawRun(place, app) {
  const { run, machine } = app;
  const [kind, text] = run.ending ? endings[run.ending] ?? ["idle", run.ending] : ["busy", run.aborting ? "stopping" : "running"];
  const rows = [...run.tasks.values()].sort((a, b) => a.index - b.index);
  const log = place.querySelector(".log") ?? h("pre", { class: "log", tabindex: 0, "aria-label": "Log of the run" });
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  log.textContent = run.log.join("\n");
  const row = (one) => h("tr", null,
    h("td", null, h("b", null, one.name)),
    h("td", { class: "why", "data-name": "state" }, phase(one)),
    h("td", { "data-name": "progress" }, one.phase === "running"
      ? [h("progress", { max: 100, value: one.percent ?? 0, "aria-label": `${one.name}: ${one.percent ?? 0} %` }), h("div", { class: "small quiet" }, one.what || " ")]
      : seconds(one.seconds)),
    h("td", { class: "number", "data-name": "speed" }, one.megapixels_per_second ? `${number(one.megapixels_per_second, 3)} Mpx/s` : "–"),
    h("td", { class: "number", "data-name": "memory / plan" }, `${bytes(one.rss_bytes)} / ${bytes(one.plan_bytes)}`));
  fill(place,
    h("h2", null, "Run ", pill(kind, text)),
    h("p", { class: "quiet small" }, `${seconds(run.seconds)} so far${run.seconds_left ? `, about ${seconds(run.seconds_left)} left` : ""}`.replace(" so far", run.ending ? "" : " so far")),
    run.why ? h("pre", { class: "problem" }, run.why) : null,
    rows.length ? h("div", { class: "table" }, h("table", { class: "stack" },
      h("thead", null, h("tr", null, ["Task", "State", "Progress", "Speed", "Memory / plan"].map((name, i) => h("th", { scope: "col", class: i > 2 ? "number" : null }, name)))),
      h("tbody", null, rows.map(row)))) : null,
    h("h3", null, "Machine, last ten minutes"), chart(machine, app.total),
    h("h3", null, "Log"), log);
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function phase(one) {
  if (one.phase === "running") {
    const again = one.attempt > 1 ? `, try ${one.attempt}` : "";
    const stalled = one.stalled_seconds ? h("div", { class: "small" }, `no sign of life for ${one.stalled_seconds} s`) : null;
    return [pill(stalled ? "doubt" : "busy", `stage ${one.stage ?? "–"}${again}`), stalled];
  }
  if (one.phase === "waiting") return pill("idle", one.attempt ? "put back, waits" : "waits");
  const end = status(one.status);
  return [end.pill, end.why ? h("div", { class: "small quiet" }, end.why) : null];
}

/** Memory and processors over time. */
function chart(samples, total) {
  const place = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  place.setAttribute("viewBox", "0 0 600 54");
  place.setAttribute("preserveAspectRatio", "none");
  place.setAttribute("class", "spark");
  const last = samples.at(-1);
  const memory = (one) => (one.available_bytes === null ? null : 1 - one.available_bytes / total);
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", last ? `memory ${Math.round(100 * (memory(last) ?? 0))} %, processors ${Math.round(100 * (last.cpu ?? 0))} %` : "nothing measured yet");
  const line = (name, value) => {
    const points = samples.map((one) => [600 - (last.seconds - one.seconds), value(one)]).filter(([x, y]) => y !== null && x >= 0);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("class", name);
    path.setAttribute("d", points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${(52 - 50 * Math.min(1, y)).toFixed(1)}`).join(""));
    place.append(path);
  };
  if (last) {
    line("memory", memory);
    line("cpu", (one) => one.cpu);
  }
  const words = last ? `memory in use (line) ${Math.round(100 * (memory(last) ?? 0))} % · processors (dashes) ${Math.round(100 * (last.cpu ?? 0))} %` : "";
  return [place, h("p", { class: "small quiet" }, words)];
}
