// A folder below the one that is served, chosen from a list.
import { get } from "./api.js";
import { fill, h } from "./dom.js";

/** The way from the folder of a batch file to another folder, both named from the folder that is served. */
export function wayTo(batch, folder) {
  const from = batch.split("/").slice(0, -1);
  const to = folder.split("/").filter(Boolean);
  let same = 0;
  while (same < from.length && same < to.length && from[same] === to[same]) same += 1;
  const way = [...from.slice(same).map(() => ".."), ...to.slice(same)];
  return way.join("/") || ".";
}

/** Lets somebody choose a folder; answers with its name, or null where nothing was chosen. */
export function pickFolder(title) {
  return new Promise((done) => {
    const list = h("div", { class: "folders" });
    const crumbs = h("nav", { class: "crumbs", "aria-label": "Where this folder lies" });
    const said = h("p", { class: "small quiet", role: "status" });
    let here = "";
    let chosen = null;
    const dialog = h("dialog", { class: "picker", "aria-label": title },
      h("h2", null, title), crumbs, list, said,
      h("div", { class: "actions" },
        h("button", { class: "main", onclick: () => { chosen = here; dialog.close(); } }, "Choose this folder"),
        h("button", { onclick: () => dialog.close() }, "Cancel")));
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(chosen);
    });
    const images = (count, more) => (count ? `${count}${more ? " or more" : ""} ${count === 1 ? "image" : "images"}` : "");
    const show = async (path) => {
      let found;
      try {
        found = await get("folders", { path });
      } catch (error) {
        said.textContent = error.message;
        return;
      }
      here = path;
      const parts = path.split("/").filter(Boolean);
      const crumb = (name, i) => [" / ", i === parts.length ? h("b", null, name) : h("button", { class: "plain", onclick: () => show(parts.slice(0, i).join("/")) }, name)];
      fill(crumbs, ["the folder of this server", ...parts].map(crumb).flat().slice(1));
      const one = (folder) => h("button", { onclick: () => show([...parts, folder.name].join("/")) },
        h("span", null, "▸ ", folder.name),
        h("span", { class: "quiet" }, [images(folder.images, folder.more), folder.folders ? `${folder.folders} ${folder.folders === 1 ? "folder" : "folders"}` : ""].filter(Boolean).join(", ")));
      fill(list, found.folders.length ? found.folders.map(one) : h("p", { class: "small quiet" }, "There is no folder in this one."));
      said.textContent = [images(found.images, false) ? `${images(found.images, false)} in this folder itself.` : "", found.incomplete ? "The folder is large; not all of it is listed." : ""].filter(Boolean).join(" ");
      list.querySelector("button")?.focus();
    };
    document.body.append(dialog);
    dialog.showModal();
    show("");
  });
}
