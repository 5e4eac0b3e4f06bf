"use strict";
/* The rows of the page: unpacked once, then searched, filtered and sorted. Text stays text: nothing here makes HTML. */
const Rows = (() => {
  const REFERENCE = -1;
  let head = null;
  let rows = [];
  let lastSearch = { words: "", found: null };

  const unpack = async () => {
    const packed = atob(document.getElementById("rows").textContent);
    const bytes = new Uint8Array(packed.length);
    for (let i = 0; i < packed.length; i += 1) bytes[i] = packed.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const lines = (await new Response(stream).text()).split("\n");
    document.getElementById("rows").remove();
    head = JSON.parse(lines[0]);
    rows = lines.slice(1).filter(Boolean).map((line) => row(JSON.parse(line)));
    return head;
  };

  const row = ([index, instruction, reference, source, category, answers, parts]) =>
    ({ index, instruction, reference, source, category, answers: answers.map(answer), parts, words: null });

  const answer = (a) => a && {
    score: a[0], texts: a[1], length: a[2], finish: a[3], failure: a[4], verdicts: a[5], flags: a[6], shown: a[7],
    parts: a[8],
  };

  /* The reference has no score of its own: it is what every score is against. */
  const side = (one, setting) => setting === REFERENCE
    ? { score: null, texts: one.reference === null ? [] : [one.reference], length: one.parts.length ? null : one.reference?.length ?? null,
        finish: "", failure: "", verdicts: [], flags: [], shown: null, parts: [one.parts] }
    : one.answers[setting];

  const won = (score) => score > 50;
  const known = (one) => one !== null && one !== undefined && one.score !== null;
  const disagrees = (one) => {
    const scores = (one?.verdicts ?? []).map((v) => v[1]).filter((s) => s !== null);
    return scores.some(won) && scores.some((score) => score < 50);
  };
  const change = (one, left, right) => {
    const a = side(one, left), b = side(one, right);
    return known(b) ? (left === REFERENCE ? b.score - 50 : known(a) ? b.score - a.score : null) : null;
  };
  const flips = (one, left, right) => {
    const a = side(one, left), b = side(one, right);
    return known(a) && known(b) && won(a.score) !== won(b.score) ? (won(b.score) ? 1 : -1) : 0;
  };

  const VERDICTS = {
    won: (one, l, r) => known(side(one, r)) && side(one, r).score > 50,
    lost: (one, l, r) => known(side(one, r)) && side(one, r).score < 50,
    draw: (one, l, r) => known(side(one, r)) && side(one, r).score === 50,
    missing: (one, l, r) => !known(side(one, r)),
    flipped: (one, l, r) => flips(one, l, r) !== 0,
    gained: (one, l, r) => flips(one, l, r) > 0,
    dropped: (one, l, r) => flips(one, l, r) < 0,
    order: (one, l, r) => disagrees(side(one, r)),
    same: (one, l, r) => side(one, l)?.texts[0] !== undefined && side(one, l)?.texts[0] === side(one, r)?.texts[0],
  };
  const STATES = {
    "state:cut": (a) => a.finish === "length",
    "state:empty": (a) => a.texts.length > 0 && a.texts.some((text) => !text.trim()),
    "state:failed": (a) => a.failure !== "",
  };
  const flagged = (a, flag) => a !== null && a !== undefined && (flag === "any"
    ? a.flags.length > 0
    : flag in STATES ? STATES[flag](a) : a.flags.some((found) => found[0] === flag.slice("check:".length)));

  const ORDERS = {
    index: (one) => one.index,
    score: (one, l, r) => side(one, r)?.score ?? null,
    change: (one, l, r) => change(one, l, r),
    size: (one, l, r) => { const by = change(one, l, r); return by === null ? null : Math.abs(by); },
    length: (one, l, r) => side(one, r)?.length ?? null,
    longer: (one, l, r) => {
      const a = side(one, l)?.length ?? null, b = side(one, r)?.length ?? null;
      return a === null || b === null ? null : b - a;
    },
    prompt: (one) => one.instruction.length,
  };

  /* "two words" as they stand, -word absent, all other words present; in any case. */
  const terms = (query) => [...query.toLowerCase().matchAll(/(-?)(?:"([^"]+)"?|(\S+))/g)]
    .map(([, not, quoted, word]) => ({ not: not === "-", text: quoted ?? word })).filter((term) => term.text);

  const haystack = (one) => {
    one.words ??= [one.index, one.instruction, one.reference ?? "",
      ...one.answers.flatMap((a) => a === null ? [] : [...a.texts, a.shown ?? ""])].join("\n").toLowerCase();
    return one.words;
  };

  const search = (query) => {
    const wanted = terms(query);
    if (!wanted.length) return rows;
    // One more letter can only leave fewer rows.
    const within = lastSearch.found && !query.includes("-") && !query.includes('"') && lastSearch.words
      && query.startsWith(lastSearch.words) ? lastSearch.found : rows;
    const found = within.filter((one) => wanted.every((term) => haystack(one).includes(term.text) !== term.not));
    lastSearch = { words: query, found };
    return found;
  };

  const choose = (state) => {
    const { verdict, category, source, flag, left, right } = state;
    const found = search(state.query).filter((one) =>
      (!verdict || VERDICTS[verdict](one, left, right)) && (!category || one.category === category)
      && (!source || one.source === source) && (!flag || flagged(side(one, right), flag)));
    const key = ORDERS[state.sort], way = state.down ? -1 : 1;
    const keyed = found.map((one) => [key(one, left, right), one]);
    // What has no value stands last, whichever way.
    keyed.sort(([a, x], [b, y]) => a === b ? x.index - y.index : a === null ? 1 : b === null ? -1 : (a - b) * way);
    return keyed.map(([, one]) => one);
  };

  const counted = (of) => {
    const counts = new Map();
    for (const one of rows) if (of(one)) counts.set(of(one), (counts.get(of(one)) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  };

  const means = new Map();
  const mean = (setting) => {
    if (!means.has(setting)) means.set(setting, meanOf(setting));
    return means.get(setting);
  };
  const meanOf = (setting) => {
    const scores = rows.map((one) => one.answers[setting]).filter(known).map((a) => a.score);
    return scores.length ? scores.reduce((sum, score) => sum + score, 0) / scores.length : null;
  };

  /* While nobody waits, so that the first search is as fast as the second. */
  const prepare = (from = 0) => {
    const until = performance.now() + 12;
    let at = from;
    while (at < rows.length && performance.now() < until) haystack(rows[at++]);
    if (at < rows.length) setTimeout(() => prepare(at), 4);
  };

  return { REFERENCE, unpack, side, change, flips, disagrees, choose, counted, mean, prepare,
    all: () => rows, head: () => head };
})();
