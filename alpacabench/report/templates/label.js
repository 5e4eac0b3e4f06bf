"use strict";
const page = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const PREFERENCE = { first: 1, tie: 1.5, second: 2, cannot_say: null };
const KEYS = { 1: "first", 2: "second", 3: "tie", t: "tie", 4: "cannot_say", c: "cannot_say" };
const number = new Map(page.pairs.map((pair, place) => [pair.id, place]));
let labeller = "", at = 0, events = [];

// Where a browser keeps nothing, memory does until the page is closed.
const memory = new Map();
const store = {
  works: true,
  get(key) {
    try { return localStorage.getItem(key) ?? memory.get(key) ?? null; } catch { this.works = false; return memory.get(key) ?? null; }
  },
  set(key, value) {
    memory.set(key, value);
    try { localStorage.setItem(key, value); this.works = localStorage.getItem(key) === value; } catch { this.works = false; }
  },
  remove(key) {
    memory.delete(key);
    try { localStorage.removeItem(key); } catch { this.works = false; }
  },
  keys() {
    try { return [...new Set([...Object.keys(localStorage), ...memory.keys()])]; } catch { this.works = false; return [...memory.keys()]; }
  },
};
const PREFIX = `alpacabench-labels:${page.page}:`;
const logKey = (name) => `${PREFIX}log:${encodeURIComponent(name)}:`;

// Each label is an event under a key of its own, so that two tabs never overwrite each other; an undo takes the last one away.
function read(name) {
  const found = [];
  for (const key of store.keys().filter((one) => one.startsWith(logKey(name)))) {
    try {
      const event = JSON.parse(store.get(key));
      if (number.has(event.id) && event.choice in PREFERENCE && event.time > 0) found.push({ ...event, key });
    } catch { /* not ours */ }
  }
  return found.sort((a, b) => a.time - b.time || (a.key < b.key ? -1 : 1));
}

function keep(id, choice) {
  // A clock that was set back must not put a label behind an older one.
  const time = Math.max(Date.now(), (events.at(-1)?.time ?? 0) + 1);
  store.set(`${logKey(labeller)}${time}:${id}`, JSON.stringify({ id, choice, time }));
}

function people() {
  try { return JSON.parse(store.get(`${PREFIX}people`) ?? "[]"); } catch { return []; }
}

function warn() {
  $("alert").hidden = store.works;
  $("alert").textContent = "This browser keeps nothing for this page (a private window, or no room left): export before you close it.";
}

const choices = () => new Map(events.map((one) => [one.id, one]));

function label(choice) {
  const pair = page.pairs[at];
  events = read(labeller);
  const had = choices().get(pair.id);
  if (had?.choice !== choice) keep(pair.id, choice);
  events = read(labeller);
  if (choices().size === page.pairs.length && !had) return show("end");
  const open = unlabelled(at);
  go(had || open === null ? Math.min(at + 1, page.pairs.length - 1) : open);
}

function undo() {
  events = read(labeller);
  const last = events.pop();
  if (!last) return;
  store.remove(last.key);
  go(number.get(last.id));
}

function unlabelled(from) {
  const made = choices();
  for (let step = 1; step <= page.pairs.length; step += 1) {
    const place = (from + step) % page.pairs.length;
    if (!made.has(page.pairs[place].id)) return place;
  }
  return null;
}

function go(place) {
  at = Math.max(0, Math.min(page.pairs.length - 1, place));
  store.set(`${PREFIX}at:${labeller}`, String(at));
  show("work");
}

function show(view) {
  for (const id of ["start", "work", "end"]) $(id).hidden = id !== view;
  $("top").hidden = view === "start";
  $("choices").hidden = view !== "work";
  document.body.classList.toggle("working", view === "work");
  warn();
  const made = choices(), total = page.pairs.length;
  $("progress").setAttribute("aria-valuemax", total);
  $("progress").setAttribute("aria-valuenow", made.size);
  $("done").style.width = `${(100 * made.size) / total}%`;
  $("count").textContent = `${made.size} of ${total} labelled`;
  $("who").textContent = labeller;
  $("summary").textContent = $("export-summary").textContent = sum(made);
  if (view === "work") showPair(made);
  if (view === "start") showStart();
}

function showPair(made) {
  const pair = page.pairs[at], choice = made.get(pair.id)?.choice;
  for (const [id, text] of [["instruction", pair.instruction], ["first", pair.first], ["second", pair.second]]) {
    fill($(id), text);
    $(id).scrollTop = 0;
  }
  for (const button of document.querySelectorAll("[data-choice]")) button.setAttribute("aria-pressed", button.dataset.choice === choice);
  for (const answer of document.querySelectorAll(".answer")) answer.classList.toggle("chosen", answer.dataset.side === String(PREFERENCE[choice]));
  $("jump").value = at + 1;
  $("of").textContent = `of ${page.pairs.length}`;
  $("back").disabled = at === 0;
  $("next").disabled = at === page.pairs.length - 1;
  $("undo").disabled = !events.length;
  scrollTo(0, 0);
}

// Nothing is ever markup. Code between fences has a fixed width; what stands between ** or ` or behind # is set off, as written.
function fill(box, text) {
  box.replaceChildren();
  if (!text.trim()) {
    const none = document.createElement("p");
    none.className = "none";
    none.textContent = "(empty)";
    return box.append(none);
  }
  text.split(/^[ \t]*```.*$/m).forEach((part, index) => {
    const body = part.replace(/^\n|\n$/g, "");
    if (!body.trim()) return;
    const node = document.createElement(index % 2 ? "pre" : "p");
    node.dir = "auto";
    if (index % 2) node.textContent = body; else setOff(node, body);
    box.append(node);
  });
}

function setOff(node, text) {
  text.split(/(\*\*[^*\n]+\*\*|`[^`\n]+`|^#{1,6} .*$)/m).forEach((part, index) => {
    if (index % 2 === 0) return node.append(part);
    const strong = document.createElement(part[0] === "`" ? "code" : "strong");
    strong.textContent = part;
    node.append(strong);
  });
}

function sum(made) {
  const n = { first: 0, second: 0, tie: 0, cannot_say: 0 };
  for (const one of made.values()) n[one.choice] += 1;
  const open = page.pairs.length - made.size;
  return `${made.size} labelled: ${n.first} the first answer, ${n.second} the second, ${n.tie} ties, ${n.cannot_say} cannot say.` + (open ? ` ${open} to go.` : "");
}

function rows() {
  const made = choices();
  return page.pairs.filter((pair) => made.has(pair.id)).map((pair) => {
    const { choice, time } = made.get(pair.id);
    return { id: pair.id, labeller, preference: PREFERENCE[choice], policy: page.policy_id, at: new Date(time).toISOString() };
  });
}

function csv(found) {
  const cell = (value) => `"${String(value ?? "").replaceAll('"', '""')}"`;
  const columns = ["id", "labeller", "preference", "policy", "at"];
  return [columns.join(","), ...found.map((row) => columns.map((name) => cell(row[name])).join(","))].join("\r\n") + "\r\n";
}

async function exported(format, said) {
  const found = rows(), json = JSON.stringify(found, null, 1) + "\n";
  if (format === "copy") {
    try { await navigator.clipboard.writeText(json); said.textContent = `${found.length} labels are in the clipboard, as JSON.`; }
    catch { said.textContent = "This browser does not let the page copy: save a file instead."; }
    return;
  }
  const name = `labels-${labeller.replace(/[^\p{L}\p{N}]+/gu, "_").slice(0, 40)}-${page.page}.${format}`;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([format === "csv" ? csv(found) : json], { type: format === "csv" ? "text/csv" : "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  said.textContent = `Saved: ${name}, ${found.length} labels. Send it to whoever sent you this page.`;
}

function showStart() {
  $("n-pairs").textContent = page.pairs.length;
  $("name").value = labeller;
  $("known").replaceChildren(...people().filter((name) => name !== labeller).map((name) => {
    const item = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = `${name} (${new Map(read(name).map((one) => [one.id, one])).size})`;
    button.addEventListener("click", () => begin(name));
    item.append(button);
    return item;
  }));
  // On a phone the focus would bring up the keyboard over the policy.
  if (matchMedia("(hover: hover)").matches) $("name").focus();
}

function begin(name) {
  labeller = name.trim();
  if (!labeller) return showStart();
  // A browser takes the focus from a field that is hidden only when it next draws: the first key would be lost in it.
  $("name").blur();
  store.set(`${PREFIX}people`, JSON.stringify([...new Set([...people(), labeller])]));
  store.set(`${PREFIX}labeller`, labeller);
  events = read(labeller);
  const kept = store.get(`${PREFIX}at:${labeller}`);
  if (choices().size === page.pairs.length) return show("end");
  go(kept === null ? 0 : Number(kept) || 0);
}

function scroll(amount) {
  for (const id of ["first", "second"]) $(id).scrollBy({ top: amount });
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !event.key.startsWith("Arrow")) return;
  if (event.target.closest("input, textarea, dialog") || document.querySelector("dialog[open]")) return;
  if ($("work").hidden) return;
  const name = event.key.toLowerCase(), half = $("first").clientHeight * 0.8;
  const acts = {
    u: undo, backspace: undo, arrowleft: () => go(at - 1), arrowright: () => go(at + 1), n: () => go(unlabelled(at) ?? at),
    g: () => $("jump").select(), "?": () => $("help").showModal(), e: () => $("export").showModal(),
    arrowdown: () => scroll(70), arrowup: () => scroll(-70), " ": () => scroll(event.shiftKey ? -half : half),
  };
  const act = name in KEYS ? () => label(KEYS[name]) : acts[name];
  // A focused button takes the space bar as a press.
  if (!act || name === " " && event.target.closest("button")) return;
  event.preventDefault();
  act();
}

for (const box of document.querySelectorAll("[data-policy]")) box.textContent = page.policy;
for (const box of document.querySelectorAll("[data-keys]")) box.append($("keys").content.cloneNode(true));
for (const box of document.querySelectorAll("[data-export]")) {
  box.append($("exports").content.cloneNode(true));
  for (const button of box.querySelectorAll("button")) button.addEventListener("click", () => exported(button.dataset.format, box.querySelector("[data-said]")));
}
for (const button of document.querySelectorAll("[data-choice]")) button.addEventListener("click", () => { button.blur(); label(button.dataset.choice); });
$("name-form").addEventListener("submit", (event) => { event.preventDefault(); begin($("name").value); });
$("undo").addEventListener("click", undo);
$("back").addEventListener("click", () => go(at - 1));
$("next").addEventListener("click", () => go(at + 1));
$("review").addEventListener("click", () => go(0));
$("who").addEventListener("click", () => show("start"));
$("open-help").addEventListener("click", () => $("help").showModal());
$("open-export").addEventListener("click", () => { $("export-summary").textContent = sum(choices()); $("export").showModal(); });
$("jump").addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); $("jump").blur(); } if (event.key === "Escape") { $("jump").value = at + 1; $("jump").blur(); } });
$("jump").addEventListener("change", () => { const wanted = Number.parseInt($("jump").value, 10); go(Number.isNaN(wanted) ? at : wanted - 1); });
$("jump").addEventListener("focus", () => $("jump").select());
document.addEventListener("keydown", key);
addEventListener("storage", (event) => { if (labeller && event.key?.startsWith(logKey(labeller))) { events = read(labeller); if (!$("work").hidden) show("work"); } });
addEventListener("beforeunload", (event) => { if (!store.works && events.length) event.preventDefault(); });
const last = store.get(`${PREFIX}labeller`);
if (last) begin(last); else show("start");
