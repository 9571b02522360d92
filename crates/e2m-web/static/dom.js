// Elements, and numbers as people read them.

/** Makes an element: `h("a", {href: "#/"}, "text")`. A property `on…` listens; one that is null or false is left out. */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
}

/** The address of a page of this app. */
export function link(page, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return `#/${page}${text ? `?${text}` : ""}`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  for (const [unit, size] of [["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (value >= size) return `${(value / size).toFixed(value >= 100 * size ? 0 : 1)} ${unit}`;
  }
  return `${value} bytes`;
}

export function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 60) return `${value < 10 ? value.toFixed(1) : Math.round(value)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
}

/** A number with so many digits that matter. */
export function number(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (value === 0) return "0";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4) return value.toExponential(2);
  return String(Number(value.toPrecision(Math.max(digits, Math.ceil(Math.log10(size + 1))))));
}

export function when(secondsSince1970) {
  if (!secondsSince1970) return "";
  return new Date(1000 * secondsSince1970).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
}

/** A status or a verdict, by sign and words besides its colour. */
export function pill(kind, text) {
  const signs = { good: "✓", doubt: "!", bad: "✕", busy: "", idle: "" };
  const sign = signs[kind] ? h("span", { "aria-hidden": "true" }, signs[kind]) : null;
  return h("span", { class: `pill ${kind}` }, sign, text);
}

/** The status of a task as a pill and the reason behind it. */
export function status(text) {
  if (!text) return { pill: pill("idle", "not run"), why: "" };
  const at = text.indexOf(":");
  const [word, why] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1).trim()];
  const kinds = { complete: "good", suspect: "doubt", error: "bad", incomplete: "idle" };
  return { pill: pill(kinds[word] ?? "idle", word === "error" ? "failed" : word), why };
}

export function verdict(word) {
  if (!word) return "–";
  return pill({ pass: "good", suspect: "doubt", fail: "bad" }[word] ?? "idle", word);
}

/** Says something in the corner, which goes away by itself. */
export function say(text) {
  const place = document.getElementById("said");
  const line = h("p", null, text);
  place.append(line);
  setTimeout(() => line.remove(), Math.max(5000, 70 * text.length));
}
