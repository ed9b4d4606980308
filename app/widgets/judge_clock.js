/** How long an image has been on the screen, and for how much of that the tab was hidden. */
class Clock {
  constructor(signal) {
    this.stop();
    document.addEventListener("visibilitychange", () => this.turn(), { signal });
  }

  /** From now on: called in the frame after the one that painted the image. */
  start() {
    this.shownAt = performance.now();
    this.hidden = 0;
    this.hiddenAt = document.hidden ? this.shownAt : null;
  }

  stop() {
    this.shownAt = null;
  }

  turn() {
    if (document.hidden) this.hiddenAt = performance.now();
    else if (this.hiddenAt !== null) {
      this.hidden += performance.now() - this.hiddenAt;
      this.hiddenAt = null;
    }
  }

  get running() {
    return this.shownAt !== null;
  }

  /** Milliseconds up to `at`, a time of the same kind as an event's timeStamp. */
  until(at) {
    return { milliseconds: tenth(at - this.shownAt), hidden: tenth(this.hidden) };
  }
}

/** One's own pace, for the time that is left. */
class Pace {
  constructor() {
    this.spent = 0;
    this.advanced = 0;
  }

  /** `done` items are through now. A pause counts as a minute at most. */
  note(done) {
    const now = performance.now();
    if (done > this.done) {
      this.spent += Math.min(now - this.since, LONGEST_PAUSE_MS);
      this.advanced += done - this.done;
    }
    if (done !== this.done) this.since = now;
    this.done = done;
  }

  /** Minutes for `open` more items; null until there is a pace. */
  minutes(open) {
    if (this.advanced < SMALLEST_PACE_SAMPLE) return null;
    return Math.ceil(((this.spent / this.advanced) * open) / 60000);
  }
}

const LONGEST_PAUSE_MS = 60000;
const SMALLEST_PACE_SAMPLE = 5;

function tenth(milliseconds) {
  return Math.round(milliseconds * 10) / 10;
}
