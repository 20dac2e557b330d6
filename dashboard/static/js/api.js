// Talking to our own server: JSON in both directions, the CSRF token with every change.
import { say } from "./texts.js";

const token = () => document.querySelector('meta[name="csrf-token"]').content;

/** A refusal with the words the server gave it. */
export class Problem extends Error {
  constructor({ code, says, do: next, detail }) {
    super(says);
    Object.assign(this, { code, says, do: next, detail: detail ?? {} });
  }
}

const unreachable = () => ({ code: "unreachable", says: say("unreachable"), do: say("unreachable_do") });

async function ask(url, options) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", ...options });
  } catch {
    throw new Problem(unreachable());
  }
  if (response.status === 401) location.reload(); // the sign-in page comes, and then this one again
  const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
  const body = isJson ? await response.json() : unreachable();
  if (!response.ok) throw new Problem(body);
  return body;
}

export const get = (url) => ask(url, { headers: { Accept: "application/json" } });

export const post = (url, data = {}) =>
  ask(url, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token() },
    body: JSON.stringify(data),
  });
