// The till's worker: files and the page for when there is no host. Everything else, the till's state
// and every other fact, goes to the host and is never answered from here.
"use strict";

const { cache, files, offline } = self.SHELL;

self.addEventListener("install", (event) => {
  const fill = async () => (await caches.open(cache)).addAll([...files, offline]);
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const tidy = async () => {
    const old = (await caches.keys()).filter((name) => name !== cache);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  const kept = request.mode === "navigate" ? offline : files.find((file) => file === pathname);
  // The host is asked first: a till never runs with yesterday's files.
  if (kept) event.respondWith(fetch(request).catch(() => caches.match(kept)));
});
