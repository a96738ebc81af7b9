/**
 * The id of a site's database, noted where it may outlive the database, so that its removal is noticed. Workers have no
 * localStorage, and some pages are refused it: there nothing is known, and nothing is thrown.
 */
export function notedId(location: string): string | undefined {
  return attempt((notes) => notes.getItem(keyOf(location))) ?? undefined;
}

export function noteId(location: string, id: string): void {
  attempt((notes) => notes.setItem(keyOf(location), id));
}

function keyOf(location: string): string {
  return `${location}#id`;
}

function attempt<T>(work: (notes: Storage) => T): T | undefined {
  try {
    return work(globalThis.localStorage);
  } catch {
    return undefined;
  }
}
