// The answer to "why?": what /api/explain says of one client, in words.

import * as words from './words.js';

function make(name, text, className) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function facts(pairs) {
  const list = make('dl', undefined, 'facts');
  for (const [term, value] of pairs) list.append(make('dt', term), make('dd', value));
  return list;
}

function historyText(history) {
  if (!history) return 'none, its name is not verified';
  if (history.state === 'missing') return `${history.key}: not known, Redis did not answer`;
  if (history.state === 'none') return `${history.key}: nothing is known`;
  const counts = Object.entries(history.counts).filter(([, value]) => value >= 0.05)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${value.toFixed(1)}`);
  const last = history.last ? `, last seen ${words.dateAndTime(history.last)}` : '';
  const hungUp = history.hung_up ? `, hung up on ${words.dateAndTime(history.hung_up)}` : '';
  return `${history.key}: ${counts.join(', ') || 'seen, nothing that counts'}${last}${hungUp}`;
}

const LIST_WORDS = {
  'listed': (l) => `listed (${l.answer})`, 'not-listed': () => 'not listed',
  'not-remembered': () => 'no answer is remembered',
};
const listText = (list) => LIST_WORDS[list.state]?.(list) ?? 'its answer says nothing';

function showExplanation(box, answer) {
  const now = answer.now.admitted ? 'would be let in' : `would be ${words.refusalText(answer.now.code)}`;
  const list = answer.list ? [['List', `${answer.list.kind} ${answer.list.key}, ${words.duration(answer.list.seconds_left)} more` +
    `${answer.list.by ? `, by ${answer.list.by}` : ''}${answer.list.note ? `: ${answer.list.note}` : ''}`]] : [];
  box.replaceChildren(
    make('h3', answer.client),
    make('p', `Class ${answer.class}: ${words.reasonText(answer.reason)}.`),
    make('p', `Now, at level ${answer.now.level}, it ${now} (rule ${answer.now.rule}).`),
    facts(Object.entries(answer.levels).map(([level, outlook]) => [`When ${level}`, words.admissionText(outlook)])),
    facts([...list, ...(answer.dns_lists ?? []).map((l) => [`List ${l.list}`, listText(l)]), ...Object.entries(answer.history).map(([scope, history]) =>
      [`History, ${scope}`, historyText(history)])]),
  );
  if (!answer.complete) box.append(make('p', 'Redis did not answer: this is without its history.', 'note'));
}

export async function explainClient(ask, box, address) {
  const refuse = () => box.replaceChildren(make('p', `“${address}” is not an IPv4 or IPv6 address.`));
  if (!/^[0-9a-f.:]+$/i.test(address)) return refuse();
  try {
    const answer = await ask('explain', { address });
    showExplanation(box, answer);
  } catch (error) {
    if (/: 400$/.test(error.message)) return refuse();
    box.replaceChildren(make('p', 'No answer. Try again in a moment.'));
  }
  return undefined;
}
