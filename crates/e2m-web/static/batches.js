// The batch files of the folder.
import { get } from "./api.js";
import { fill, h, link, pill, when } from "./dom.js";
import { Editor } from "./edit.js";

export async function batches(main, _, app) {
  document.title = "e2m";
  const { batches: list, example, incomplete } = await get("batches");
  const running = app.run && !app.run.ending ? app.run.batch : null;
  const card = (one) => {
    const state = one.problem ? pill("bad", "has problems") : one.name === running ? pill("busy", "running") : one.ran ? pill("good", "has results") : pill("idle", "not run");
    return h("article", { class: "card" },
      h("h2", null, h("a", { href: link("batch", { batch: one.name }) }, one.name)),
      h("div", null, state),
      one.problem
        ? h("p", { class: "small" }, one.problem.split("\n").filter((line) => line.trim()).slice(0, 2).join(" "))
        : h("p", { class: "small quiet" }, `${one.raw_dir} → ${one.output_dir}`),
      h("p", { class: "small quiet" }, `changed ${when(one.modified)}`));
  };
  fill(main,
    h("div", { class: "head" }, h("div", null, h("h1", null, "Batches"), h("p", { class: "quiet" }, "A batch file says where the raw images lie and which samples and dyes are compared."))),
    list.length
      ? h("div", { class: "grid" }, list.map(card))
      : h("div", { class: "card" }, h("h2", null, "There is no batch file in this folder"), h("p", null, "A batch file is a TOML file that names a raw_dir and an output_dir. In a terminal, ", h("code", null, "e2m init"), " writes one to start from.")),
    app.session.read_only ? null : fresh(example),
    incomplete ? h("p", { class: "note" }, "The folder is large; batch files that lie deep in it may be missing here. Start e2m serve on a smaller folder.") : null);
}

/** A new batch file, begun from the commented one of `e2m init`. */
function fresh(example) {
  const place = h("div", null);
  const name = h("input", { type: "text", id: "new-name", value: "batch.toml", autocomplete: "off" });
  const begin = () => {
    const own = name.value.trim();
    const editor = new Editor(own, example, { readOnly: false, isNew: true, saved: () => { location.hash = link("batch", { batch: own }); } });
    fill(place, editor.element);
    editor.area.focus();
  };
  return h("section", { class: "card new" }, h("h2", null, "New batch"),
    h("p", { class: "small quiet" }, "A name below this folder, such as rocks/batch.toml. Nothing is written before it is saved."),
    h("div", { class: "actions" }, h("label", { for: "new-name" }, "File "), name, h("button", { onclick: begin }, "Begin")), place);
}
