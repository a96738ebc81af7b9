/** Runs jobs of one name one after the other, and jobs of different names side by side. */
export function inTurn(): <T>(name: string, job: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (name, job) => {
    const before = last.get(name);
    const turn = before === undefined ? job() : before.then(job, job);
    last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (last.get(name) === turn) last.delete(name);
    }
  };
}
