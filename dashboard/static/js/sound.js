// What a state sounds like. Each sound has its own rhythm and direction, so it is known unseen.
// How loud it is, is kept on this device.
import { say } from "./texts.js";

const VOLUME = "taptill.volume";
const MUTED = "taptill.muted";
const USUAL = 60;
const LOUDEST = 0.6; // of what the device can do: three tones at once must not clip
const LOW = 30;

// [frequency in Hz, start in s, length in s]
const SOUNDS = {
  reading: [[880, 0, 0.05]],
  authorising: [[988, 0, 0.06]],
  approved: [[659, 0, 0.12], [988, 0.13, 0.28]], // two tones, rising
  declined: [[233, 0, 0.18], [233, 0.26, 0.18], [175, 0.52, 0.34]], // three tones, low, falling
  checking: [[494, 0, 0.1], [494, 0.3, 0.1]], // the same tone twice
  hint: [[392, 0, 0.09]],
};

const $ = (id) => document.getElementById(id);

export class Sound {
  #audio;

  constructor() {
    $("volume").addEventListener("input", () => this.#set(Number($("volume").value), false));
    $("volume").addEventListener("change", () => this.play("approved"));
    $("mute").addEventListener("click", () => this.#set(this.volume, !this.muted));
    $("sound-test").addEventListener("click", () => this.play("approved"));
    // Browsers allow sound only after a first touch or key.
    for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => this.#wake(), { passive: true });
    this.#draw();
  }

  /** How loud, 0 to 100. */
  get volume() {
    const kept = Number(localStorage.getItem(VOLUME) ?? USUAL);
    return kept >= 0 && kept <= 100 ? kept : USUAL;
  }

  get muted() {
    return localStorage.getItem(MUTED) === "yes";
  }

  play(name) {
    if (this.muted || !this.volume || !SOUNDS[name] || this.#audio?.state !== "running") return;
    const gain = (this.volume / 100) ** 2 * LOUDEST; // ears hear in steps of a ratio
    const now = this.#audio.currentTime + 0.005;
    for (const [frequency, start, length] of SOUNDS[name]) this.#tone(frequency, now + start, length, gain);
    document.dispatchEvent(new CustomEvent("taptill-sound", { detail: { name, gain } }));
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
    if (navigator.userActivation?.isActive === false) return; // Esc, for one, allows nothing
    this.#audio ??= new AudioContext();
    if (this.#audio.state === "suspended") this.#audio.resume();
  }

  #set(volume, muted) {
    localStorage.setItem(VOLUME, volume);
    localStorage.setItem(MUTED, muted ? "yes" : "no");
    this.#draw();
  }

  #draw() {
    const { volume } = this;
    const silent = this.muted || !volume;
    const words = silent ? say("sound_off") : say("sound_is", { volume });
    $("volume").value = volume;
    $("volume").setAttribute("aria-valuetext", `${volume} %`);
    $("mute").setAttribute("aria-pressed", String(this.muted));
    $("sound").setAttribute("aria-label", words);
    $("sound").title = words;
    const use = $("sound").querySelector("use");
    const icon = silent ? "off" : volume <= LOW ? "low" : "on";
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#sound-${icon}`));
  }
}
