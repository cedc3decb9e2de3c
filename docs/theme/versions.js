// Other published versions: the folder above the site may list them in versions.json, as [{version, path}, ...]. Without
// such a list, or without a server, the choice in the sidebar stays hidden.
async function published(list) {
  try {
    const answer = await fetch(list), found = answer.ok ? await answer.json() : [];
    const named = found.filter(v => typeof v?.version === "string" && typeof v?.path === "string");
    return named.map(v => ({name: v.version, home: new URL(v.path.replace(/\/*$/, "/"), list).href}));
  } catch { return []; }
}

async function offerVersions() {
  const site = new URL(document.body.dataset.up || "./", location.href), part = document.querySelector(".versions");
  // a page from a disk reads no other file, and nothing is above the top of a server
  if (!site.protocol.startsWith("http") || site.pathname === "/") return;
  const versions = await published(new URL("../versions.json", site)), select = part.querySelector("select");
  if (!versions.some(v => v.home !== site.href)) return;
  // the list names this version in its place among the others, or does not know it
  if (versions.some(v => v.home === site.href)) select.remove(0);
  else select.options[0].value = site.href;
  for (const v of versions) select.add(new Option(v.name, v.home));
  select.value = site.href;
  select.onchange = async () => {
    const home = select.value, page = new URL(location.pathname.slice(site.pathname.length), home).href;
    select.value = site.href;      // for those who come back
    const isThere = await fetch(page, {method: "HEAD"}).then(answer => answer.ok, () => false);
    location.href = isThere ? page : home;
  };
  part.hidden = false;
}
offerVersions();
