// What the official client does over plain requests.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { ElizaClient } from '@elizaos/api-client';

// The smallest PNG there is: one transparent pixel.
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

// A recording without a sound in it.
const recording = Buffer.from('RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\0\0\0\0', 'latin1');

export function restSteps(context) {
  const client = ElizaClient.create({ baseUrl: context.url, apiKey: context.key, timeout: 60_000 });

  // Made up beforehand, and replaced by the server's own when it gives them:
  // a step is tried even if the one that it builds on failed.
  context.user = randomUUID();
  context.agent = randomUUID();
  context.channel = randomUUID();
  context.messageServer = '00000000-0000-0000-0000-000000000000';
  let session = randomUUID();
  let job = randomUUID();

  return [
    ['ping', async () => {
      const { pong } = await client.server.ping();
      assert.equal(pong, true);
    }],
    ['status', async () => {
      const { status, agentCount } = await client.server.getStatus();
      assert.equal(status, 'ok');
      return `${agentCount} agent`;
    }],
    ['health', async () => {
      const { status } = await client.server.checkHealth();
      assert.equal(status, 'OK');
    }],
    ['agents', async () => {
      const { agents } = await client.agents.listAgents();
      assert.equal(agents.length, 1);
      context.agent = agents[0].id;
      return agents[0].name;
    }],
    ['message servers', async () => {
      const { messageServers } = await client.messaging.listMessageServers();
      context.messageServer = messageServers[0].id;
    }],
    ['create channel', async () => {
      const channel = await client.messaging.createGroupChannel({
        name: 'e2e',
        participantIds: [context.user, context.agent],
      });
      context.channel = channel.id;
    }],
    ['channel details', async () => {
      const channel = await client.messaging.getChannelDetails(context.channel);
      assert.equal(channel.id, context.channel);
    }],
    ['channel messages', async () => {
      const { messages } = await client.messaging.getChannelMessages(context.channel);
      assert.ok(Array.isArray(messages));
    }],
    ['media upload', async () => {
      const { url } = await client.media.uploadChannelMedia(
        context.channel,
        new File([pixel], 'pixel.png', { type: 'image/png' }),
      );
      assert.match(url, /^\/media\/uploads\/channels\/.*\.png$/);
      return url;
    }],
    ['transcription', async () => {
      const { text } = await client.audio.transcribe(context.agent, {
        audio: new File([recording], 'voice.wav', { type: 'audio/wav' }),
      });
      assert.equal(text, `a recording of ${recording.length} bytes`);
    }],
    ['create session', async () => {
      const created = await client.sessions.createSession({ agentId: context.agent, userId: context.user });
      session = created.sessionId;
    }],
    ['sync message', async () => {
      // The client unwraps a field that this answer does not have, so that it
      // gives nothing back; the next step sees the message stored.
      await client.sessions.sendMessageSync(session, { content: 'Who is there?' });
    }],
    ['session messages', async () => {
      const { messages } = await client.sessions.getMessages(session);
      assert.ok(messages.some((m) => m.content === 'Who is there?'));
    }],
    ['delete session', async () => {
      await client.sessions.deleteSession(session);
    }],
    ['create job', async () => {
      const created = await client.jobs.create({
        userId: context.user,
        agentId: context.agent,
        content: 'Who is there?',
        timeoutMs: 5000,
      });
      job = created.jobId;
    }],
    ['job', async () => {
      const { jobId } = await client.jobs.getJob(job);
      assert.equal(jobId, job);
    }],
  ];
}
