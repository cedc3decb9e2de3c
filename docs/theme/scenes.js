// Live figures: a picture becomes a scene to turn or a plot to point at, when it comes into sight. plotly is loaded for
// the first of them. Few are live at a time, because a browser draws no more than about sixteen scenes on a page.
const MOST_SCENES = 12, live = [];
const touch = matchMedia("(pointer: coarse)").matches, sparing = navigator.connection?.saveData;
let plotly = null;

function loadPlotly() {
  plotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.up + "plotly.min.js";
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  return plotly;
}

const canDraw = (() => {
  const canvas = document.createElement("canvas");
  return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
})();
const scenesOf = layout => Object.keys(layout).filter(k => /^scene\d*$/.test(k));
const isSolid = figure => figure.classList.contains("solid");

// the cameras of a gallery move together
function together(place, names) {
  let moving = false;
  place.on("plotly_relayout", change => {
    const name = names.find(n => change[`${n}.camera`]);
    if (!name || moving) return;
    moving = true;
    const camera = change[`${name}.camera`], others = names.filter(n => n !== name);
    Plotly.relayout(place, Object.fromEntries(others.map(n => [`${n}.camera`, camera]))).then(() => { moving = false; });
  });
}

function still(figure) {
  const place = figure.querySelector(".canvas");
  if (place) {
    Plotly.purge(place);
    place.remove();
  }
  figure.classList.remove("is-live");
  label(figure);
  const at = live.indexOf(figure);
  if (at >= 0) live.splice(at, 1);
}

function label(figure) {
  const on = figure.classList.contains("is-live"), button = figure.querySelector("figcaption button");
  button.textContent = on ? "Still picture" : isSolid(figure) ? "Turn it" : "Point at it";
  figure.querySelector("figcaption span").textContent = !on ? "" : isSolid(figure)
    ? "Drag to turn; a double click turns back." : "Point at it for values; drag to zoom, a double click zooms out.";
}

// a layout that is drawn smaller, with smaller letters
function scaled(layout, width, height, scale) {
  const smaller = font => ({...font, size: Math.max(9, (font?.size || layout.font?.size || 12) * scale)});
  const annotations = (layout.annotations || []).map(a => ({...a, font: smaller(a.font)}));
  return {...layout, annotations, width: Math.floor(width), height: Math.floor(height)};
}

async function makeLive(figure) {
  if (figure.classList.contains("is-live") || figure.dataset.failed) return;
  figure.classList.add("is-coming");
  try { await loadPlotly(); } catch { figure.dataset.failed = "1"; return; }
  const {data, layout, frames} = JSON.parse(figure.querySelector("script").textContent), names = scenesOf(layout);
  const room = figure.clientWidth, width = layout.width || 560, scale = Math.min(1, room / width);
  const height = (layout.height || 340) * (isSolid(figure) || frames ? Math.max(scale, .6) : 1);
  const count = () => live.reduce((n, f) => n + Number(f.dataset.scenes), 0);
  figure.dataset.scenes = names.length;
  while (live.length && count() + names.length > MOST_SCENES) still(live[0]);
  const place = document.createElement("div");
  place.className = "canvas";
  figure.prepend(place);
  const shown = scale < 1 ? scaled(layout, width * scale, height, scale) : layout;
  const how = {displayModeBar: false, scrollZoom: false, doubleClick: "reset"};
  await Plotly.newPlot(place, {data, layout: shown, frames: frames || [], config: how});
  if (names.length > 1) together(place, names);
  live.push(figure);
  figure.classList.remove("is-coming");
  figure.classList.add("is-live");
  label(figure);
}

const sight = new IntersectionObserver(entries => entries.forEach(e => {
  if (e.isIntersecting && !e.target.dataset.refused) makeLive(e.target);
}), {rootMargin: "200px"});

for (const figure of document.querySelectorAll("figure.live")) {
  if (isSolid(figure) && !canDraw) continue;
  const caption = document.createElement("figcaption"), button = document.createElement("button");
  button.type = "button";
  button.onclick = () => {
    const on = figure.classList.contains("is-live");
    figure.dataset.refused = on ? "1" : "";
    if (on) still(figure); else makeLive(figure);
  };
  caption.append(document.createElement("span"), button);
  figure.append(caption);
  label(figure);
  if (!touch && !sparing) sight.observe(figure);
}
