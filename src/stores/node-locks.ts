import { createHash } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { fileLeases } from "./filesystem/leases.ts";
import { leaseLocks } from "./lease-locks.ts";
import type { Locks } from "./store.ts";

/**
 * Locks in Node: an address that the kernel frees when its process ends, however it ends. Linux has abstract sockets,
 * Windows named pipes; elsewhere a socket would leave its file behind, so files in `folder` are leased instead.
 */
export function nodeLocks(folder: string): Locks {
  const leases = leaseLocks(fileLeases(folder));
  const prefix = addressPrefix();
  if (prefix === undefined) return leases;
  const addressOf = (name: string): string => prefix + createHash("sha256").update(name).digest("hex");
  return {
    take: (name) => listen(addressOf(name)),
    held: (name) => answers(addressOf(name)),
  };
}

function addressPrefix(): string | undefined {
  if (process.platform === "linux") return "\0runlog-";
  return process.platform === "win32" ? "\\\\.\\pipe\\runlog-" : undefined;
}

function listen(path: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const server: Server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(undefined);
      else reject(error);
    });
    // Exclusive: the workers of a cluster would otherwise share one listening socket.
    server.listen({ path, exclusive: true }, () => resolve(() => void server.close()));
    server.unref();
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.unref();
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Anything but "nobody is there" (a full backlog, no permission) comes from a holder.
    socket.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT");
    });
  });
}
