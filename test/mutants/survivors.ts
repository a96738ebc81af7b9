/**
 * Mutants that no test here can notice, each with its reason: the same behaviour by other code, or one that only a
 * real fault shows (a power cut, another process, a browser), whose test is named. Keys as the run prints them; `*`
 * stands for any text.
 */
export const explained: Readonly<Record<string, string>> = {};
