// A model that needs no network and answers the same to everyone. A message
// that contains [hold:ID] is answered chunk by chunk, and each chunk after the
// first waits until a test releases it: whatever buffers the answer on its way
// stops the stream altogether, so that no test has to measure time.
import { createHash } from 'node:crypto';

export const CHUNKS = 12;
const EMBEDDING_SIZE = 384;

// The server cuts a stream after 30 seconds of silence; a test that never
// releases a chunk should rather fail here, with a reason.
const HOLD_LIMIT_MS = 25_000;

// ElizaOS holds back the last ten characters of a streamed text until it knows
// that they are not part of a closing tag, so a piece is longer than that.
const piece = (n) => `piece ${String(n).padStart(2, '0')} of ${CHUNKS} from the model. `;
const head = '<response><thought>I answer the same to everyone.</thought>'
  + '<actions>REPLY</actions><providers></providers><text>';
const tail = '</text></response>';

const modelChunks = Array.from({ length: CHUNKS }, (_, i) =>
  (i === 0 ? head : '') + piece(i + 1) + (i === CHUNKS - 1 ? tail : ''));

// One answer for every question that the small model is asked: whether to
// respond, what was learned (nothing), and a channel's title.
const smallAnswer = '<response><name>agent</name><reasoning>always</reasoning><action>RESPOND</action>'
  + '<thought>Nothing to note.</thought><facts></facts><relationships></relationships></response>';

// Holds keeps how far each held answer may go and how far it went.
export class Holds {
  #holds = new Map();

  #get(id) {
    if (!this.#holds.has(id)) {
      this.#holds.set(id, { released: 0, sent: 0, finished: false, wake: [] });
    }
    return this.#holds.get(id);
  }

  // release lets one more chunk (or all) of an answer go and says how many
  // had been sent before.
  release(id, all) {
    const hold = this.#get(id);
    const sent = hold.sent;
    hold.released = all ? Infinity : hold.released + 1;
    for (const wake of hold.wake.splice(0)) wake();
    return { sent, finished: hold.finished };
  }

  // allowed resolves when the answer's chunk number n may go.
  async allowed(id, n) {
    const hold = this.#get(id);
    let timer;
    const limit = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`chunk ${n} of [hold:${id}] was never released`)), HOLD_LIMIT_MS);
    });
    try {
      while (hold.released < n - 1) {
        await Promise.race([new Promise((resolve) => hold.wake.push(resolve)), limit]);
      }
    } finally {
      clearTimeout(timer);
    }
    hold.sent = n;
  }

  // pending names the hold that a prompt asks for: the last one in it that has
  // not been answered yet, since a prompt repeats the room's earlier messages.
  pending(prompt) {
    const ids = [...prompt.matchAll(/\[hold:([\w-]+)\]/g)].map((m) => m[1]);
    const id = ids.at(-1);
    return id && !this.#get(id).finished ? id : undefined;
  }

  finish(id) {
    this.#get(id).finished = true;
  }
}

function embedding(text) {
  const seed = createHash('sha256').update(text).digest();
  return Array.from({ length: EMBEDDING_SIZE }, (_, i) => seed[i % seed.length] / 128 - 1);
}

// modelPlugin is the plugin around the model. Its route is mounted by ElizaOS
// at the root, outside /api, where no key is asked for.
export function modelPlugin(holds) {
  async function* stream(id) {
    for (const [i, chunk] of modelChunks.entries()) {
      if (id) await holds.allowed(id, i + 1);
      yield chunk;
    }
    if (id) holds.finish(id);
  }

  return {
    name: 'deterministic-model',
    description: 'a model that answers the same to everyone',
    models: {
      TEXT_SMALL: async () => smallAnswer,
      TEXT_LARGE: async (_runtime, { prompt, stream: streaming }) => {
        const id = holds.pending(prompt);
        if (streaming) return { textStream: stream(id) };
        let text = '';
        for await (const chunk of stream(id)) text += chunk;
        return text;
      },
      TEXT_EMBEDDING: async (_runtime, params) => embedding(params?.text ?? ''),
      TRANSCRIPTION: async (_runtime, audio) => `a recording of ${audio.length} bytes`,
      // ElizaOS 1.7.2 answers 500 before it gets this far: it looks for a field
      // in the text, as if the text were an object.
      TEXT_TO_SPEECH: async () => Buffer.from('RIFF\0\0\0\0WAVE'),
    },
    routes: [{
      type: 'GET',
      path: '/open',
      handler: async (_req, res) => {
        res.json({ open: 'a plugin route that asks for no key' });
      },
    }],
  };
}
