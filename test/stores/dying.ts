/** Makes IndexedDB fail as browsers make it fail, in a page or worker of its own. */

/** Where it fails: at a new transaction, in the middle of one, after one whose outcome is then unknown, at opening. */
export type Moment = "transaction" | "in flight" | "committed" | "open";

/** Fails `times` times with an error of that name; gives what makes all work again. */
export function dying(moment: Moment, name: string, times: number): () => void {
  let left = times;
  const fails = (): boolean => left > 0 && left-- > 0;
  const error = (): DOMException => new DOMException("Connection to Indexed Database server lost", name);
  return patches[moment](fails, error);
}

const patches: Record<Moment, (fails: () => boolean, error: () => DOMException) => () => void> = {
  transaction: (fails, error) =>
    replace(IDBDatabase.prototype, "transaction", (original) => {
      if (fails()) throw error();
      return original();
    }),
  // The only error that a page can make there is AbortError.
  "in flight": (fails) =>
    replace(IDBDatabase.prototype, "transaction", (original) => {
      const tx = original() as IDBTransaction;
      if (fails()) queueMicrotask(() => tx.abort());
      return tx;
    }),
  committed: (fails) => {
    const lost = new WeakSet<object>();
    const restores = [
      replace(IDBDatabase.prototype, "transaction", (original) => {
        const tx = original() as IDBTransaction;
        if (tx.mode === "readwrite" && fails()) lost.add(tx);
        return tx;
      }),
      replace(EventTarget.prototype, "addEventListener", (original, target, [type, listener]) => {
        if (!lost.has(target)) return original();
        if (type === "complete") return undefined;
        return type === "abort" ? original(["complete", listener]) : original();
      }),
    ];
    return () => {
      for (const restore of restores) restore();
    };
  },
  open: (fails, error) =>
    replace(IDBFactory.prototype, "open", (original) => {
      if (fails()) throw error();
      return original();
    }),
};

/** Makes every opening hang; gives what lets them all go on. */
export function hanging(): () => void {
  const hung = new WeakSet<object>();
  const held: (() => void)[] = [];
  const restores = [
    replace(IDBFactory.prototype, "open", (original) => {
      const request = original() as IDBOpenDBRequest;
      hung.add(request);
      return request;
    }),
    replace(EventTarget.prototype, "addEventListener", (original, target, [type, listener]) => {
      if (!hung.has(target)) return original();
      const request = target as IDBOpenDBRequest;
      held.push(() => {
        if (request.readyState === "pending") original();
        else if (type === (request.error === null ? "success" : "error"))
          (listener as EventListener).call(request, new Event(String(type)));
      });
      return undefined;
    }),
  ];
  return () => {
    for (const restore of restores) restore();
    for (const goOn of held.splice(0)) goOn();
  };
}

type Replacement = (original: (args?: unknown[]) => unknown, target: object, args: unknown[]) => unknown;

/** Replaces a method of a prototype; gives what puts it back. */
export function replace(prototype: object, name: string, replacement: Replacement): () => void {
  const original = Reflect.get(prototype, name) as (...args: unknown[]) => unknown;
  Reflect.set(prototype, name, function replaced(this: object, ...args: unknown[]) {
    return replacement((other = args) => Reflect.apply(original, this, other), this, args);
  });
  return () => void Reflect.set(prototype, name, original);
}

/** Notes every database that is used, so that it can be closed from under its users. */
export function databases(): { readonly used: Set<IDBDatabase>; end(): void } {
  const used = new Set<IDBDatabase>();
  const end = replace(IDBDatabase.prototype, "transaction", (original, target) => {
    used.add(target as IDBDatabase);
    return original();
  });
  return { used, end };
}

/** Makes a global say something else, or throw; gives what restores it. */
export function disguise(object: object, name: string, get: () => unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, { configurable: true, get });
  return () => {
    if (own === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, own);
  };
}
