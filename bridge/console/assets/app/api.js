// The API of the service, with the session of this page. Paths begin with the name of an API:
// `uapi/phoneCalls/…`, `console/reach`.
import { lose, session } from "./session.js";

const BASE = new URL("..", document.baseURI);

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

export function urlOf(path, query = {}) {
  const url = new URL(path.replace(/^\//, ""), BASE);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

// The answer as the browser has it: for a stream, or audio. Throws ApiError.
export async function request(method, path, { query, body, headers, signal } = {}) {
  const answer = await fetch(urlOf(path, query), {
    method,
    signal,
    headers: {
      "X-Console-Proof": session.get()?.proof ?? "",
      ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch((fault) => {
    if (fault.name === "AbortError") throw fault;
    throw new ApiError(0, "unreachable", "The service cannot be reached.");
  });
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => null);
  const { code = "", message = `The service answered ${answer.status}.` } = told?.error ?? {};
  if (answer.status === 401 || code === "console_proof_invalid") lose();
  throw new ApiError(answer.status, code, message);
}

async function json(method, path, options) {
  const answer = await request(method, path, options);
  return answer.status === 204 ? null : answer.json();
}

export const api = {
  get: (path, query, options) => json("GET", path, { query, ...options }),
  post: (path, body, options) => json("POST", path, { body, ...options }),
  put: (path, body, options) => json("PUT", path, { body, ...options }),
  delete: (path, query, options) => json("DELETE", path, { query, ...options }),
};
