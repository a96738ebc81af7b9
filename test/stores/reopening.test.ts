import { expect, it } from "vitest";
import { reopening } from "../../src/stores/reopening.ts";

class Lost extends Error {}

/** Handles are numbered from 1; `lost` says of each that it died. */
function make(open?: () => Promise<void>): {
  use<T>(work: (number: number) => Promise<T>): Promise<T>;
  close(): void;
  readonly closed: number[];
  readonly lost: (() => void)[];
} {
  const lost: (() => void)[] = [];
  const closed: number[] = [];
  const { use, close } = reopening(
    async (tell) => {
      const number = lost.push(tell);
      await open?.();
      return { number, close: () => void closed.push(number) };
    },
    (error) => error instanceof Lost,
  );
  return { use: (work) => use(({ number }) => work(number)), close, closed, lost };
}

it("shares a handle, and lets go only the one that died", async () => {
  const { use, closed, lost } = make();
  const late = Promise.withResolvers<void>();
  const handles: number[] = [];
  const user = async (handle: number): Promise<number> => {
    handles.push(handle);
    if (handle === 1) throw new Lost();
    return handle;
  };
  // It was given the first handle, and hears of its death when the others have the second.
  const straggler = use(async (handle) => {
    if (handle === 1) {
      await late.promise;
      throw new Lost();
    }
    return handle;
  });
  expect(await Promise.all([use(user), use(user), use(user)])).toEqual([2, 2, 2]);
  expect(handles).toEqual([1, 1, 1, 2, 2, 2]);
  late.resolve();
  expect(await straggler).toBe(2);
  lost[0]?.();
  expect(await use(async (handle) => handle)).toBe(2);
  expect(closed).toEqual([1]);
  expect(lost).toHaveLength(2);
});

it("gives up after a bounded number of handles, and begins anew at the next use", async () => {
  const { use, closed } = make();
  const tried: number[] = [];
  const work = async (handle: number): Promise<never> => {
    tried.push(handle);
    throw new Lost();
  };
  await expect(use(work)).rejects.toThrow(Lost);
  expect(tried).toEqual([1, 2, 3, 4, 5]);
  expect(closed).toEqual(tried);
  expect(await use(async (handle) => handle)).toBe(6);
});

it("opens another where the first did not open, and repeats no work that was wrong", async () => {
  let shut = true;
  const { use, closed } = make(async () => {
    if (shut) throw new Error("shut");
  });
  await expect(use(async (handle) => handle)).rejects.toThrow("shut");
  shut = false;
  expect(await use(async (handle) => handle)).toBe(2);
  let times = 0;
  const wrong = use(async () => {
    times += 1;
    throw new Error("wrong");
  });
  await expect(wrong).rejects.toThrow("wrong");
  expect(times).toBe(1);
  expect(closed).toEqual([]);
});

it("closes its handle once, and opens another for whoever comes later", async () => {
  const { use, close, closed } = make();
  await use(async (handle) => handle);
  close();
  close();
  expect(await use(async (handle) => handle)).toBe(2);
  expect(closed).toEqual([1]);
});
