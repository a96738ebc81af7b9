import { spawn } from "node:child_process";
import { python } from "../env/find.ts";

/** What a person at a terminal of 100 columns saw, and the program's exit code. */
export interface Seen {
  readonly text: string;
  readonly code: number | null;
}

// A child on a pseudo-terminal of its own, as a shell would start it: stdin, stdout and stderr are the terminal.
const onTerminal = `
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        seen = os.read(terminal, 65536)
    except OSError:
        break
    if not seen:
        break
    os.write(1, seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
`;

/** The Python that opens terminals: that of a test environment, or the system's. */
const interpreter = (): string => python("magnus") ?? python("mlflow") ?? process.env["PYTHON"] ?? "python3";

/** Runs a program on a pseudo-terminal to its end. */
export function inTerminal(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Seen> {
  const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return new Promise((resolve, reject) => {
    const child = spawn(interpreter(), ["-c", onTerminal, program, ...args], {
      env: { ...Object.fromEntries(inherited), TERM: "xterm", ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const kill = (): void => void child.kill("SIGKILL");
    process.once("exit", kill);
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      process.off("exit", kill);
      resolve({ text: text.replaceAll("\r\n", "\n"), code });
    });
  });
}

const foreign = /^(RUNLOG_|MLFLOW_|MAGNUS_TRACK_|NODE_OPTIONS$|FORCE_COLOR$|NO_COLOR$|CI$|COLORTERM$)/;
