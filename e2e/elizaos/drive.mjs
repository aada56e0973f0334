// Drives an ElizaOS server, bare or behind the gate, with the official client
// and with socket.io-client, and prints one JSON line per step:
//   {"step":"ping","ok":true,"status":200,"code":"","detail":""}
//
//   node drive.mjs --url http://127.0.0.1:3000 --control http://127.0.0.1:3001 [--key KEY]
//
//   --url      the server to drive; a path prefix is allowed, https too
//              (NODE_EXTRA_CA_CERTS names the file of a private CA)
//   --control  start.mjs' control server, reached past the gate
//   --key      sent as X-API-KEY; without it no key is sent
//   --by       how sockets show the key: header (the default), cookie or ticket
//   --steps    only these steps, comma separated
//
// Exit status: 0 when every step is ok, 1 when one is not, 2 for wrong usage.
// Every step is tried even if an earlier one failed: with a wrong key each of
// them has to be refused by itself.
import { parseArgs } from 'node:util';
import { restSteps } from './steps-rest.mjs';
import { sseSteps } from './steps-sse.mjs';
import { socketSteps } from './steps-socket.mjs';

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    control: { type: 'string' },
    key: { type: 'string' },
    by: { type: 'string' },
    steps: { type: 'string' },
  },
});
if (!options.url || !options.control) {
  console.error('usage: node drive.mjs --url URL --control URL [--key KEY] [--by header|cookie|ticket] [--steps a,b]');
  process.exit(2);
}

// The client tells its caller no status of an answer that succeeded: it is
// noted here, on its way through fetch.
let lastStatus = 0;
const plainFetch = globalThis.fetch;
globalThis.fetch = async (...args) => {
  const response = await plainFetch(...args);
  lastStatus = response.status;
  return response;
};

const context = {
  url: options.url.replace(/\/$/, ''),
  key: options.key,
  by: options.by,
  // release lets the model send one more chunk of a held answer.
  async release(id, all = false) {
    const url = `${options.control}/release?id=${id}${all ? '&all=1' : ''}`;
    const response = await plainFetch(url, { method: 'POST' });
    return response.json();
  },
};

const wanted = options.steps?.split(',');
let failed = 0;
for (const [name, run] of [...restSteps(context), ...sseSteps(context), ...socketSteps(context)]) {
  if (wanted && !wanted.includes(name)) continue;
  lastStatus = 0;
  context.socketStatus = 0;
  const result = { step: name, ok: true, status: 0, code: '', detail: '' };
  try {
    result.detail = (await run()) ?? '';
  } catch (error) {
    failed++;
    result.ok = false;
    result.code = error.code ?? '';
    result.detail = error.message;
  }
  result.status = context.socketStatus || lastStatus;
  console.log(JSON.stringify(result));
}
process.exit(failed ? 1 : 0);
