/** Which presses count: one a press, with no other answer key held, after the keys were quiet. */
const ANSWER_KEYS = ["1", "2", "3", "4"];
/** An answer key pressed this soon after another one is a bounce or a key held down. */
const QUIET_MS = 100;

class Keys {
  /** `on` has answer(number, at), undo(), help() and dead(), which is true while keys mean nothing. */
  constructor(on, signal) {
    this.on = on;
    this.down = new Set();
    this.lastKey = -Infinity;
    const capture = { capture: true, signal };
    document.addEventListener("keydown", (event) => this.press(event), capture);
    document.addEventListener("keyup", (event) => this.down.delete(event.code), capture);
    window.addEventListener("blur", () => this.down.clear(), { signal });
  }

  press(event) {
    if (this.on.dead() || inTextField(event)) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (event.key === "?" || event.key === "Backspace") {
      event.preventDefault();
      if (!event.repeat) event.key === "?" ? this.on.help() : this.on.undo();
      return;
    }
    // A key held down on a focused button would click it again and again.
    if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
    const answer = answerOf(event);
    if (!answer) return;
    event.preventDefault();
    const quiet = event.timeStamp - this.lastKey >= QUIET_MS;
    this.lastKey = event.timeStamp;
    if (event.repeat) return;
    // Pressed again without having been seen to rise: its keyup went to another window.
    if (this.down.has(event.code)) this.down.clear();
    const alone = this.down.size === 0;
    this.down.add(event.code);
    if (alone && quiet) this.on.answer(answer, event.timeStamp);
  }
}

function answerOf({ key, code, shiftKey }) {
  if (ANSWER_KEYS.includes(key)) return Number(key);
  // Layouts whose digits need Shift (French): the key's place counts.
  const place = /^(?:Digit|Numpad)([1-4])$/.exec(code);
  return place && !shiftKey ? Number(place[1]) : null;
}

function inTextField(event) {
  const [place] = event.composedPath();
  return place instanceof Element && place.matches("input, textarea, select, [contenteditable]");
}
