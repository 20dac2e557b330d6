// Live updates by server-sent events, resumed by the browser with Last-Event-ID. Where no stream
// is to be had (eight are taken, or the service is away) the page asks every two seconds instead.

const POLL_MS = 2000;
const AGAIN_MS = 15000;

/**
 * Listen from event `after` on. `on` maps event names to functions of their data; `poll()` asks
 * for the whole state and rejects when nobody answers; `lost()` is called then.
 */
export function listen({ url, topics, after, on, poll, lost }) {
  let source;
  let polling;

  const ask = () => poll().catch(lost);

  function startPolling() {
    if (polling) return;
    polling = setInterval(ask, POLL_MS);
    ask();
  }

  function stopPolling() {
    clearInterval(polling);
    polling = undefined;
  }

  function open() {
    const joint = url.includes("?") ? "&" : "?";
    source = new EventSource(`${url}${joint}${new URLSearchParams({ topics, after })}`);
    source.addEventListener("open", () => {
      if (polling) ask();
      stopPolling();
    });
    source.addEventListener("error", () => {
      startPolling();
      if (source.readyState === EventSource.CLOSED) setTimeout(open, AGAIN_MS);
    });
    for (const [name, take] of Object.entries(on)) {
      source.addEventListener(name, (event) => {
        if (event.lastEventId) after = event.lastEventId;
        take(JSON.parse(event.data));
      });
    }
  }

  open();
  // A page in the back/forward cache must not hold a place among the eight.
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) {
      ask();
      open();
    }
  });
}
