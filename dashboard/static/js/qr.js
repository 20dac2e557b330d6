// The invoice of the sale as a QR code, and as text to copy.
import { say } from "./texts.js";

const COPIED_MS = 2000;

const $ = (id) => document.getElementById(id);

export class Code {
  #shown = null;
  #words;
  #telling;

  /** `image(saleId)` is the address of a sale's code; `tell(text)` says what became of copying. */
  constructor({ image, tell }) {
    this.image = image;
    this.tell = tell;
    this.#words = $("qr-copy").textContent;
    $("qr-copy").addEventListener("click", () => this.#copy());
    $("qr-text").addEventListener("focus", () => $("qr-text").select());
  }

  show(saleId, invoice) {
    $("qr").hidden = false;
    if (this.#shown === invoice) return;
    this.#shown = invoice;
    $("qr-image").src = this.image(saleId);
    $("qr-text").value = invoice;
  }

  hide() {
    $("qr").hidden = true;
    this.#shown = null;
    $("qr-image").removeAttribute("src");
    $("qr-text").value = "";
  }

  async #copy() {
    clearTimeout(this.#telling);
    let words = "copied";
    try {
      await navigator.clipboard.writeText($("qr-text").value);
    } catch {
      words = "not_copied"; // over plain http, or not allowed: it is selected at least
      $("qr-text").focus();
    }
    $("qr-copy").textContent = say(words);
    this.tell(say(words));
    this.#telling = setTimeout(() => ($("qr-copy").textContent = this.#words), COPIED_MS);
  }
}
