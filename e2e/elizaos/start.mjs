// Starts a real ElizaOS server with the deterministic model and one agent, or
// several.
//
// ElizaOS' own environment names apply (SERVER_PORT, ELIZA_SERVER_AUTH_TOKEN,
// ELIZA_UI_ENABLE, ...). Ours:
//   E2E_DATA_DIR      where the database, the uploads and a .env live; required
//   E2E_CHARACTER     character files, with ":" between them, to start in place
//                     of our own character
//   E2E_CONTROL_PORT  port of the control server, default: any free one
//
// What reaches ElizaOS is written to requests.jsonl in that folder, a line for
// each request, so that it is there when the server has been killed.
//
// The control server is for tests alone and lies beside ElizaOS, never behind
// the gate:
//   POST /release?id=ID[&all=1]  lets one more chunk (or all) of [hold:ID] go
//   GET  /routes                 what the server's router answers, as "METHOD /path"
import { createServer } from 'node:http';
import { mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { Holds, modelPlugin } from './model.mjs';

const AGENT_ID = 'a9e7c0de-0000-4000-8000-000000000001';

if (!process.env.E2E_DATA_DIR) {
  console.error('E2E_DATA_DIR is not set: name a folder for the database and the uploads');
  process.exit(2);
}
const dataDir = resolve(process.env.E2E_DATA_DIR);
mkdirSync(dataDir, { recursive: true });

// ElizaOS looks for a .env upward from the working directory, and keeps
// uploads under it: neither may be the checkout's.
process.chdir(dataDir);
process.env.SERVER_HOST ||= '127.0.0.1';
process.env.SENTRY_DSN ||= 'http://none@127.0.0.1:9/1';

// Imported only now: both read the environment while they load.
const { AgentServer } = await import('@elizaos/server');
const { default: bootstrap } = await import('@elizaos/plugin-bootstrap');

const holds = new Holds();
const server = new AgentServer();
await server.initialize({ dataDir });
recordRequests(server.server, join(dataDir, 'requests.jsonl'));
const controlPort = await startControl();

const characters = process.env.E2E_CHARACTER
  ? process.env.E2E_CHARACTER.split(delimiter).map((file) => JSON.parse(readFileSync(file, 'utf8')))
  : [{ id: AGENT_ID, name: 'Doorkeeper', bio: ['Answers the same to everyone.'], settings: {} }];
await server.start({
  port: process.env.SERVER_PORT ? Number(process.env.SERVER_PORT) : undefined,
  agents: characters.map((character) => ({ character, plugins: [bootstrap, modelPlugin(holds)] })),
});
const [agent] = server.getAllAgents();
console.log(`e2e: agent ${agent.agentId} is ready, control is listening on port ${controlPort}`);

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => process.exit(0));
}

// recordRequests notes every request and upgrade before Express or Socket.IO
// see it, so that a test can tell what the backend was really sent.
function recordRequests(httpServer, path) {
  const file = openSync(path, 'w');
  const note = (req) => {
    const { method, url, rawHeaders: headers, socket: { remoteAddress: remote } } = req;
    writeSync(file, `${JSON.stringify({ method, url, remote, headers })}\n`);
  };
  httpServer.prependListener('request', note);
  httpServer.prependListener('upgrade', note);
}

// routesOf lists the routes of a router, of the routers mounted in it, and, as
// USE, what else is mounted at a path of its own.
function routesOf(router, base = '') {
  return router.stack.flatMap((layer) => [layer.rawPath].flat().flatMap((path) => {
    const full = path === '/' ? base : base + path;
    if (layer.route) {
      return Object.keys(layer.route.methods).map((method) => `${method === '_all' ? '*' : method.toUpperCase()} ${full || '/'}`);
    }
    if (Array.isArray(layer.handle.stack)) return routesOf(layer.handle, full);
    return path === '/' ? [] : [`USE ${full}`];
  }));
}

async function startControl() {
  const control = createServer((req, res) => {
    const url = new URL(req.url, 'http://control');
    const answer = (status, body) => {
      res.writeHead(status, { 'Content-Type': 'application/json' });
      res.end(JSON.stringify(body));
    };
    if (req.method === 'POST' && url.pathname === '/release') {
      return answer(200, holds.release(url.searchParams.get('id'), url.searchParams.has('all')));
    }
    if (req.method === 'GET' && url.pathname === '/routes') {
      return answer(200, routesOf(server.app.router));
    }
    answer(404, { error: 'the control server knows POST /release and GET /routes' });
  });
  await new Promise((done) => control.listen(Number(process.env.E2E_CONTROL_PORT ?? 0), '127.0.0.1', done));
  return control.address().port;
}
