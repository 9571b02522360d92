// The variants of a task that `e2m compare` has left, and two of them next to each other.
import { get } from "./api.js";
import { fill, h, link, number, seconds, status, verdict } from "./dom.js";

/** What a variant is called. */
export function variantTitle(one) {
  return `${one.name === "" ? "the batch" : "variant"}${one.label ? `: ${one.label}` : ""}`;
}

export async function compare(main, { batch, sample, dye }) {
  const names = { batch, sample, dye };
  document.title = `${sample}/${dye} – variants – e2m`;
  const { variants } = await get("variants", names);
  const chosen = { first: variants[0]?.name, second: variants[1]?.name };
  const button = h("a", { class: "button main" }, "Look at both");
  const said = h("p", { class: "small quiet", role: "status" });
  const settle = () => {
    const [a, b] = [chosen.first, chosen.second].map((name) => variants.find((one) => one.name === name));
    const alike = a && b && a.width === b.width && a.height === b.height;
    button.hidden = !alike || a === b;
    button.href = link("look", { ...names, mode: "beside", a: "difference", b: "difference", variant: chosen.first, with: chosen.second || "batch", objects: 1 });
    said.textContent = a === b ? "Choose two that are not the same." : alike ? "" : "Their canvases are not of the same size (pad), so that they cannot be laid side by side.";
  };
  const radio = (which, one) => h("input", {
    type: "radio", name: which, checked: chosen[which] === one.name, "aria-label": `${variantTitle(one)} as the ${which}`,
    onchange: () => { chosen[which] = one.name; settle(); },
  });
  const row = (one) => {
    const now = status(one.status);
    return h("tr", null,
      h("td", { "data-name": "left" }, radio("first", one)),
      h("td", { "data-name": "right" }, radio("second", one)),
      h("td", { class: "whole" }, h("b", null, one.name === "" ? "the batch" : "variant"), one.label ? h("div", { class: "mono" }, one.label) : null),
      h("td", { "data-name": "status" }, now.pill),
      h("td", { "data-name": "alignment" }, verdict(one.verdict)),
      h("td", { class: "number", "data-name": "residual" }, one.residual_median_px === null ? "–" : `${number(one.residual_median_px, 3)} px`),
      h("td", { class: "number", "data-name": "scale" }, one.scale === null ? "–" : `${number(one.scale)} ± ${number(one.scale_std_error, 2)}`),
      h("td", { class: "number", "data-name": "microbes" }, number(one.microbes)),
      h("td", { class: "number", "data-name": "expected false" }, number(one.expected_false_microbes, 2)),
      h("td", { class: "number", "data-name": "time" }, seconds(one.seconds)));
  };
  const heads = ["Left", "Right", "Values", "Status", "Alignment", "Residual", "Scale", "Microbes", "Expected false", "Time"];
  fill(main,
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Batches"), " / ", h("a", { href: link("batch", { batch }) }, batch), " / ", h("a", { href: link("task", names) }, `${sample}/${dye}`)),
    h("div", { class: "head" }, h("div", null, h("h1", null, "Variants"), h("p", { class: "quiet" }, "The same task with other values of some parameters, as e2m compare has made them. Only values that differ are named.")), h("div", { class: "actions" }, variants.length > 1 ? button : null)),
    variants.length > 1
      ? h("section", { class: "card" }, h("div", { class: "table" }, h("table", { class: "stack" }, h("thead", null, h("tr", null, heads.map((text, i) => h("th", { scope: "col", class: i > 4 ? "number" : null }, text)))), h("tbody", null, variants.map(row)))), said)
      : h("div", { class: "card" }, h("h2", null, "There is nothing to hold against each other yet"), h("p", null, "In a terminal: ", h("code", null, `e2m compare ${batch} --param detect_sigma --values 4,5,6`))));
  settle();
}
