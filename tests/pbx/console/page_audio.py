"""The devices that the page of the phone uses, and its ringtone as it is heard."""

from __future__ import annotations

from bridge.testing.softphones.browser_phone import NEAR_HZ, BrowserPhone

# The microphone of the call, the speakers that the page has asked for, and the ringtone.
OBSERVED = """
window.speakers = new Set();
for (const player of [HTMLMediaElement.prototype, AudioContext.prototype]) {
  const real = player.setSinkId;
  player.setSinkId = function (id) {
    return real.call(this, id).then(() => window.speakers.add(`${player.constructor.name} ${id}`));
  };
}
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...more) {
  if (target instanceof AudioDestinationNode) {
    window.ringtone ??= new AnalyserNode(this.context, { fftSize: 8192 });
    connect.call(this, window.ringtone);
  }
  return connect.call(this, target, ...more);
};
window.ringsHz = () => {
  const heard = window.ringtone;
  if (heard?.context.state !== "running") return 0;
  const levels = new Float32Array(heard.frequencyBinCount);
  heard.getFloatFrequencyData(levels);
  const loudest = levels.indexOf(Math.max(...levels));
  return levels[loudest] < -70 ? -1 : loudest * heard.context.sampleRate / heard.fftSize;
};
window.microphone = () => connections.at(-1).getSenders()[0].track.getSettings().deviceId;
"""
_RINGTONE_HZ = (440, 554)


async def silent(phone: BrowserPhone) -> bool:
    """Whether the page plays no ringtone, and is not between two bursts of one."""
    return bool(await phone.page.evaluate("ringsHz()") == 0)


async def ringtone_heard(phone: BrowserPhone) -> bool:
    """Whether the page plays one of its two tones now."""
    heard = await phone.page.evaluate("ringsHz()")
    return any(abs(heard - hz) < NEAR_HZ for hz in _RINGTONE_HZ)
