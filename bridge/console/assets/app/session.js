// The session: whose it is, and the proof that each request carries. The cookie is the browser's.
import { makeValue } from "./lib/value.js";

// null: not known yet; false: nobody is signed in; else what GET /console/session says.
export const session = makeValue(null);

let problem = "";

// Why nobody is signed in, for people; told once.
export function takeProblem() {
  const told = problem;
  problem = "";
  return told;
}

// The service knows the session no more.
export function lose() {
  if (session.get()) problem = "The session has ended. Sign in again.";
  session.set(false);
}

// The cookie belongs to all tabs: each tells the others when it signs in or out.
const tabs = new BroadcastChannel("uapi-console-session");
tabs.onmessage = async ({ data: signedIn }) => {
  const before = session.get();
  const now = signedIn && (await asked("GET").catch(() => null));
  if (now && before && now.user?.id === before.user?.id && now.app?.clientId === before.app?.clientId) {
    return session.set(now);
  }
  session.set(false); // ends calls of the phone
  return now && location.reload();
};

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
      return await signIn({ code });
    } catch (fault) {
      problem = fault.message;
    }
  }
  await resume();
  if (session.get()) problem = "";
  return undefined;
}

async function resume() {
  session.set((await asked("GET").catch(() => null)) ?? false);
}

// With `user` and `password`, with `clientId` and `clientSecret`, or with the `code` of a link.
export async function signIn(credentials) {
  session.set(await asked("POST", credentials));
  tabs.postMessage(true);
}

export async function signOut() {
  await asked("DELETE").catch(() => null);
  session.set(false);
  tabs.postMessage(false);
}
