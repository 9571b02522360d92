// A task: what its record says, and its pictures.
import { address, get } from "./api.js";
import { TaskJudgement } from "./judge.js";
import { fill, h, link, number, seconds, status, verdict } from "./dom.js";

export async function task(main, where, app) {
  const { batch, sample, dye } = where;
  document.title = `${sample}/${dye} – e2m`;
  const { manifest, notes, um_per_px: um, version } = await get("task", { batch, sample, dye });
  const now = status(manifest.status);
  const names = { batch, sample, dye };
  const judgement = new TaskJudgement(names, app.session.read_only);
  fill(main,
    h("p", { class: "crumbs" }, h("a", { href: "#/" }, "Batches"), " / ", h("a", { href: link("batch", { batch }) }, batch)),
    h("div", { class: "head" }, h("div", null, h("h1", null, `${sample}/${dye} `), now.pill), h("div", { class: "actions" }, h("a", { class: "button", href: link("compare", names) }, "Variants"), h("a", { class: "button main", href: link("look", names) }, "Look at full resolution"))),
    now.why ? h("p", { class: manifest.status.startsWith("error") ? "problem" : "warning" }, now.why) : null,
    notes.map((note) => h("p", { class: "note" }, note)),
    h("div", { class: "two" }, alignment(manifest), scale(manifest), microbes(manifest, um), images(manifest, um)),
    h("h2", null, ""),
    judgement.element,
    pictures(manifest, names, version),
    h("section", { class: "card" }, h("details", null, h("summary", null, "The whole record"), h("pre", { class: "log" }, JSON.stringify(manifest, null, 2)))));
  await judgement.load();
  return () => judgement.close();
}

const fact = (name, value) => (value === null || value === undefined ? null : h("tr", null, h("th", { scope: "row" }, name), h("td", null, value)));
const card = (title, rows, ...more) => h("section", { class: "card" }, h("h2", null, title), h("table", { class: "facts" }, h("tbody", null, rows)), ...more);
const px = (value) => (value === null || value === undefined ? null : `${number(value, 3)} px`);
const reasons = (list) => (list?.length ? h("ul", { class: "small" }, list.map((text) => h("li", null, text))) : null);

function alignment({ alignment: found }) {
  if (!found) return card("Alignment", [fact("Stage 3", "not done")]);
  return card("Alignment", [
    fact("Verdict", verdict(found.verdict)),
    fact("Median residual", px(found.residual_median_px)),
    fact("Residual, nine in ten", px(found.residual_p90_px)),
    fact("Estimated accuracy", px(found.estimated_accuracy_px)),
    fact("Covered by pre", `${number(100 * found.overlap_fraction, 3)} %`),
    fact("Correlation", number(found.correlation, 3)),
    fact("Coarse method", found.coarse_method)], reasons(found.reasons));
}

function scale({ scale: judged, scales }) {
  const found = scales.moffat;
  return card("Scale", [
    fact("Verdict", verdict(judged?.verdict)),
    found ? fact("Scale of pre", `${number(found.value, 5)} ± ${number(found.std_error, 2)}`) : fact("Stage 4", "not done"),
    fact("By percentile", scales.percentile ? number(scales.percentile.value, 5) : null),
    fact("By hand", scales.manual ? number(scales.manual.value, 5) : null),
    fact("Pixels it rests on", found ? number(found.pixels, 6) : null)], reasons(judged?.reasons));
}

function microbes({ detection: found }, um) {
  if (!found) return card("Microbes", [fact("Stage 5", "not done")]);
  const per = (value) => (um ? `${number(value / (um[0] * um[1]), 3)}` : number(value, 3));
  const unit = um ? "per mm²" : "per Mpx";
  return card("Microbes", [
    fact("Microbes", `${found.microbes} of ${found.objects} objects`),
    fact(`Density ${unit}`, `${per(found.per_megapixel)} (${per(found.interval_95[0])} to ${per(found.interval_95[1])})`),
    fact("Expected to be none", number(found.expected_false, 3)),
    fact("Found with 90 %: flux", found.flux_90 === null ? null : `${number(found.flux_90, 3)} counts`),
    fact("Median footprint", found.median_area_px === null ? null : `${number(found.median_area_px, 3)} px`)], reasons(found.suspect));
}

function images(manifest, um) {
  const { inputs, stages } = manifest;
  const file = (input) => h("span", { class: "mono" }, input.path.split("/").at(-1));
  return card("Images", [
    fact("Post", file(inputs.post)),
    fact("Pre", file(inputs.pre)),
    fact("Pixel size", um ? `${number(um[0])} µm` : "not known"),
    fact("Took", seconds(stages.reduce((sum, stage) => sum + stage.seconds, 0))),
    fact("Version", `e2m ${manifest.version}`)]);
}

function pictures(manifest, names, version) {
  if (!manifest.pictures.length) return null;
  const one = (picture) => {
    const url = address("picture", { ...names, path: picture.path, v: version });
    const title = `${picture.kind.replaceAll("_", " ")}${picture.variant ? ` (${picture.variant})` : ""}`;
    return h("a", { href: url, target: "_blank", rel: "noopener" }, h("img", { src: url, alt: "", loading: "lazy" }), title);
  };
  return h("section", { class: "card" }, h("h2", null, "Pictures"), h("div", { class: "pictures" }, manifest.pictures.map(one)));
}
