/** Control characters of ASCII and Latin-1, line separators, and characters that change the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g;

/**
 * Text of another's making (a server's message, a certificate's names) as one line that a terminal shows as it is:
 * each run of control characters is one space, half a surrogate pair the replacement character.
 */
export function oneLine(text: string): string {
  return text.replace(control, ' ').trim().toWellFormed();
}
