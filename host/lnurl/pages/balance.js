// Reads the card where a browser can (Web NFC). The page works without it.
const button = document.getElementById("scan");
const says = document.getElementById("scan-says");

function open(text) {
  const tap = new URL(text.trim().replace(/^lnurlw:/i, "https:"));
  const form = document.querySelector("form");
  form.elements.card.value = `lnurlw://${tap.host}${tap.pathname}${tap.search}`;
  form.submit();
}

function read(record) {
  if (record.recordType === "url" || record.recordType === "text") {
    return new TextDecoder(record.encoding || "utf-8").decode(record.data);
  }
  return null;
}

if ("NDEFReader" in window) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      const reader = new NDEFReader();
      reader.addEventListener("reading", ({ message }) => {
        const text = message.records.map(read).find(Boolean);
        if (text) {
          open(text);
        }
      });
      await reader.scan();
      says.textContent = says.dataset.hold;
    } catch {
      says.textContent = says.dataset.refused;
    }
  });
}
