// What a state sounds like. Each sound has its own rhythm and direction, so it is known unseen.

const KEY = "taptill.sound";
const LEVELS = { on: 0.22, low: 0.07, off: 0 };
const NEXT = { on: "low", low: "off", off: "on" };

// [frequency in Hz, start in s, length in s]
const SOUNDS = {
  reading: [[880, 0, 0.05]],
  authorising: [[988, 0, 0.06]],
  approved: [[659, 0, 0.12], [988, 0.13, 0.28]], // two tones, rising
  declined: [[233, 0, 0.18], [233, 0.26, 0.18], [175, 0.52, 0.34]], // three tones, low, falling
  checking: [[494, 0, 0.1], [494, 0.3, 0.1]], // the same tone twice
  hint: [[392, 0, 0.09]],
};

export class Sound {
  #audio;
  #button;

  constructor(button) {
    this.#button = button;
    button.addEventListener("click", () => {
      localStorage.setItem(KEY, NEXT[this.level]);
      this.#label();
      this.play("approved");
    });
    // Browsers allow sound only after a first touch or key.
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.#wake(), { passive: true });
    this.#label();
  }

  get level() {
    const kept = localStorage.getItem(KEY);
    return kept in LEVELS ? kept : "on";
  }

  play(name) {
    const volume = LEVELS[this.level];
    if (!volume || !SOUNDS[name] || this.#audio?.state !== "running") return;
    const now = this.#audio.currentTime + 0.005;
    for (const [frequency, start, length] of SOUNDS[name]) this.#tone(frequency, now + start, length, volume);
  }

  #tone(frequency, start, length, volume) {
    const tone = new OscillatorNode(this.#audio, { type: "triangle", frequency });
    const gain = new GainNode(this.#audio, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(volume, start + 0.012);
    gain.gain.setValueAtTime(volume, start + Math.max(0.013, length - 0.03));
    gain.gain.linearRampToValueAtTime(0, start + length);
    tone.connect(gain).connect(this.#audio.destination);
    tone.start(start);
    tone.stop(start + length + 0.02);
  }

  #wake() {
    this.#audio ??= new AudioContext();
    if (this.#audio.state === "suspended") this.#audio.resume();
  }

  #label() {
    const words = `Sound: ${this.level}`;
    this.#button.setAttribute("aria-label", words);
    this.#button.title = words;
    const use = this.#button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#sound-${this.level}`));
  }
}
