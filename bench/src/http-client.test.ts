import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Connection, encodeRequest, headerOf, ProtocolError, ReplyReader } from './http-client.ts';

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n';

describe('ReplyReader (RFC 9112)', () => {
  it.each([
    [PLAIN, 200, 'hello'],
    [CHUNKED, 201, 'hello world'],
    ['HTTP/1.1 204 No Content\r\n\r\n', 204, ''],
    ['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 304, ''],
  ])('reads %j wherever it is cut', (text, status, body) => {
    const bytes = Buffer.from(text);
    for (let cut = 0; cut < bytes.length; cut++) {
      const reader = new ReplyReader();
      expect(reader.read(bytes.subarray(0, cut))).toBeUndefined();
      const parsed = reader.read(bytes);
      expect(parsed?.used).toBe(bytes.length);
      expect(parsed?.reply.status).toBe(status);
      expect(parsed?.reply.body.toString()).toBe(body);
    }
  });

  it('refuses an answer without a length, and what is no HTTP', () => {
    expect(() => new ReplyReader().read(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))).toThrow(ProtocolError);
    expect(() => new ReplyReader().read(Buffer.from('SSH-2.0\r\n\r\n'))).toThrow(ProtocolError);
  });

  it('finds header fields without regard to case', () => {
    expect(headerOf('HTTP/1.1 200 OK\r\nETag: W/"3"\r\nX: y', 'etag')).toBe('W/"3"');
    expect(headerOf('HTTP/1.1 200 OK\r\nX: y', 'etag')).toBeUndefined();
  });
});

describe('Connection', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  const listen = (answer: (request: string) => string[]): Promise<number> =>
    new Promise((resolve) => {
      server = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', async (data) => {
          for (const piece of answer(data.toString())) {
            socket.write(piece);
            await new Promise((next) => setTimeout(next, 5));
          }
        });
      }).listen(0, '127.0.0.1', () => resolve((server!.address() as { port: number }).port));
    });

  it('sends one request after the other on one connection, whatever pieces the answers come in', async () => {
    const seen: string[] = [];
    const port = await listen((request) => {
      seen.push(request);
      return [PLAIN.slice(0, 30), PLAIN.slice(30, 70), PLAIN.slice(70)];
    });
    const connection = await Connection.open('127.0.0.1', port);
    for (let i = 0; i < 3; i++) {
      const reply = await connection.request(encodeRequest('h', 'POST', `/${i}`, 'äb'));
      expect(reply.body.toString()).toBe('hello');
    }
    connection.close();
    expect(seen[2]).toContain('POST /2 HTTP/1.1\r\n');
    expect(seen[2]).toContain('Content-Length: 3\r\n');
  });

  it('fails when more comes than one answer', async () => {
    const port = await listen(() => [PLAIN + PLAIN]);
    const connection = await Connection.open('127.0.0.1', port);
    await expect(connection.request(encodeRequest('h', 'GET', '/'))).rejects.toThrow(ProtocolError);
  });
});
