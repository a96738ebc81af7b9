/** The handwritten digits: 1,797 images of 8 x 8 pixels. `playground/data/README.md` says where they come from. */

/** Pixels of an image. */
export const imageSize = 64;
/** The digits 0 to 9. */
export const classes = 10;

const notation = "0123456789abcdefg";

/** Images side by side with their digits. */
export interface Images {
  /** Each image's 64 intensities, from 0 to 1, one image after the other. */
  readonly pixels: Float32Array;
  /** Each image's digit. */
  readonly labels: Uint8Array;
}

/** What is learned from, and what the result is judged by. */
export interface Digits {
  readonly train: Images;
  readonly test: Images;
}

/**
 * The images in `text`, a line each. Every fifth image is for testing.
 * @throws {Error} for a line that is no image.
 */
export function readDigits(text: string): Digits {
  const lines = text.trimEnd().split("\n");
  const isTest = (_: string, index: number): boolean => index % 5 === 4;
  return {
    train: readImages(lines.filter((line, index) => !isTest(line, index))),
    test: readImages(lines.filter(isTest)),
  };
}

function readImages(lines: readonly string[]): Images {
  const pixels = new Float32Array(lines.length * imageSize);
  const labels = new Uint8Array(lines.length);
  for (const [index, line] of lines.entries()) {
    if (!/^\d [0-9a-g]{64}$/.test(line))
      throw new Error(`this is no image of a digit: ${JSON.stringify(line)}`);
    labels[index] = Number(line[0]);
    const intensities = Array.from(line.slice(2), (character) => notation.indexOf(character) / 16);
    pixels.set(intensities, index * imageSize);
  }
  return { pixels, labels };
}
