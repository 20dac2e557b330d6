// The drawings, kept in the page itself: a host that is gone cannot hand out the one that says so.

/** Take the sheet's symbols into the page; whoever changes an icon goes on as before. */
export async function keepIcons() {
  const uses = [...document.querySelectorAll("use")];
  const [address] = uses[0].getAttribute("href").split("#");
  const answer = await fetch(address);
  const sheet = new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement;
  for (const symbol of [...sheet.children]) if (document.getElementById(symbol.id)) symbol.remove();
  sheet.setAttribute("hidden", "");
  document.body.append(document.adoptNode(sheet));
  for (const use of document.querySelectorAll("use")) {
    const [from, name] = use.getAttribute("href").split("#");
    if (from === address && sheet.querySelector(`#${name}`)) use.setAttribute("href", `#${name}`);
  }
}
