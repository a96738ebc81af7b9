/** An HTTP server that gives every request the same answer. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Answering {
  readonly url: string;
  stop(): Promise<void>;
}

export async function answeringServer(answer: (response: ServerResponse) => void): Promise<Answering> {
  const server = createServer((request, response) => {
    request.resume().once("end", () => answer(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
