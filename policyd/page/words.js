// What the page says, in words. Nothing here touches the document.

export const LEVELS = ['calm', 'elevated', 'stressed', 'critical'];
export const CLASSES = ['trusted', 'good', 'returning', 'unknown', 'suspect', 'bot'];

const REASONS = {
  'authenticated': 'authenticated',
  'trusted-network': 'in a trusted network',
  'allowed': 'on the allow list',
  'no-address': 'no address',
  'own-address': 'an address of this host',
  'blocked': 'blocked by an administrator',
  'rbl': 'listed by DNS lists',
  'good-history': 'good history',
  'allow-list': 'on a DNS allow list',
  'bad-history': 'bad history',
  'hammering': 'came back too fast',
  'suspicious-history': 'suspicious history',
  'good-domain': 'domain with a good history',
  'good-network': 'network with a good history',
  'returned': 'came back as asked',
  'domain-returned': 'another of its domain came back as asked',
  'shared-address': 'an address shared by many',
  'bad-network': 'network with a bad history',
  'no-answer': 'history not known in time',
  'no-history': 'never seen before',
  'little-history': 'too little known',
};

export const reasonText = (reason) => REASONS[reason] ?? String(reason);

export const count = (number) =>
  typeof number === 'number' ? Math.round(number).toLocaleString('en') : '–';
export const fraction = (number) => (typeof number === 'number' ? number.toFixed(2) : '–');
export const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 90) return `${s} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} days`;
}

export const shortTime = (seconds) => (seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds));

export const clock = (seconds, withSeconds = true) =>
  new Date(seconds * 1000).toLocaleTimeString('en-GB', {
    hour: '2-digit', minute: '2-digit', ...(withSeconds ? { second: '2-digit' } : {}),
  });

export function dateAndTime(seconds) {
  const date = new Date(seconds * 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  return isToday ? clock(seconds) : `${day} ${clock(seconds, false)}`;
}

const HEADLINES = {
  calm: 'Mail is flowing.',
  elevated: 'Busy. Mail is flowing.',
  stressed: 'Under stress.',
  critical: 'More clients than slots.',
};
const MEASURES = {
  calm: 'Everybody is let in.',
  elevated: 'Bots are hung up on; suspects and strangers above their ceiling are asked to come back.',
  stressed: 'Bots are hung up on; suspects and strangers above their ceiling are asked to come back.',
  critical: 'Bots are hung up on; all others above their ceiling are asked to come back.',
};

function slotsText(service) {
  if (service.busy === null || service.slot_limit === null) return 'How many slots are busy is not known.';
  const waiting = service.waiting > 0 ? `, ${plural(service.waiting, 'client', 'clients')} waiting` : '';
  return `${count(service.busy)} of ${plural(service.slot_limit, 'slot', 'slots')} busy${waiting}.`;
}

// Good mail comes first; how it fared is what counts.
function goodMailText(good) {
  if (good.turnedAway > 0) return 'Some good mail has to wait.';
  return good.messages > 0 ? 'Good mail gets in.' : 'Good mail goes first.';
}

function headlineOf(level, good) {
  const isBad = level === 'stressed' || level === 'critical';
  return isBad ? `${HEADLINES[level]} ${goodMailText(good)}` : HEADLINES[level];
}

// How it is, from the status: { state, headline, detail }. good: of good senders in the last
// minutes, { messages, turnedAway, minutes }.
export function describe(status, good) {
  const service = status.services[0];
  if (!service) {
    const why = status.redis.configured && !status.redis.reachable
      ? 'Redis does not answer, and this host is not seen from here.'
      : 'No daemon of this host tells how it is. Is Postvalve running there?';
    return { state: 'unknown', headline: 'Nothing is known of this host.', detail: why };
  }
  if (service.pressure === null) {
    return {
      state: 'unknown',
      headline: 'The pressure is not known.',
      detail: 'Nothing listens on the port of the service, or its slots cannot be counted. Is Postfix running?',
    };
  }
  const isActing = status.mode === 'enforce' && !status.off;
  return {
    state: service.level,
    headline: isActing || service.level === 'calm' ? headlineOf(service.level, good) : `Level ${service.level}. Postvalve does not intervene.`,
    detail: isActing ? `${slotsText(service)} ${MEASURES[service.level]}` : slotsText(service),
  };
}

const until = (override) =>
  `for ${duration(override.seconds_left)} more${override.all ? ', on all hosts' : ''}` +
  `${override.by ? `, by ${override.by}` : ''}${override.note ? `: ${override.note}` : ''}`;

// What else somebody should know at once: [{ kind, text }].
export function notices(status, good) {
  const list = [];
  const add = (kind, text) => list.push({ kind, text });
  const service = status.services[0];
  const isBusy = service && service.level !== 'calm';
  if (good.turnedAway > 0)
    add('bad', `${plural(good.turnedAway, 'connection', 'connections')} of good senders had to be asked to come back in the last ${good.minutes} minutes: there were not enough slots.`);
  else if (isBusy && good.messages > 0)
    add('good', `Good mail gets in: ${plural(good.messages, 'message', 'messages')} of good senders accepted in the last ${good.minutes} minutes, nobody of them turned away.`);
  if (status.redis.configured && !status.redis.reachable)
    add('bad', `Redis does not answer${status.redis.error ? ` (${status.redis.error})` : ''}. Decisions go on from memory; history and counters are not shown.`);
  if (status.forced?.off) add('warn', `Switched off ${until(status.forced.off)}. Nobody is hung up on.`);
  else if (status.off || status.mode === 'off') add('warn', 'Switched off. Nobody is hung up on.');
  else if (status.mode === 'observe') add('warn', 'Observe mode: what would be done is logged and counted; nobody is hung up on.');
  if (status.forced?.level) add('warn', `The level is forced to ${status.forced.level.level} ${until(status.forced.level)}.`);
  if (service?.level_source === 'cluster') add('warn', 'The level is that of the other hosts: enough of them are stressed.');
  if (service?.postfix_stress) add('warn', 'Postfix itself signals stress (stress=yes), and does so for 1000 s after its last process was taken.');
  return list;
}

const EVENT_WORDS = {
  level: (e) => `${e.service}: level ${e.from} → ${e.to}, pressure ${e.pressure}` +
    (e.source === 'sensors' ? ` (${String(e.driver).replaceAll('_', ' ')})` : ` (by ${e.source})`),
  publisher: (e) => `${String(e.to).split(':')[0]} now tells how the host is`,
  override: (e) => `override in effect: ${e.action}${e.level ? ` ${e.level}` : ''}${e.by ? `, by ${e.by}` : ''}${e.note ? `: ${e.note}` : ''}`,
  order: (e) => `ordered: ${e.action}${e.level ? ` ${e.level}` : ''}${e.by ? `, by ${e.by}` : ''}${e.note ? `: ${e.note}` : ''}`,
  access: (e) => `${e.action} ${e.key}${e.by ? `, by ${e.by}` : ''}${e.note ? `: ${e.note}` : ''}`,
  rbl: (e) => `${e.text || `list ${e.zone} changed`}`,
  reclaim: (e) => `${e.slots} slot${e.slots === '1' ? '' : 's'} taken back, the last from ${e.client} (${e.class}, ${String(e.reason).replaceAll('-', ' ')}, held ${e.held_s} s)`,
  'history-cap': (e) => (e.state === 'reached'
    ? `safety rail: ${Math.round(e.share * 100)} % of connections hung up on by history alone; history counts less for now`
    : 'safety rail left: history counts in full again'),
};

export function eventText(event) {
  const words = EVENT_WORDS[event.type];
  if (words) return words(event);
  const rest = Object.entries(event).filter(([name]) => !['id', 'time', 'type', 'host'].includes(name));
  return [event.type ?? 'event', ...rest.map(([name, value]) => `${name} ${value}`)].join(', ');
}

export const refusalText = (code) =>
  (code === 421 || code === 521 ? `hung up on with ${code}` : `refused with ${code}`);

const ADMISSION = {
  in: () => 'let in',
  'below-ceiling': (l) => (l.ceiling >= 1 ? `let in, down to the last slot, then ${l.code}`
    : `let in up to ${Math.round(l.ceiling * 100)} % of the slots, then ${l.code}`),
  out: (l) => refusalText(l.code),
};
export const admissionText = (level) =>
  (ADMISSION[level.admitted]?.(level) ?? '–') + (level.observed ? ' (observe mode: only logged)' : '');

// "hang_ups{process=milter,class=bot,reason=rbl}" -> { name, labels }
export function parseField(field) {
  const match = /^([a-z_0-9]+)(?:\{(.*)\})?$/.exec(field);
  if (!match) return null;
  const labels = {};
  for (const pair of (match[2] ?? '').split(',')) {
    const at = pair.indexOf('=');
    if (at > 0) labels[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return { name: match[1], labels };
}
