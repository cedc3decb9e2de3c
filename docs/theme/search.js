// Search over the text of all pages. What it looks in (SECTIONS, of search-index.js) is loaded when it is first used.
const box = document.querySelector(".search input"), list = document.querySelector("#found");
const spoken = document.querySelector(".search [role=status]"), up = document.body.dataset.up;
const MOST = 24, MOST_OF_A_PAGE = 3, AROUND = 70;
let loading = null, chosen = -1;

function load() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = up + "search-index.js";
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  return loading;
}

const starts = (text, word, at) => at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]);

// how well one word fits a section; 0 where it does not occur
function fit(word, title, heading, text) {
  let score = 0, at = heading.indexOf(word);
  if (at >= 0) score += heading === word ? 60 : starts(heading, word, at) ? 24 : 8;
  at = title.indexOf(word);
  if (at >= 0) score += heading ? 5 : starts(title, word, at) ? 30 : 12;
  at = text.indexOf(word);
  if (at >= 0) score += starts(text, word, at) ? 4 : 2;
  if (at >= 0 && text.indexOf(word, at + word.length) >= 0) score += 1;
  return score;
}

function search(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean), phrase = words.join(" "), found = [];
  if (!words.length) return [];
  for (const [title, href, sections] of SECTIONS) {
    const hits = [];
    for (const [heading, id, text] of sections) {
      const low = [title, heading, text].map(s => s.toLowerCase());
      const fits = words.map(w => fit(w, ...low));
      if (!fits.every(Boolean)) continue;
      // a word of the page's title alone is no reason to list each of its sections
      if (heading && words.every(w => !low[1].includes(w) && !low[2].includes(w))) continue;
      let score = fits.reduce((a, b) => a + b);
      if (words.length > 1 && low.some(s => s.includes(phrase))) score += 15;
      hits.push({score, title, heading, text, href: up + href + (id ? "#" + id : "")});
    }
    found.push(...hits.sort((a, b) => b.score - a.score).slice(0, MOST_OF_A_PAGE));
  }
  return found.sort((a, b) => b.score - a.score).slice(0, MOST);
}

// the words around the first match
function excerpt(text, words) {
  const low = text.toLowerCase(), phrase = words.join(" ");
  const places = [phrase, ...words].map(w => low.indexOf(w)).filter(i => i >= 0);
  const at = places.length ? places[0] : 0;
  let begin = Math.max(0, at - AROUND), end = Math.min(text.length, at + phrase.length + 2 * AROUND);
  if (begin) begin = text.indexOf(" ", begin) + 1 || begin;
  if (end < text.length) end = Math.max(text.lastIndexOf(" ", end), at + phrase.length);
  return (begin ? "… " : "") + text.slice(begin, end) + (end < text.length ? " …" : "");
}

// text with the words marked
function marked(tag, text, words) {
  const at = document.createElement(tag), escaped = words.map(w => w.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(${escaped.sort((a, b) => b.length - a.length).join("|")})`, "gi");
  text.split(pattern).forEach((part, i) => {
    if (i % 2 === 0) return at.append(part);
    const mark = document.createElement("mark");
    mark.textContent = part;
    at.append(mark);
  });
  return at;
}

function option(hit, i, words) {
  const item = document.createElement("li"), link = document.createElement("a");
  item.id = `found-${i}`;
  item.setAttribute("role", "option");
  link.href = hit.href;
  link.tabIndex = -1;
  const where = document.createElement("span");
  where.append(marked("b", hit.title, words));
  if (hit.heading) where.append(" › ", marked("span", hit.heading, words));
  link.append(where, marked("small", excerpt(hit.text, words), words));
  item.append(link);
  return item;
}

function choose(i) {
  const items = list.querySelectorAll("[role=option]");
  chosen = items.length ? (i + items.length) % items.length : -1;
  items.forEach((item, k) => item.setAttribute("aria-selected", k === chosen));
  if (chosen < 0) return box.removeAttribute("aria-activedescendant");
  box.setAttribute("aria-activedescendant", items[chosen].id);
  items[chosen].scrollIntoView({block: "nearest"});
}

function show(shown) {
  list.hidden = !shown;
  box.setAttribute("aria-expanded", shown);
}

async function look() {
  const query = box.value.trim(), words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) {
    spoken.textContent = "";
    return show(false);
  }
  try { await load(); } catch { list.textContent = "The search index cannot be loaded."; return show(true); }
  if (query !== box.value.trim()) return;                   // more was typed meanwhile
  const found = search(query);
  list.replaceChildren(...found.map((hit, i) => option(hit, i, words)));
  if (!found.length) list.textContent = "Nothing found.";
  spoken.textContent = found.length === 1 ? "1 result" : `${found.length} results`;
  show(true);
  choose(0);
  list.scrollTop = 0;
}

box.onfocus = () => { load().catch(() => {}); if (box.value.trim()) look(); };
box.oninput = look;
box.onkeydown = e => {
  if (e.key === "ArrowDown" || e.key === "ArrowUp") {
    e.preventDefault();
    choose(chosen + (e.key === "ArrowDown" ? 1 : -1));
  } else if (e.key === "Enter") {
    const link = list.querySelector("[aria-selected=true] a");
    if (link && !list.hidden) link.click();
  } else if (e.key === "Escape") {
    e.preventDefault();
    if (list.hidden || !box.value) box.blur();
    box.value = "";
    look();
  }
};
document.addEventListener("keydown", e => {
  const typing = e.target.closest("input, textarea, select, [contenteditable]");
  const slash = e.key === "/" && !typing && !e.ctrlKey && !e.metaKey && !e.altKey;
  if (!slash && !(e.key.toLowerCase() === "k" && (e.ctrlKey || e.metaKey))) return;
  e.preventDefault();
  box.focus();
  box.select();
});
document.addEventListener("click", e => { if (!e.target.closest(".search") || e.target.closest("#found a")) show(false); });
