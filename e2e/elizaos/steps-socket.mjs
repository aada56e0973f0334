// Socket.IO in each of its three ways. The key goes into the handshake's
// header or, as browsers have it, is shown beforehand for a cookie or a ticket:
// these are all that is seen before the socket is open.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { io } from 'socket.io-client';
import { CHUNKS } from './model.mjs';

const PATIENCE_MS = 60_000; // machines that run tests are busy
const ROOM_JOINING = 1;
const SEND_MESSAGE = 2;

export function socketSteps(context) {
  const ways = { websocket: ['websocket'], polling: ['polling'], upgrade: ['polling', 'websocket'] };
  return Object.entries(ways).flatMap(([name, transports]) => [
    [`socket ${name}`, () => withSocket(context, transports, (socket) => socket.io.engine.transport.name)],
    [`socket ${name} talk`, () => withSocket(context, transports, (socket) => talk(context, socket))],
  ]);
}

// withSocket opens a socket, by an upgrade where two transports are named, and
// closes it when use is done.
async function withSocket(context, transports, use) {
  const { origin, pathname } = new URL(context.url);
  const socket = io(origin, {
    path: `${pathname.replace(/\/$/, '')}/socket.io/`,
    transports,
    reconnection: false,
    forceNew: true,
    timeout: PATIENCE_MS,
    auth: { entityId: context.user },
    ...await credentials(context, origin),
  });
  socket.once('connect_error', (error) => {
    context.socketStatus = handshakeStatus(error);
  });
  try {
    const upgraded = transports.length > 1 && new Promise((done) => socket.io.engine.once('upgrade', done));
    await event(socket, 'connect');
    if (upgraded) await within(upgraded, 'the upgrade to a websocket');
    return await use(socket);
  } finally {
    socket.close();
  }
}

// credentials are the options of a socket that show the key, or what was got
// for it.
async function credentials(context, origin) {
  if (!context.key) return {};
  const key = { 'X-API-KEY': context.key };
  switch (context.by) {
    case 'cookie': {
      // What a browser says of a page of the gate's own origin.
      const page = { Origin: origin, 'Sec-Fetch-Site': 'same-origin' };
      const response = await fetch(`${context.url}/api/server/ping`, { headers: { ...key, ...page } });
      const cookies = response.headers.getSetCookie().map((line) => line.split(';')[0]);
      assert.equal(cookies.length, 1, `cookies: ${cookies.length}`);
      return { extraHeaders: { Cookie: cookies[0], ...page } };
    }
    case 'ticket': {
      const response = await fetch(`${context.url}/.gatehouse/ticket`, { method: 'POST', headers: key });
      const { data } = await response.json();
      return { query: { ticket: data.ticket } };
    }
    default:
      return { extraHeaders: key };
  }
}

// talk joins the channel, sends a message and follows the held answer, each
// chunk of which has to arrive while the model waits to send the next.
async function talk(context, socket) {
  const hold = randomUUID();
  try {
    const joined = event(socket, 'channel_joined');
    socket.emit('message', { type: ROOM_JOINING, payload: { channelId: context.channel, entityId: context.user } });
    assert.equal((await joined).channelId, context.channel);

    const acknowledged = event(socket, 'messageAck');
    const answered = follow(socket, context, hold);
    socket.emit('message', {
      type: SEND_MESSAGE,
      payload: {
        channelId: context.channel,
        messageServerId: context.messageServer,
        senderId: context.user,
        senderName: 'a visitor',
        message: `Who is there? [hold:${hold}]`,
      },
    });
    const [ack] = await Promise.all([acknowledged, answered]);
    assert.equal(ack.channelId, context.channel);
    return `joined, acknowledged, ${CHUNKS} chunks, each while the model waited to send the next`;
  } finally {
    await context.release(hold, true);
  }
}

// follow keeps what arrives in a queue: the next chunk may be here before the
// answer to its release is.
async function follow(socket, context, hold) {
  const chunks = [];
  let arrived = () => {};
  socket.on('messageStreamChunk', (chunk) => {
    chunks.push(chunk);
    arrived();
  });
  for (let index = 0; index < CHUNKS; index++) {
    if (chunks.length === 0) await within(new Promise((resolve) => { arrived = resolve; }), `chunk ${index}`);
    assert.equal(chunks.shift().index, index, 'chunks out of order');
    const { sent } = await context.release(hold);
    assert.equal(index, sent - 1, 'a chunk came that is not the one the model sent last');
  }
}

// event waits for one event by name; whatever closes the socket ends it.
function event(socket, name) {
  let refuse;
  const arrived = new Promise((resolve, reject) => {
    refuse = (reason) => reject(new Error(`${name}: ${describe(reason)}`));
    socket.once(name, resolve);
    for (const failure of ['connect_error', 'messageError', 'disconnect']) socket.once(failure, refuse);
  });
  return within(arrived, name).finally(() => {
    for (const failure of ['connect_error', 'messageError', 'disconnect']) socket.off(failure, refuse);
  });
}

const describe = (reason) => (typeof reason === 'string' ? reason : reason.message ?? reason.error);

// A refused handshake hides its status: in the request of the polling
// transport, in the text of the websocket's error.
function handshakeStatus(error) {
  const fromPolling = error.context?.status ?? error.description;
  return Number.isInteger(fromPolling) ? fromPolling : Number(/\b(\d{3})$/.exec(error.description?.message)?.[1] ?? 0);
}

async function within(promise, what) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
