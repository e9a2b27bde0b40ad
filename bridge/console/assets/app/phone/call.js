// One call of the browser phone: a session of JsSIP, its audio, and what a person sees of it.
import { openMicrophone, playOnChosenSpeaker } from "./devices.js";
import { makeQualityMeter } from "./quality.js";
import { whyEnded } from "./reasons.js";

const QUALITY_EVERY_MS = 2000;
const ENOUGH_CANDIDATES_MS = 1000; // an address that no STUN server tells by then is not waited for

let count = 0;

// `call.view` is what is shown; `changed` is called after each change of it.
export function makeCall({ direction, number, name = "", iceServers, consultsFor = null, changed }) {
  const id = ++count;
  const audio = new Audio();
  audio.autoplay = true;
  let session = null;
  let microphone = null;
  let quality = 0;

  const call = {
    id,
    view: {
      id, direction, number, name, consultsFor, state: direction === "in" ? "incoming" : "calling",
      held: false, muted: false, earlyMedia: false, startedMs: null, why: "", quality: null,
      transferring: "",
    },
    get session() { return session; },
    options: (extra) => ({ mediaStream: microphone, pcConfig: { iceServers }, ...extra }),
  };

  function show(part) {
    call.view = { ...call.view, ...part };
    changed(call);
  }

  call.openMicrophone = async () => { microphone = await openMicrophone(); };

  call.attach = (made) => {
    session = made;
    if (session.connection) hear(session.connection);
    session.on("peerconnection", (event) => hear(event.peerconnection));
    session.on("icecandidate", (event) => setTimeout(event.ready, ENOUGH_CANDIDATES_MS));
    session.on("progress", (event) => {
      if (event.originator === "remote") show({ state: "ringing", earlyMedia: Boolean(event.response?.body) });
    });
    session.on("accepted", talk);
    session.on("confirmed", talk);
    session.on("hold", (event) => event.originator === "local" && show({ held: true }));
    session.on("unhold", (event) => event.originator === "local" && show({ held: false }));
    session.on("muted", () => show({ muted: true }));
    session.on("unmuted", () => show({ muted: false }));
    session.on("ended", over);
    session.on("failed", over);
  };

  function hear(connection) {
    connection.addEventListener("track", (event) => {
      audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
      call.playOnSpeaker();
    });
  }

  function talk() {
    if (call.view.state === "talking") return;
    show({ state: "talking", startedMs: Date.now() });
    const measure = makeQualityMeter();
    quality = setInterval(async () => {
      const told = await measure(session.connection).catch(() => null);
      if (told && call.view.state === "talking") show({ quality: told });
    }, QUALITY_EVERY_MS);
  }

  function over(event) {
    clearInterval(quality);
    call.release();
    audio.srcObject = null;
    show({ state: "ended", why: whyEnded(event), transferring: "" });
  }

  // Without this the browser shows that the page listens.
  call.release = () => {
    for (const track of microphone?.getTracks() ?? []) track.stop();
  };

  call.fail = (why) => {
    call.release();
    show({ state: "ended", why });
  };

  call.playOnSpeaker = () => playOnChosenSpeaker(audio);

  call.changeMicrophone = async () => {
    const sender = session?.connection?.getSenders().find((x) => x.track?.kind === "audio");
    if (!sender) return;
    const fresh = await openMicrophone();
    const [track] = fresh.getAudioTracks();
    track.enabled = !(call.view.muted || call.view.held);
    await sender.replaceTrack(track);
    call.release();
    microphone = fresh;
  };

  call.answer = async () => {
    await call.openMicrophone();
    if (call.view.state !== "incoming") return call.release();
    session.answer(call.options());
  };

  call.hangUp = () => {
    if (!session || session.isEnded()) return call.fail("");
    session.terminate(call.view.state === "incoming" ? { status_code: 486 } : {});
  };

  call.hold = (wanted) => new Promise((done) => {
    const asked = wanted ? session.hold({}, done) : session.unhold({}, done);
    if (!asked) done(); // it is so, or another change is under way
  });

  call.mute = (wanted) => (wanted ? session.mute({ audio: true }) : session.unmute({ audio: true }));

  call.sendDigit = (digit) => session.sendDTMF(digit, { transportType: "RFC2833", duration: 120, interToneGap: 60 });

  // `target`: a number, or another call whose other side this call's other side gets. Throws an Error
  // for people; the call goes on then.
  call.transfer = async (target) => {
    show({ transferring: typeof target === "string" ? target : target.view.number });
    try {
      await referred(session, target);
    } catch (fault) {
      show({ transferring: "" });
      throw fault;
    }
    if (!session.isEnded()) session.terminate();
  };

  return call;
}

function referred(session, target) {
  return new Promise((done, failed) => {
    const refused = (status) => failed(new Error(`The transfer was refused${status ? ` (${status})` : ""}.`));
    session.once("ended", done);
    const number = typeof target === "string";
    session.refer(number ? target : target.session.remote_identity.uri, {
      replaces: number ? undefined : target.session,
      eventHandlers: {
        accepted: done,
        failed: (event) => refused(event.status_line?.status_code),
        requestFailed: (event) => refused(event.response?.status_code),
      },
    });
  });
}
