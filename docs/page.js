// The menu on narrow screens, and a search over titles, headings and names (PAGES: [title, address, about, [[heading, id], ...]]).
const up = document.body.dataset.up, menu = document.querySelector(".menu"), box = document.querySelector(".search input"), list = document.querySelector(".search ol");
menu.onclick = () => menu.setAttribute("aria-expanded", document.body.classList.toggle("open"));

function hits(words) {
  const found = [], all = text => words.every(w => text.toLowerCase().includes(w));
  for (const [title, href, about, parts] of PAGES) {
    if (all(title)) found.push([0, title, about, href]); else if (all(title + " " + about)) found.push([3, title, about, href]);
    for (const [name, id] of parts) if (all(name)) found.push([name.toLowerCase() === words.join(" ") ? -1 : name.toLowerCase().startsWith(words[0]) ? 1 : 2, name, title, href + "#" + id]);
  }
  return found.sort((a, b) => a[0] - b[0]).slice(0, 12);
}

box.oninput = () => {
  const words = box.value.toLowerCase().split(/\s+/).filter(Boolean), found = words.length ? hits(words) : [];
  list.replaceChildren(...found.map(([, name, about, href]) => {
    const item = document.createElement("li"), link = document.createElement("a"), small = document.createElement("small");
    link.href = up + href; link.append(name); small.append(about); link.append(small); item.append(link);
    return item;
  }));
  if (words.length && !found.length) list.innerHTML = "<li><span>nothing found</span></li>";
  list.hidden = !words.length;
};
box.onkeydown = e => {
  if (e.key === "Escape") { box.value = ""; list.hidden = true; }
  if (e.key === "Enter" && list.querySelector("a")) list.querySelector("a").click();
};
document.addEventListener("click", e => { if (!e.target.closest(".search")) list.hidden = true; });
list.addEventListener("click", e => { if (e.target.closest("a")) list.hidden = true; });
// the sidebar comes to the page's own entry; the page itself stays where it is
const bar = document.querySelector(".sidebar"), entry = bar.querySelector("[aria-current]");
if (entry) bar.scrollTop += entry.getBoundingClientRect().top - bar.getBoundingClientRect().top - bar.clientHeight/2;
