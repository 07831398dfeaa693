import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An incoming webhook of this machine: what was said to it, and what it answers. */
export interface Hook {
  address: string;
  said: string[];
  answer: number;
  close: () => void;
}

export async function hook(): Promise<Hook> {
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      response.writeHead(h.answer);
      if (h.answer === 200) h.said.push((JSON.parse(body) as { text: string }).text);
      response.end(h.answer === 200 ? 'ok' : 'no_service');
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const h: Hook = { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0000/B0000/secret-of-the-story`, said: [], answer: 200, close: () => server.close() };
  return h;
}
