/** What a browser suite asks of its harness; loads in a page and in a worker. */

declare module "vitest" {
  interface ProvidedContext {
    services: Record<string, string>;
  }
}

/** Addresses of the helper services by name; a name is absent where its service is missing on this machine. */
export async function services(): Promise<Record<string, string>> {
  const { inject } = await import("vitest");
  return inject("services");
}
