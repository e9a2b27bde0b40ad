// The session: whose it is, and the proof that each request carries. The cookie is the browser's.
import { makeValue } from "./lib/value.js";

// null: not known yet; false: nobody is signed in; else what GET /console/session says.
export const session = makeValue(null);

const HEADERS = { "Content-Type": "application/json" };

async function asked(method, body) {
  const answer = await fetch("session", {
    method,
    headers: body ? HEADERS : { "X-Console-Proof": session.get()?.proof ?? "" },
    body: body ? JSON.stringify(body) : undefined,
  });
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(told?.error?.message ?? `The service answered ${answer.status}.`);
  return told;
}

// With the code of a link in the address, that is used up; else the session that the browser has.
export async function begin() {
  const code = new URLSearchParams(location.hash.slice(1)).get("sign-in");
  if (code) {
    history.replaceState(null, "", "#/");
    try {
      session.set(await asked("POST", { code }));
      return "";
    } catch (fault) {
      await resume();
      return session.get() ? "" : fault.message;
    }
  }
  await resume();
  return "";
}

async function resume() {
  session.set((await asked("GET").catch(() => null)) ?? false);
}

// With `user` and `password`, or with `clientId` and `clientSecret`.
export async function signIn(credentials) {
  session.set(await asked("POST", credentials));
}

export async function signOut() {
  await asked("DELETE").catch(() => null);
  session.set(false);
}
