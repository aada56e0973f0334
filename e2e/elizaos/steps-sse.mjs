// Answers as server-sent events. The client has no method for them: the
// request is the one that it would send.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CHUNKS } from './model.mjs';

const PATIENCE_MS = 20_000;

export function sseSteps(context) {
  const headers = { 'Content-Type': 'application/json' };
  if (context.key) headers['X-API-KEY'] = context.key;

  const post = async (path, body, signal) => {
    const response = await fetch(context.url + path, {
      method: 'POST', headers, body: JSON.stringify(body), signal,
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}: ${(await response.text()).slice(0, 200)}`);
    return response;
  };

  // stream follows one held answer: each chunk has to arrive while the model
  // still waits for leave to send the next one.
  const stream = async (path, body) => {
    const id = randomUUID();
    const abort = new AbortController();
    const response = await post(path, { ...body, content: `Who is there? [hold:${id}]`, transport: 'sse' }, abort.signal);
    const seen = [];
    try {
      assert.match(response.headers.get('content-type'), /^text\/event-stream/);
      const events = parseEvents(response.body);
      for (;;) {
        const { value: event, done } = await within(events.next(), () =>
          `nothing came for ${PATIENCE_MS} ms after ${seen.join(' ') || 'the headers'}: is the stream buffered?`);
        if (done) break;
        seen.push(event.name);
        if (event.name !== 'chunk') continue;
        const { sent } = await context.release(id);
        assert.equal(event.data.index, sent - 1, 'a chunk came that is not the one the model sent last');
      }
    } finally {
      abort.abort();
      await context.release(id, true);
    }
    assert.deepEqual(seen, ['user_message', ...Array(CHUNKS).fill('chunk'), 'done']);
    return `${CHUNKS} chunks, each while the model waited to send the next`;
  };

  return [
    ['sse session', async () => {
      const created = await post('/api/messaging/sessions', { agentId: context.agent, userId: context.user });
      const { sessionId } = await created.json();
      return stream(`/api/messaging/sessions/${sessionId}/messages`, {});
    }],
    ['sse channel', () => stream(`/api/messaging/channels/${context.channel}/messages`, {
      author_id: context.user,
      message_server_id: context.messageServer,
    })],
  ];
}

async function within(promise, reason) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(reason())), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

async function* parseEvents(body) {
  let buffer = '';
  for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
    buffer += bytes;
    for (let end; (end = buffer.indexOf('\n\n')) >= 0; buffer = buffer.slice(end + 2)) {
      const fields = Object.fromEntries(buffer.slice(0, end).split('\n').map((line) => line.split(/: (.*)/s)));
      if (fields.event) yield { name: fields.event, data: JSON.parse(fields.data) };
    }
  }
}
