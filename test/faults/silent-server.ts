/** A server that accepts and never answers: the worst that a network does. */
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface SilentServer {
  readonly port: number;
  /** How many connections came, and how many of them sent something. */
  readonly accepted: number;
  readonly asked: number;
  stop(): Promise<void>;
}

export async function silentServer(): Promise<SilentServer> {
  const sockets = new Set<Socket>();
  let asked = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("data", () => {
      asked += 1;
    });
    // A client that gives up resets its connection, which is no trouble of ours.
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get accepted() {
      return sockets.size;
    },
    get asked() {
      return asked;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
