// The page: asks /api/ again and again, and writes what it says into the document. All texts go
// in as textContent, whatever they hold.

import { Chart } from './chart.js';
import * as words from './words.js';
import { explainClient } from './explain.js';

const TIMEOUT_MS = 8000;
const LOST_AFTER_MS = 6000;
const $ = (id) => document.getElementById(id);
const parameters = new URLSearchParams(location.search);
const host = parameters.get('host');

const chart = new Chart($('chart'));
const RECENT_MINUTES = 5;
const REASONS_SHOWN = 12;
const WINDOW_S = 300; // the chart shows so much at least
const state = {
  status: null, answeredAt: 0, announced: '',
  good: { messages: 0, turnedAway: 0, minutes: RECENT_MINUTES },
};

function make(name, options = {}, ...children) {
  const node = document.createElement(name);
  const { text, data, ...properties } = options;
  Object.assign(node, properties);
  Object.assign(node.dataset, data ?? {});
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

async function ask(name, query = {}) {
  const address = new URL(`/api/${name}`, location.origin);
  for (const [key, value] of Object.entries({ ...(host ? { host } : {}), ...query }))
    address.searchParams.set(key, value);
  const answer = await fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS), cache: 'no-store' });
  if (answer.status === 503) return null; /* Redis is away: what is there stays */
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  return answer.json();
}

// Writes only what has changed, so that a selection or a focus survives.
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setRows(table, rows) {
  const key = JSON.stringify(rows);
  if (table.dataset.key === key) return;
  table.dataset.key = key;
  const focused = document.activeElement?.dataset?.address;
  table.tBodies[0].replaceChildren(...rows.map((cells) => {
    const row = make('tr');
    cells.forEach((cell, i) => {
      const node = make(i === 0 ? 'th' : 'td', { className: cell.className ?? '' });
      if (i === 0) node.scope = 'row';
      if (cell.level) node.append(make('span', { className: 'level', text: cell.level, data: { level: cell.level } }));
      else if (cell.href) node.append(make('a', { href: cell.href, text: cell.text, data: { address: cell.text } }));
      else node.textContent = cell.text;
      if (cell.swatch) node.prepend(make('span', { className: 'swatch', data: { class: cell.swatch } }));
      row.append(node);
    });
    return row;
  }));
  if (focused)
    [...table.querySelectorAll('a')].find((a) => a.dataset.address === focused)?.focus({ preventScroll: true });
}

const text = (value) => ({ text: String(value ?? '–') });
const number = (value) => ({ text: typeof value === 'number' ? words.count(value) : String(value ?? '–'), className: 'number' });

// -- how it is --------------------------------------------------------------------------------

const SIGNS = {
  calm: ['M12 1a11 11 0 1 0 .001 0z', 'M6.8 12.4l3.6 3.6 7-7.4'],
  elevated: ['M4 2h16a2 2 0 0 1 2 2v16a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2z', 'M12 6.5v7m0 4v.1'],
  stressed: ['M12 1.5l11 20.5H1z', 'M12 9v6.5m0 3.4v.1'],
  critical: ['M7.5 1h9L23 7.5v9L16.5 23h-9L1 16.5v-9z', 'M8 8l8 8m0-8l-8 8'],
  unknown: ['M12 1a11 11 0 1 0 .001 0z', 'M9 9.3a3 3 0 1 1 4.3 2.7q-1.3.7-1.3 2m0 3.400v.1'],
};

function showHero(how) {
  const [shape, mark] = SIGNS[how.state] ?? SIGNS[how.state === 'lost' ? 'critical' : 'unknown'];
  $('hero').dataset.state = how.state;
  $('sign-shape').setAttribute('d', shape);
  $('sign-mark').setAttribute('d', mark);
  setText($('headline'), how.headline);
  setText($('detail'), how.detail);
  document.title = `${how.state === 'lost' ? 'no answer' : how.state} · ${state.status?.host ?? ''} · Postvalve`;
  /* Told aloud when it changes, not with every number. */
  if (state.announced !== how.headline) setText($('announcement'), how.headline);
  state.announced = how.headline;
}

function showNotices(list) {
  const box = $('notices'), key = JSON.stringify(list);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.hidden = list.length === 0;
  box.replaceChildren(...list.map((notice) => make('li', { className: notice.kind, text: notice.text })));
}

function showFigures(service) {
  setText($('level'), service && service.pressure !== null ? service.level : '–');
  setText($('pressure'), words.fraction(service?.pressure));
  setText($('slots'), service && service.busy !== null ? `${words.count(service.busy)} / ${words.count(service.slot_limit)}` : '–');
  setText($('waiting'), words.count(service?.waiting));
}

function showClasses(status) {
  const top = status.top, limit = status.services[0]?.slot_limit;
  const total = top ? Math.max(top.sessions, limit ?? 0, 1) : 0;
  const key = JSON.stringify([top?.classes, total]);
  if ($('classes').dataset.key === key) return;
  $('classes').dataset.key = key;
  $('classes-bar').hidden = !top;
  setText($('classes-note'), top ? '' : 'No milter of this host tells its sessions.');
  if (!top) return $('classes').replaceChildren();
  const free = total - top.sessions;
  $('classes-bar').replaceChildren(...words.CLASSES.filter((c) => top.classes[c] > 0).map((c) => {
    const part = make('span', { data: { class: c } });
    part.style.flexGrow = top.classes[c];
    return part;
  }), ...(free > 0 ? [Object.assign(make('span', { data: { class: 'free' } }))] : []));
  if (free > 0) $('classes-bar').lastChild.style.flexGrow = free;
  $('classes').replaceChildren(...[...words.CLASSES.map((c) => [c, top.classes[c]]), ['free', free]].map(([c, n]) =>
    make('li', {}, make('span', { className: 'swatch', data: { class: c } }), c, make('b', { text: words.count(n), data: { count: c } }))));
  return undefined;
}

function showClients(status) {
  const holders = status.top?.holders ?? [];
  setRows($('clients'), holders.map((h) => [
    { text: h.client || '–', ...(h.client ? { href: `#client=${encodeURIComponent(h.client)}` } : {}), className: 'address' },
    { text: h.class, swatch: h.class, className: 'keep' }, text(h.state), number(words.shortTime(h.held_s)), number(words.shortTime(h.silent_s)),
  ]));
  $('clients').hidden = holders.length === 0;
  setText($('clients-note'), holders.length ? 'Choose an address to see why it is let in or not.'
    : status.top ? 'Nobody holds a slot.' : 'No milter of this host tells its sessions.');
}

function showHosts(status) {
  const own = status.services[0];
  const rows = own ? [[text(`${status.host} (this page)`), { level: own.level }, number(words.fraction(own.pressure)), text(status.publisher)]] : [];
  for (const other of status.cluster?.others ?? [])
    rows.push([{ text: other.host, href: `/?host=${encodeURIComponent(other.host)}` }, { level: other.level },
      number(words.fraction(other.pressure)), text(other.publisher)]);
  setRows($('hosts'), rows);
  setText($('hosts-note'), status.cluster ? (status.cluster.others.length ? '' : 'No other host shares this Redis.')
    : 'Without Redis, other hosts are not seen.');
}

function showStatus(status) {
  state.status = status;
  state.answeredAt = Date.now();
  setText($('host'), status.host);
  setText($('version'), `Postvalve ${status.version}.`);
  setText($('updated'), `Updated ${words.clock(status.time)}`);
  showHero(words.describe(status, state.good));
  showNotices(words.notices(status, state.good));
  showFigures(status.services[0]);
  showClasses(status);
  showClients(status);
  showHosts(status);
}

function showLost() {
  if (state.answeredAt && Date.now() - state.answeredAt < LOST_AFTER_MS) return;
  const since = state.answeredAt ? ` since ${words.clock(state.answeredAt / 1000)}` : '';
  showHero({
    state: 'lost',
    headline: 'No answer from policyd.',
    detail: `It has not answered this page${since}. What is shown below is old. Mail goes on without it, ` +
      'as Postfix is configured; check postvalvectl status on the host.',
  });
  showFigures(undefined);
}

// -- history ----------------------------------------------------------------------------------

function summarize(samples) {
  const known = samples.filter((s) => s.pressure !== null);
  if (!known.length) return 'No samples yet: one comes every few seconds.';
  const peak = known.reduce((a, b) => (b.pressure > a.pressure ? b : a));
  const bad = samples.filter((s) => s.level === 'stressed' || s.level === 'critical').length * 5;
  return `Highest ${words.fraction(peak.pressure)} at ${words.clock(peak.time, false)}; ${bad ? `stressed or worse for ${words.duration(bad)}` : 'never stressed'}. 1.00 is full.`;
}

function showHistory(history) {
  const samples = history.samples.map(([time, pressure, level, busy, waiting, slot_limit]) =>
    ({ time, pressure, level, busy, waiting, slot_limit }));
  const summary = summarize(samples);
  setText($('history-summary'), summary);
  const first = samples.length ? samples[0].time - history.interval_s : history.from;
  const from = Math.min(Math.max(history.from, first), history.to - WINDOW_S);
  chart.show({
    samples, from, to: history.to, interval: history.interval_s,
    thresholds: state.status?.thresholds ?? { elevated: 0.6, stressed: 0.8, critical: 1 },
    label: `Pressure over the last hour. ${summary} The table below has the numbers.`,
  });
  const minutes = new Map();
  for (const s of samples) {
    const minute = Math.floor(s.time / 60), worst = minutes.get(minute) ?? { pressure: null, level: 'calm', busy: null };
    if (s.pressure !== null && s.pressure >= (worst.pressure ?? 0)) Object.assign(worst, { pressure: s.pressure, busy: s.busy, limit: s.slot_limit });
    if (words.LEVELS.indexOf(s.level) > words.LEVELS.indexOf(worst.level)) worst.level = s.level;
    minutes.set(minute, worst);
  }
  setRows($('history-table'), [...minutes].reverse().map(([minute, worst]) => [
    text(words.clock(minute * 60, false)), { level: worst.level }, number(words.fraction(worst.pressure)),
    number(worst.busy === null ? null : `${worst.busy} / ${worst.limit}`)]));
}

// -- counters ---------------------------------------------------------------------------------

const parsed = (counters) => Object.entries(counters)
  .map(([field, value]) => ({ ...words.parseField(field), value })).filter((f) => f.name);

const has = (field, labels) => Object.entries(labels).every(([k, v]) => field.labels[k] === v);
const sum = (fields, name, labels = {}) =>
  fields.filter((f) => f.name === name && has(f, labels)).reduce((total, f) => total + f.value, 0);

// The upper bound of the bucket that half of the observations are below.
function median(fields, name, labels) {
  const buckets = new Map();
  for (const f of fields) {
    if (f.name !== name || f.labels.bucket === undefined || !has(f, labels)) continue;
    const bound = f.labels.bucket === 'inf' ? Infinity : Number(f.labels.bucket);
    buckets.set(bound, (buckets.get(bound) ?? 0) + f.value);
  }
  const total = [...buckets.values()].reduce((a, b) => a + b, 0);
  let seen = 0;
  for (const [bound, n] of [...buckets].sort((a, b) => a[0] - b[0])) if ((seen += n) * 2 >= total && total > 0) return bound;
  return null;
}

function showMail(fields) {
  setRows($('mail'), words.CLASSES.map((c) => [{ text: c, swatch: c },
    number(sum(fields, 'sessions_started', { class: c })), number(sum(fields, 'messages_accepted', { class: c })),
    number(sum(fields, 'hang_ups', { class: c }))]));
  const half = median(fields, 'first_message_ms', { class: 'good' });
  const lost = sum(fields, 'hang_ups', { class: 'good' });
  const messages = sum(fields, 'messages_accepted', { class: 'good' });
  const time = half === null ? '' : half === Infinity ? ' Half of them took longer than we count.' : ` Half of their sessions had a message through within ${words.shortTime(half / 1000)}.`;
  setText($('mail-note'), messages || lost
    ? `Good senders: ${words.plural(messages, 'message', 'messages')} accepted, ${lost ? `${words.count(lost)} connections asked to come back` : 'nobody turned away'}.${time}`
    : 'No mail of good senders was counted in this time.');
}

function showReasons(fields) {
  const reasons = new Map();
  for (const f of fields) {
    if (f.name !== 'hang_ups' || !f.value) continue;
    const key = `${f.labels.class} ${f.labels.reason}`;
    reasons.set(key, (reasons.get(key) ?? 0) + f.value);
  }
  const list = [...reasons].sort((a, b) => b[1] - a[1]).slice(0, REASONS_SHOWN), most = list[0]?.[1] ?? 1;
  const key = JSON.stringify(list);
  const reclaimed = sum(fields, 'slots_reclaimed');
  setText($('reasons-note'), [
    list.length ? `${words.plural(sum(fields, 'hang_ups'), 'hang-up', 'hang-ups')} in all.` : 'Nobody was hung up on in this time.',
    reclaimed ? `${words.plural(reclaimed, 'slot', 'slots')} taken back from clients that did not use them.` : '',
  ].join(' ').trim());
  if ($('reasons').dataset.key === key) return;
  $('reasons').dataset.key = key;
  $('reasons').replaceChildren(...list.map(([name, n]) => {
    const [c, reason] = name.split(' ');
    const part = make('span');
    part.style.width = `${(n / most) * 100}%`;
    return make('li', { data: { class: c } },
      make('div', {}, make('span', { text: `${c}: ${words.reasonText(reason)}` }), make('b', { text: words.count(n) })), make('i', { ariaHidden: 'true' }, part));
  }));
}

async function updateCounters() {
  const answer = await ask('counters', { minutes: $('minutes').value });
  if (!answer) return;
  const fields = parsed(answer.counters);
  showMail(fields);
  showReasons(fields);
  const isRecent = $('minutes').value === String(RECENT_MINUTES);
  const recent = isRecent ? answer : await ask('counters', { minutes: RECENT_MINUTES });
  if (!recent) return;
  const of = (name) => sum(parsed(recent.counters), name, { class: 'good' });
  state.good = { messages: of('messages_accepted'), turnedAway: of('hang_ups'), minutes: RECENT_MINUTES };
}

// -- lists, events ----------------------------------------------------------------------------

function showLists(lists) {
  const rows = [];
  for (const [zone, hosts] of Object.entries(lists.health))
    for (const [name, health] of Object.entries(hosts))
      rows.push([{ text: zone, className: 'address' }, text(name),
        text(health.state + (health.reason && health.reason !== 'none' ? `: ${health.reason}` : '')),
        number(health.lookups), number(health.listed)]);
  setRows($('lists'), rows);
  $('lists').hidden = rows.length === 0;
  const key = JSON.stringify(lists.report);
  if ($('lists-report').dataset.key !== key)
    $('lists-report').replaceChildren(...lists.report.map((line) => make('li', { text: line })));
  $('lists-report').dataset.key = key;
  setText($('lists-note'), Object.keys(lists.health).length ? '' : 'No DNS lists are configured (rbl.checks).');
}

function showEvents({ events }) {
  const key = events[0]?.id ?? '';
  setText($('events-note'), events.length ? '' : 'Nothing has happened yet.');
  if ($('events').dataset.key === key) return;
  $('events').dataset.key = key;
  $('events').replaceChildren(...events.map((event) => make('li', {},
    make('time', { text: words.dateAndTime(event.time), dateTime: new Date(event.time * 1000).toISOString() }),
    make('span', { text: `${event.host && event.host !== '*' ? `${event.host}: ` : ''}${words.eventText(event)}` }))));
}

// -- again and again --------------------------------------------------------------------------

const TASKS = [
  { every: 2000, run: async () => { const s = await ask('status'); if (s) showStatus(s); }, lost: showLost },
  { every: 5000, run: async () => { const h = await ask('history'); if (h) showHistory(h); } },
  { every: 5000, run: updateCounters },
  { every: 5000, run: async () => { const e = await ask('events'); if (e) showEvents(e); } },
  { every: 15000, run: async () => { const l = await ask('lists'); if (l) showLists(l); } },
];

async function repeat(task) {
  if (!document.hidden) {
    try {
      await task.run();
    } catch (error) {
      task.lost?.();
    }
  }
  setTimeout(() => repeat(task), task.every);
}

function openExplanation() {
  const match = /^#client=(.+)$/.exec(location.hash);
  if (!match) return;
  const address = decodeURIComponent(match[1]);
  $('address').value = address;
  explainClient(ask, $('explanation'), address);
  $('explain').scrollIntoView({ block: 'nearest' });
}

$('explain-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const address = $('address').value.trim();
  const hash = `#client=${encodeURIComponent(address)}`;
  if (location.hash === hash) openExplanation();
  else location.hash = hash;
});
window.addEventListener('hashchange', openExplanation);
$('minutes').addEventListener('change', () => updateCounters().catch(() => {}));

TASKS[0].run().catch(showLost).finally(() => TASKS.forEach(repeat));
openExplanation();
