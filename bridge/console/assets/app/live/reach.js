// The users and extensions that the session may act for; asked for once in a session.
import { api } from "../api.js";
import { useEffect } from "../lib/html.js";
import { makeValue, useValue } from "../lib/value.js";
import { session } from "../session.js";
import { makeReach } from "./reach_index.js";

const NOTHING = makeReach({ organizations: [], users: [] });
const reach = makeValue(NOTHING);
let asked = null;

session.follow((now) => {
  if (now) return;
  asked = null;
  reach.set(NOTHING);
});

export function useReach() {
  useEffect(() => {
    asked ??= api.get("console/reach").then((told) => reach.set(makeReach(told)), () => { asked = null; });
  }, []);
  return useValue(reach);
}
