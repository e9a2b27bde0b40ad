// How a call sounds, of what the browser counts: each time against the time before.
const NAMES = { opus: "Opus", PCMU: "G.711 µ-law", PCMA: "G.711 A-law", G722: "G.722" };

export function makeQualityMeter() {
  let before = null;
  return async (connection) => {
    const reports = [...(await connection.getStats()).values()];
    const heard = reports.find((x) => x.type === "inbound-rtp" && x.kind === "audio");
    if (!heard) return null;
    const codec = reports.find((x) => x.id === heard.codecId)?.mimeType?.split("/")[1] ?? "";
    const pair = reports.find((x) => x.type === "candidate-pair" && x.nominated);
    const now = { received: heard.packetsReceived ?? 0, lost: heard.packetsLost ?? 0 };
    const since = before ?? { received: 0, lost: 0 };
    before = now;
    const received = now.received - since.received;
    const lost = Math.max(0, now.lost - since.lost);
    return {
      codec: NAMES[codec] ?? codec,
      silent: received === 0,
      lostPercent: received + lost > 0 ? (100 * lost) / (received + lost) : 0,
      jitterMs: Math.round(1000 * (heard.jitter ?? 0)),
      roundTripMs: pair?.currentRoundTripTime === undefined ? null : Math.round(1000 * pair.currentRoundTripTime),
    };
  };
}

export function verdict(quality) {
  if (quality.silent) return "bad";
  if (quality.lostPercent > 5 || quality.jitterMs > 60 || quality.roundTripMs > 400) return "bad";
  if (quality.lostPercent > 1 || quality.jitterMs > 30 || quality.roundTripMs > 200) return "warn";
  return "good";
}
