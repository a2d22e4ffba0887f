// What the pages of Étude do: sort, play, show what is behind a cell, draw maps. Without it, everything can still be read.
"use strict";

(() => {

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;
const vegaSource = document.currentScript.dataset.vega;
root.classList.add("js");

// An element with children; texts are texts, so nothing needs escaping.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) element.setAttribute(name, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const json = (id) => JSON.parse($("#" + id)?.textContent || "null");
const say = (text) => { $("#status").textContent = text; };

// --- light and dark

const dark = matchMedia("(prefers-color-scheme: dark)");
const themeNow = () => root.dataset.theme || (dark.matches ? "dark" : "light");
const onTheme = [];

function startTheme() {
  const button = $("#theme");
  button.hidden = false;
  const show = () => {
    const other = themeNow() === "dark" ? "light" : "dark";
    button.setAttribute("aria-label", `Switch to the ${other} theme`);
    $(".theme-word", button).textContent = other === "dark" ? "Dark" : "Light";
    for (const listener of onTheme) listener();
  };
  button.addEventListener("click", () => {
    root.dataset.theme = themeNow() === "dark" ? "light" : "dark";
    try { localStorage.setItem("etude-theme", root.dataset.theme); } catch (error) { /* kept for this page only */ }
    show();
  });
  dark.addEventListener("change", show);
  show();
}

// --- sorting: a click on a heading sorts downwards, upwards, and back to the order of the document

function startSorting() {
  for (const table of $$("table.sortable")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 2) continue;
    const original = [...body.rows];
    const headings = [...table.tHead.rows].at(-1).cells;
    [...headings].forEach((heading, column) => {
      const button = make("button", { type: "button", class: "sort" });
      button.append(...heading.childNodes);
      heading.append(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const next = { none: "descending", descending: "ascending", ascending: "none" }[heading.getAttribute("aria-sort")];
        for (const other of headings) other.setAttribute("aria-sort", "none");
        heading.setAttribute("aria-sort", next);
        const rows = next === "none" ? original : sorted(original, column, next === "ascending" ? 1 : -1);
        body.append(...rows);
        say(next === "none" ? "In the order of the document" : `Sorted by ${button.textContent.trim()}, ${next}`);
      });
    });
  }
}

function sorted(rows, column, sign) {
  const key = (row) => {
    const cell = row.cells[column];
    const text = cell?.dataset.value ?? cell?.textContent.trim() ?? "";
    const number = parseFloat(text.replace("−", "-"));
    return { text, number: Number.isFinite(number) && /^[-−+.\d]/.test(text) ? number : null, missing: text === "" };
  };
  return rows.map((row) => [key(row), row]).sort(([a], [b]) => {
    if (a.missing !== b.missing) return a.missing ? 1 : -1; // what is missing comes last either way
    if (a.number !== null && b.number !== null) return sign * (a.number - b.number);
    return sign * a.text.localeCompare(b.text);
  }).map(([, row]) => row);
}

// --- sounds: one at a time

let sounding = null;

function stop() {
  if (!sounding) return;
  const { audio, button } = sounding;
  sounding = null;
  audio.pause();
  button?.setAttribute("aria-pressed", "false");
}

function play(audio, button) {
  const again = sounding?.audio === audio;
  stop();
  if (again) return;
  sounding = { audio, button };
  audio.currentTime = 0;
  audio.play().then(() => button?.setAttribute("aria-pressed", "true"), () => {
    button?.classList.add("broken");
    say("This sound cannot be played");
  });
  const head = button && $(".head", button);
  const move = () => {
    if (sounding?.audio !== audio) return;
    if (head && audio.duration) head.style.width = `${(100 * audio.currentTime) / audio.duration}%`;
    requestAnimationFrame(move);
  };
  move();
  audio.onended = stop;
}

function startPlayers() {
  for (const audio of $$(".player audio")) audio.removeAttribute("controls");
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".play");
    if (button) play($("audio", button.parentElement), button);
  });
}

const heard = new Map();
function hear(file) {
  if (!heard.has(file)) heard.set(file, new Audio(file));
  play(heard.get(file), null);
}

// --- what is behind a cell

const known = json("cells") || { tables: {}, protocols: [] };
const tip = $("#tip");
const drawer = $("#drawer");
let opener = null, tipped = null;

function cellOf(button) {
  const table = button.closest("table");
  return known.tables[table.dataset.table][table.dataset.panel][button.dataset.i];
}

const list = (pairs) => make("dl", {}, pairs.map(([term, text]) => [make("dt", {}, term), make("dd", {}, text)]));

function headline(cell) {
  const pairs = [];
  if (cell.interval) pairs.push(["95 %", cell.interval]);
  if (cell.printed.length) pairs.push(["printed", cell.printed.join(" / ")]);
  for (const [name, text] of cell.floors) pairs.push(["floor", `${text}, ${name}`]);
  for (const [name, text] of cell.ceilings) pairs.push(["ceiling", `${text}, ${name}`]);
  if (cell.verdict) pairs.push(["verdict", cell.verdict]);
  if (cell.note) pairs.push(["note", cell.note]);
  return pairs;
}

function showTip(button) {
  if (!drawer.hidden && opener === button) return;
  const cell = cellOf(button);
  const protocol = known.protocols[cell.protocol].filter(([, text]) => text.length < 60);
  tip.replaceChildren(make("b", {}, `${cell.title}: ${cell.text}`), list([...headline(cell), ...protocol.slice(0, 8)]), make("p", { class: "hint" }, "Click for sounds and the whole protocol"));
  tip.hidden = false;
  tipped = button;
  placeTip();
  button.setAttribute("aria-describedby", "tip");
}

function placeTip() {
  const at = tipped.getBoundingClientRect();
  tip.style.visibility = at.bottom < 0 || at.top > innerHeight ? "hidden" : ""; // until a smooth scroll has arrived
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), innerWidth - width - 8);
  const below = at.bottom + 8 + height < innerHeight;
  tip.style.left = `${left}px`;
  tip.style.top = `${below ? at.bottom + 8 : Math.max(8, at.top - height - 8)}px`;
}

function hideTip() {
  tip.hidden = true;
  tipped = null;
  $("[aria-describedby=tip]")?.removeAttribute("aria-describedby");
}

function openDrawer(from, title, ...content) {
  hideTip();
  opener?.setAttribute("aria-expanded", "false");
  opener = from;
  opener.setAttribute("aria-expanded", "true");
  $(".inside", drawer).replaceChildren(make("h2", { id: "drawer-title" }, title), ...content.flat(Infinity).filter(Boolean));
  drawer.hidden = false;
  drawer.scrollTop = 0;
  drawer.focus({ preventScroll: true });
}

function closeDrawer() {
  if (drawer.hidden) return;
  if (sounding && drawer.contains(sounding.button)) stop();
  drawer.hidden = true;
  opener?.setAttribute("aria-expanded", "false");
  opener?.focus({ preventScroll: true });
  opener = null;
}

function ruler(scale) {
  if (!scale) return null;
  const at = (kind, place) => make("i", { class: kind, style: `left:${place}%` });
  return make("div", { class: "ruler", "aria-hidden": "true" },
    scale.floor.map((place) => at("floor", place)), scale.ceiling.map((place) => at("ceiling", place)),
    make("i", { class: "span", style: `left:${scale.low}%;width:${scale.high - scale.low}%` }), at("dot", scale.at));
}

// Players of the same data set and table: the originals, the codec, and the system of the cell.
function soundsBehind(cell, table) {
  const parts = [];
  for (const group of $$(".group")) {
    const behind = group.dataset.behind.split(" ").filter(Boolean);
    if (cell.dataset && group.dataset.dataset !== cell.dataset) continue;
    if (behind.length && !behind.includes(table)) continue;
    const labels = $$("thead th", group).slice(1).map((heading) => heading.textContent);
    const foreign = (label) => cell.system && systems.has(firstWord(label)) && firstWord(label) !== firstWord(cell.system);
    const theirs = (label) => !foreign(label);
    if (labels.some(foreign) && !labels.some((label) => firstWord(label) === firstWord(cell.system))) continue;
    const players = make("div", { class: "players" });
    for (const row of $$("tbody tr", group).slice(0, 3)) {
      players.append(make("p", {}, $("th", row).textContent));
      [...row.cells].slice(1).forEach((place, number) => {
        const figure = $(".player", place);
        if (!figure || !theirs(labels[number])) return;
        const copy = figure.cloneNode(true);
        $(".play", copy).setAttribute("aria-pressed", "false");
        copy.append(make("figcaption", {}, labels[number]));
        players.append(copy);
      });
    }
    parts.push(make("h3", {}, `${$(".group-title", group).textContent}, ${group.dataset.dataset}`), players);
  }
  return parts;
}

const firstWord = (label) => label.split(/[ ,]/)[0];
const systems = new Set(Object.values(known.tables).flat(2).map((cell) => cell?.system).filter(Boolean));

function openCell(button) {
  const cell = cellOf(button);
  const name = button.closest("table").dataset.table;
  const sources = $(`[data-chain="${name}.provenance.js"]`);
  const chain = make("button", { type: "button", class: "chain", ...Object.fromEntries(["chain", "json", "why"].map((key) => [`data-${key}`, sources?.dataset[key]])) }, "Everything that made this table");
  openDrawer(button, cell.title,
    make("p", { class: "big" }, cell.text), list(headline(cell)), ruler(cell.scale),
    soundsBehind(cell, name.replace(/^table/, "")),
    make("h3", {}, "Protocol"), list(known.protocols[cell.protocol]),
    make("h3", {}, "Chain"), make("p", { class: "small" }, chain));
}

function startCells() {
  document.addEventListener("pointerover", (event) => {
    const button = event.target.closest?.(".cell");
    if (button && event.pointerType === "mouse") showTip(button);
    else if (event.pointerType === "mouse" && tipped !== document.activeElement) hideTip(); // a page that scrolls moves the mouse, too
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.(".cell:focus-visible")) showTip(event.target); else hideTip();
  });
  addEventListener("scroll", () => { if (!tip.hidden) placeTip(); }, { passive: true, capture: true });
  document.addEventListener("click", (event) => {
    const cell = event.target.closest(".cell"), chain = event.target.closest(".chain");
    if (cell) { if (opener === cell) closeDrawer(); else openCell(cell); }
    else if (chain) openChain(chain);
    else if (event.target.closest(".close") || !event.target.closest("#drawer")) closeDrawer();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (!tip.hidden) hideTip(); else closeDrawer();
  });
}

// --- the chain behind a file. A page on the file system may not fetch, but may load a script: <name>.provenance.js
// calls etudeChain with what <name>.provenance.json holds. Both are written when the run is over.

const chains = new Map();
window.etudeChain = (chain) => chains.set(document.currentScript.getAttribute("src"), chain);

const loading = new Map();
function loadScript(source) {
  if (!loading.has(source)) {
    loading.set(source, new Promise((resolve, reject) => {
      const script = make("script", { src: source });
      script.onload = resolve;
      script.onerror = () => { loading.delete(source); reject(new Error(source)); };
      document.head.append(script);
    }));
  }
  return loading.get(source);
}

async function openChain(button) {
  const { chain: source, json: file, why } = button.dataset;
  const from = drawer.contains(button) ? opener : button;
  const command = make("p", { class: "small" }, "In the project: ", make("code", {}, `etude why ${why}`), "; as a file: ", make("a", { href: file }, file));
  try {
    await loadScript(source);
    const chain = chains.get(source);
    openDrawer(from, `Where ${chain.file} comes from`, facts(chain), make("h3", {}, "Jobs, the last first"), make("ul", { class: "tree" }, branch(chain, chain.file, new Set(), true)), make("h3", {}, "The same elsewhere"), command);
  } catch (error) {
    openDrawer(from, "Where it comes from", make("p", {}, "The chain is written beside the table when the whole run is over; it is not there yet."), command);
  }
}

function branch(chain, path, shown, open = false) {
  const job = chain.jobs[path];
  if (!job) return make("li", { class: "leaf" }, make("code", {}, path), " source");
  const key = `${job.rule} ${job.log}`;
  if (shown.has(key)) return make("li", { class: "leaf" }, make("code", {}, path), " see above");
  shown.add(key);
  const settings = job.settings ? JSON.stringify(job.settings) : "";
  const ran = job.ran ? `on ${job.ran.host}, ${job.ran.processor}` : "";
  const details = make("details", open ? { open: "" } : {}, make("summary", {}, make("code", {}, path)),
    make("div", { class: "job" }, [`rule ${job.rule}, code ${job.code || "not digested"}`, `${job.began || ""} ${ran}`, settings && `settings ${settings}`].filter(Boolean).map((line) => make("div", {}, line))));
  const inputs = Object.keys(job.inputs);
  // The rest of a long chain is made when somebody looks.
  const fill = () => { if (inputs.length && !$("ul", details)) details.append(make("ul", {}, inputs.map((input) => branch(chain, input, shown)))); };
  if (open) fill(); else details.addEventListener("toggle", fill, { once: true });
  return make("li", {}, details);
}

function facts(chain) {
  const { machine, time } = runFacts(chain);
  const jobs = Object.values(chain.jobs);
  return list([["jobs", String(new Set(jobs.map((job) => `${job.rule} ${job.log}`)).size)], ["machine", machine], ["time", time], ["sha256", (chain.sha256 || "").slice(0, 16)]].filter(([, text]) => text));
}

function runFacts(chain) {
  const jobs = [...new Map(Object.values(chain.jobs).map((job) => [`${job.rule} ${job.log}`, job])).values()];
  const machines = new Set(jobs.filter((job) => job.ran).map(({ ran }) => [`${ran.host}: ${ran.processor}, ${ran.cores} cores`, ...(ran.gpus || [])].join(", ")));
  const spans = jobs.filter((job) => job.began && job.ended).map((job) => [Date.parse(job.began), Date.parse(job.ended)]).filter((span) => span.every(Number.isFinite));
  const busy = spans.reduce((sum, [began, ended]) => sum + ended - began, 0);
  const last = spans.length ? new Date(Math.max(...spans.map(([, ended]) => ended))) : null;
  const minutes = (milliseconds) => milliseconds < 90000 ? `${Math.round(milliseconds / 1000)} s` : milliseconds < 5400000 ? `${Math.round(milliseconds / 60000)} min` : `${(milliseconds / 3600000).toFixed(1)} h`;
  return {
    machine: [...machines].join("; "),
    time: last ? `${jobs.length} jobs, ${minutes(busy)} of work, the last ended ${last.toISOString().slice(0, 16).replace("T", " ")} UTC` : "",
  };
}

async function startFacts() {
  for (const place of $$(".facts[data-chain]")) {
    try {
      await loadScript(place.dataset.chain);
      const found = runFacts(chains.get(place.dataset.chain));
      for (const [name, text] of Object.entries(found)) $(`[data-fact=${name}]`, place).textContent = text;
    } catch (error) { /* the page was opened before the run was over */ }
  }
}

// --- maps

function startMaps() {
  const maps = json("maps");
  if (!maps) return;
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); drawMap(entry.target, maps[entry.target.dataset.map]); }
  }, { rootMargin: "300px" });
  for (const figure of $$(".map")) {
    seen.observe(figure);
    const map = maps[figure.dataset.map];
    $(".hear", figure).addEventListener("click", () => {
      const number = +$(".pick", figure).value;
      figure.mark?.(number);
      hear(`${map.folder}/${map.clips[number].file}`);
    });
    $(".colour", figure).addEventListener("change", () => drawMap(figure, map));
    onTheme.push(() => { if (figure.drawn) drawMap(figure, map); });
  }
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    for (const figure of $$(".map")) if (figure.drawn) drawMap(figure, maps[figure.dataset.map]);
  });
}

const SHAPES = [["circle", "●"], ["square", "■"], ["triangle-up", "▲"], ["diamond", "◆"], ["cross", "✚"], ["triangle-down", "▼"]];
const COLOURS = ["--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7", "--s8"];
const PITCHES = ["#2b2a78", "#31688e", "#21918c", "#5ec962", "#fde725"];

// One view per level; what the mouse is on in one is marked in all.
async function drawMap(figure, map) {
  figure.drawn = true;
  await loadScript(vegaSource);
  const style = getComputedStyle(root);
  const colour = (name) => style.getPropertyValue(name).trim();
  const box = $(".planes", figure);
  const by = $(".colour", figure).value;
  const names = [...new Set(map.clips.map((clip) => clip.instrument).filter(Boolean))].sort();
  const look = new Map(names.map((name, k) => [name, { colour: colour(COLOURS[k % 8]), shape: SHAPES[(k + Math.floor(k / 8)) % 6] }]));
  const pitches = map.clips.map((clip) => clip.pitch).filter((pitch) => pitch !== null);
  const paint = by === "pitch"
    ? { color: { field: "pitch", type: "quantitative", scale: { range: PITCHES }, legend: null } }
    : {
        color: { field: "instrument", type: "nominal", scale: { domain: names, range: names.map((name) => look.get(name).colour) }, legend: null },
        shape: { field: "instrument", type: "nominal", scale: { domain: names, range: names.map((name) => look.get(name).shape[0]) }, legend: null },
      };
  $(".key", figure).replaceChildren(...(by === "pitch"
    ? [make("span", {}, `MIDI pitch ${Math.min(...pitches)}`), make("i", { style: `background:linear-gradient(90deg,${PITCHES})` }), make("span", {}, `${Math.max(...pitches)}`)]
    : names.map((name) => { const sign = make("b", { "aria-hidden": "true" }, look.get(name).shape[1]); sign.style.color = look.get(name).colour; return make("span", {}, sign, ` ${name}`); })));
  const axis = { axis: null, type: "quantitative", scale: { zero: false, nice: false, padding: 10 } };
  const marked = (yes, no) => ({ condition: { test: "datum.i === over", value: yes }, value: no });
  const views = await Promise.all(map.levels.map(async (level, k) => {
    const place = $$(".plane", box)[k];
    if (!level.places.length) { place.replaceChildren(make("p", { class: "small" }, level.note)); return null; }
    const spec = {
      description: `Scatter plot of the level of ${level.frames} frames of ${map.title} on ${map.dataset}; the list above plays every point`,
      width: "container", height: place.clientWidth, autosize: { type: "fit", contains: "padding" }, background: null, padding: 0,
      params: [{ name: "over", value: -1 }],
      data: { values: map.clips.map((clip, i) => ({ i, x: level.places[i][0], y: level.places[i][1], instrument: clip.instrument || "none", pitch: clip.pitch, clip: clip.words })) },
      mark: { type: "point", filled: true, cursor: "pointer", stroke: null },
      encoding: {
        x: { field: "x", ...axis }, y: { field: "y", ...axis }, ...paint,
        size: marked(240, 46), opacity: marked(1, 0.82),
        tooltip: ["clip", "instrument", "pitch"].map((field) => ({ field })),
      },
      config: { view: { stroke: null }, font: style.getPropertyValue("--sans") },
    };
    const { view } = await window.vegaEmbed(place, spec, { actions: false, renderer: "canvas", hover: false });
    return view;
  }));
  const mark = (number) => { for (const view of views) view?.signal("over", number).runAsync(); };
  for (const view of views.filter(Boolean)) {
    view.addEventListener("mouseover", (event, item) => { if (item?.datum?.i !== undefined) mark(item.datum.i); });
    view.addEventListener("mouseout", () => mark(-1));
    view.addEventListener("click", (event, item) => {
      if (item?.datum?.i === undefined) return;
      $(".pick", figure).value = item.datum.i;
      hear(`${map.folder}/${map.clips[item.datum.i].file}`);
    });
  }
  figure.mark = (number) => { mark(number); say(`Playing ${map.clips[number].words}`); };
}

// A link to something that is folded up unfolds it.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold = target?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  target?.scrollIntoView();
}

addEventListener("hashchange", unfold);
unfold();
startTheme();
startSorting();
startPlayers();
startCells();
startFacts();
startMaps();
})();
