// The browser phone: registered as one extension, with its calls. It lives as long as the page is open,
// whatever part of the console is shown.
import { api } from "../api.js";
import { session as signedIn } from "../session.js";
import { makeValue } from "../lib/value.js";
import { makeCall } from "./call.js";
import { devices } from "./devices.js";
import { loadJsSip } from "./jssip.js";
import { dialled } from "./numbers.js";
import { remember, remembered } from "./remembered.js";
import { ring } from "./ringing.js";

const REGISTER_S = 300;
const ASK_BEFORE_END_S = 30; // the service has a new password in the last minute
const AGAIN_MS = 5000;
const ENDED_SHOWN_MS = 6000;

// `state`: off, connecting, online, waiting (the connection broke), refused (`problem` says why).
export const line = makeValue({ state: "off", number: "", name: "", problem: "", calls: [] });

let agent = null;
let iceServers = [];
let renewing = 0;
let calls = [];

function show(part) {
  line.set({ ...line.get(), ...part });
}

function shown() {
  show({ calls: calls.map((call) => call.view) });
  const states = calls.map((call) => call.view);
  const talks = states.some((x) => x.state === "talking");
  if (!talks && states.some((x) => x.state === "incoming")) ring("incoming");
  else if (states.some((x) => x.state === "ringing" && !x.earlyMedia)) ring("outgoing");
  else ring("");
}

export function callOf(id) {
  return calls.find((call) => call.id === id);
}

export function active() {
  return calls.find((call) => call.view.state === "talking" && !call.view.held);
}

// ---- online and offline

async function credentials(number) {
  const told = await api.post(`console/phones/${encodeURIComponent(number)}/browser`);
  clearTimeout(renewing);
  renewing = setTimeout(renew, 1000 * Math.max(5, told.lastsS - ASK_BEFORE_END_S));
  return told;
}

async function renew() {
  const { number } = line.get();
  try {
    const told = await credentials(number);
    agent?.set("password", told.password);
    return true;
  } catch (fault) {
    if (fault.status === 401 || fault.status === 403) refuse(fault.message);
    else renewing = setTimeout(renew, AGAIN_MS);
    return false;
  }
}

export async function goOnline(number) {
  goOffline();
  show({ state: "connecting", number, problem: "" });
  try {
    const [JsSIP, told] = await Promise.all([loadJsSip(), credentials(number)]);
    if (line.get().number !== number || line.get().state !== "connecting") return;
    iceServers = told.iceServers;
    show({ name: told.name });
    remember("online", number);
    start(JsSIP, told);
  } catch (fault) {
    refuse(fault.message);
  }
}

function start(JsSIP, told) {
  const url = new URL("../ws", document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(url.href)],
    uri: `sip:${told.user}@${location.hostname}`,
    password: told.password,
    register_expires: REGISTER_S,
    user_agent: "uapi-bridge console",
    connection_recovery_max_interval: 15,
  });
  const own = agent;
  const mine = (handle) => (event) => { if (agent === own) handle(event); };
  agent.on("registered", mine(() => show({ state: "online", problem: "" })));
  agent.on("disconnected", mine(() => show({ state: "waiting" })));
  agent.on("registrationFailed", mine((event) => again(own, event.response?.status_code)));
  agent.on("newRTCSession", mine((event) => { if (event.originator === "remote") incoming(event.session); }));
  agent.start();
}

// The password may have been replaced, or the PBX made the phone anew.
async function again(own, status) {
  if (line.get().state !== "waiting") show({ state: "waiting" });
  await new Promise((done) => setTimeout(done, line.get().problem ? AGAIN_MS : 0));
  if (agent !== own) return;
  if (status) show({ problem: `The PBX does not register this phone (${status}). It is tried again.` });
  if ((await renew()) && agent === own && agent.isConnected()) agent.register();
}

function refuse(problem) {
  goOffline();
  show({ state: "refused", problem });
}

export function goOffline({ forget = false } = {}) {
  clearTimeout(renewing);
  const old = agent;
  agent = null;
  for (const call of [...calls]) if (call.view.state !== "ended") call.hangUp();
  old?.stop();
  if (forget) remember("online", "");
  show({ state: "off", problem: "" });
}

// ---- calls

function add(fields) {
  const call = makeCall({ ...fields, iceServers, changed });
  calls = [...calls, call];
  return call;
}

function changed(call) {
  if (call.view.state === "ended") {
    setTimeout(() => {
      calls = calls.filter((x) => x !== call);
      shown();
    }, ENDED_SHOWN_MS);
  }
  shown();
}

function incoming(session) {
  const { uri, display_name: name } = session.remote_identity;
  const call = add({ direction: "in", number: uri.user, name: name ?? "" });
  call.attach(session);
  shown();
}

// Throws an Error for people. `consultsFor`: the id of the call whose other side is to get this one.
export async function placeCall(text, consultsFor = null) {
  const number = dialled(text);
  if (!number) throw new Error("That is no number: digits, *, # and a leading + can be dialled.");
  if (line.get().state !== "online") throw new Error("The phone is offline. Go online first.");
  await holdOthers(null);
  const call = add({ direction: "out", number, consultsFor });
  shown();
  try {
    await call.openMicrophone();
    if (call.view.state === "ended") return call.release();
    const target = `sip:${encodeURIComponent(number)}@${location.hostname}`;
    call.attach(agent.call(target, call.options({ mediaConstraints: { audio: true, video: false } })));
  } catch (fault) {
    call.fail(fault.message);
  }
}

export async function answer(call) {
  await holdOthers(call);
  await call.answer().catch((fault) => {
    call.hangUp();
    show({ problem: fault.message });
  });
}

async function holdOthers(call) {
  const talking = calls.filter((x) => x !== call && x.view.state === "talking" && !x.view.held);
  await Promise.all(talking.map((x) => x.hold(true)));
}

export async function resume(call) {
  await holdOthers(call);
  await call.hold(false);
}

// A number, or `consult`: the call that was made to ask first.
export async function transfer(call, text, consult = null) {
  const number = consult ? null : dialled(text);
  if (!consult && !number) throw new Error("That is no number.");
  await call.transfer(consult ?? `sip:${encodeURIComponent(number)}@${location.hostname}`);
}

// ---- the page around it

let speaker = devices.get().speaker;
let microphone = devices.get().microphone;
devices.follow((chosen) => {
  if (chosen.speaker !== speaker) for (const call of calls) call.playOnSpeaker();
  if (chosen.microphone !== microphone) for (const call of calls) call.changeMicrophone().catch(() => {});
  ({ speaker, microphone } = chosen);
});

signedIn.follow((who) => { if (!who) goOffline(); });

addEventListener("beforeunload", (event) => {
  if (calls.some((call) => call.view.state === "talking")) event.preventDefault();
});
addEventListener("pagehide", () => goOffline());

// After a reload the phone is online again.
export function resumeOnline() {
  const number = remembered("online");
  if (number && line.get().state === "off") goOnline(number);
}
