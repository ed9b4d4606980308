/**
 * Which runs of Streamlit's script this page has asked for and not seen end: `scriptRuns`.
 *
 * Streamlit's own sign of a running script comes with the run's first message, which on a busy
 * machine is long after the press that asked for it. Runs that a fragment asks for by itself, now
 * and then, do not count.
 */
(() => {
  /**
   * Fragment ("" for the whole script) → "asked"; "begun" since; or "cut": it ended early for
   * another run, which goes on with it or shows that nothing was left to do.
   */
  const runs = (window.scriptRuns = new Map());
  // Of streamlit.proto: BackMsg, ClientState, ForwardMsg, ForwardMsgMetadata and its run.
  const RERUN = 11, FRAGMENT = 5, BY_ITSELF = 6;
  const METADATA = 2, RUN = 6, FRAGMENTS = 2, NEW_SESSION = 4, FINISHED = 6, EARLY = 2;

  /** The values of a field of a protocol buffer: numbers, or bytes. */
  function values(bytes, wanted) {
    const found = [];
    let at = 0;
    const number = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    while (at < bytes.length) {
      const tag = number();
      const kind = tag & 7;
      let value;
      if (kind === 0) value = number();
      else {
        const length = kind === 2 ? number() : kind === 1 ? 8 : 4;
        value = bytes.subarray(at, at + length);
        at += length;
      }
      if (tag >> 3 === wanted) found.push(value);
    }
    return found;
  }

  const bytesOf = (message) =>
    ArrayBuffer.isView(message)
      ? new Uint8Array(message.buffer, message.byteOffset, message.byteLength)
      : new Uint8Array(message);
  const text = new TextDecoder();

  function sent(message) {
    for (const run of values(message, RERUN))
      if (!values(run, BY_ITSELF)[0]) runs.set(text.decode(values(run, FRAGMENT)[0]), "asked");
  }

  function received(message) {
    const [begun] = values(message, NEW_SESSION);
    const [finished] = values(message, FINISHED);
    if (begun === undefined && finished === undefined) return;
    const [run] = values(values(message, METADATA)[0], RUN);
    const fragments = values(run, FRAGMENTS).map((one) => text.decode(one));
    const meant = fragments.length ? fragments : [...runs.keys()];
    for (const [name, state] of [...runs])
      if (begun !== undefined) {
        if (meant.includes(name)) runs.set(name, "begun");
        else if (state === "cut") runs.delete(name);
      } else if (state !== "asked" && meant.includes(name)) {
        if (finished === EARLY) runs.set(name, "cut");
        else runs.delete(name);
      }
  }

  window.WebSocket = class extends WebSocket {
    constructor(...address) {
      super(...address);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") received(bytesOf(data));
      });
    }

    send(message) {
      if (typeof message !== "string") sent(bytesOf(message));
      super.send(message);
    }
  };
})();
