// What is asked of the server.

/** An answer that is not what was asked for; its message is the sentence for the user. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export function address(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters ?? {})) {
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  }
  const text = query.toString();
  return `api/${path}${text ? `?${text}` : ""}`;
}

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server does not answer. Is `e2m serve` still running? Start it again, and open the address it prints.");
  }
  const text = await response.text();
  let document = null;
  try {
    document = JSON.parse(text);
  } catch { /* an error of a proxy is a page */ }
  if (!response.ok) throw new Refused(response.status, document?.error ?? `${response.status} ${response.statusText}`);
  return document;
}

export function get(path, parameters, signal) {
  return answer(fetch(address(path, parameters), { signal, credentials: "same-origin" }));
}

export function post(path, body) {
  return answer(fetch(address(path), {
    method: "POST",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }));
}
