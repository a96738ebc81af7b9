import { crc32 } from "node:zlib";

/** What happened, in order: a hash of all of it, and the end of it for a person. */
export interface Trace {
  say(what: string): void;
  /** As `say`, for the hash alone. */
  hash(what: string): void;
  readonly digest: number;
  /** The last things said. */
  readonly tail: readonly string[];
}

const longest = 60;

export function createTrace(): Trace {
  const tail: string[] = [];
  let digest = 0;
  const hash = (what: string): void => {
    digest = crc32(`${performance.now()} ${what}\n`, digest);
  };
  return {
    hash,
    say(what) {
      hash(what);
      tail.push(`${(performance.now() / 1_000).toFixed(3)} s  ${what}`);
      if (tail.length > longest) tail.shift();
    },
    get digest() {
      return digest;
    },
    tail,
  };
}
