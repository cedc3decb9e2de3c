// The menu on narrow screens, and a button on every block of code that copies it.
const menu = document.querySelector(".menu");
menu.onclick = () => menu.setAttribute("aria-expanded", document.body.classList.toggle("open"));
document.addEventListener("keydown", e => {
  if (e.key === "Escape" && document.body.classList.contains("open")) menu.click();
});

// the sidebar comes to the page's own entry; the page itself stays where it is
const bar = document.querySelector(".sidebar"), entry = bar.querySelector("[aria-current]");
if (entry) bar.scrollTop += entry.getBoundingClientRect().top - bar.getBoundingClientRect().top - bar.clientHeight / 2;

// a page without a secure origin, such as one from a disk, may have no clipboard
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "spoken";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

for (const block of document.querySelectorAll(".block")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", "copy this code");
  button.onclick = async () => {
    const done = await copied(block.querySelector("pre").textContent);
    button.textContent = done ? "Copied" : "Select and copy";
    button.setAttribute("aria-label", button.textContent);
    button.focus();
    setTimeout(() => {
      button.textContent = "Copy";
      button.setAttribute("aria-label", "copy this code");
    }, 1500);
  };
  block.append(button);
}

// a link to a place in something folded unfolds it
function unfold() {
  const place = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  let folded = false;
  for (let at = place; at; at = at.parentElement?.closest("details")) {
    folded ||= at.tagName === "DETAILS" && !at.open;
    if (at.tagName === "DETAILS") at.open = true;
  }
  if (folded) place.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();

// the table of contents marks the section that is being read
const entries = new Map([...document.querySelectorAll(".toc a")].map(a => [decodeURIComponent(a.hash.slice(1)), a]));
const places = [...entries.keys()].map(id => document.getElementById(id)).filter(Boolean);
let here = null;
function follow() {
  const top = document.querySelector("header").offsetHeight + 40;
  const above = places.filter(p => p.getBoundingClientRect().top < top), now = above.at(-1);
  if (now === here) return;
  if (here) entries.get(here.id)?.classList.remove("here");
  here = now;
  if (!here) return;
  const link = entries.get(here.id), list = link.closest(".toc");
  link.classList.add("here");
  const at = link.getBoundingClientRect(), room = list.getBoundingClientRect();
  if (at.top < room.top || at.bottom > room.bottom) list.scrollTop += at.top - room.top - room.height / 2;
}
if (places.length) {
  addEventListener("scroll", () => requestAnimationFrame(follow), {passive: true});
  follow();
}
