// Why a call ended, for people.
const STATUSES = {
  403: "Not allowed.",
  404: "There is no such number.",
  408: "Nobody answered.",
  480: "Nobody can be reached there.",
  484: "The number is not complete.",
  486: "Busy.",
  487: "Not answered.",
  488: "The PBX and this browser have no form of audio in common.",
  503: "The PBX cannot place the call now.",
  600: "Busy.",
  603: "Declined.",
};

// `event`: of JsSIP's `failed` and `ended`.
export function whyEnded(event) {
  const status = event.message?.status_code;
  if (status) return STATUSES[status] ?? `It failed (${status} ${event.message.reason_phrase}).`;
  const reason = event.message?.getHeader?.("Reason") ?? "";
  if (/cause=(200|26)\b/.test(reason)) return "Answered on another phone.";
  if (event.originator === "local") return "";
  if (event.cause === "Canceled") return "The caller gave up.";
  return event.cause === "Terminated" ? "" : `${event.cause}.`;
}
