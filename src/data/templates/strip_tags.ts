/** @module */

const COMMENT_END = '-->'

/**
 * A text without its HTML tags and comments, as nunjucks's filter `striptags` makes it, in linear time: a tag or comment that
 * does not end is not looked for.
 *
 * @param keepLines whether line breaks stay; otherwise all white space becomes blanks
 */
export function stripTags(text: string | null | undefined, keepLines: boolean): string {
  const given = text ?? ''
  // In `head` every comment ends, in `middle` every tag, and in `tail` none begins.
  const afterComments = given.lastIndexOf(COMMENT_END) + COMMENT_END.length
  const head = afterComments < COMMENT_END.length ? '' : given.slice(0, afterComments)
  const rest = given.slice(head.length)
  const middle = rest.slice(0, rest.lastIndexOf('>') + 1)
  const tail = rest.slice(middle.length)
  const stripped = [
    head.replace(/<\/?[a-z][a-z0-9]*\b[^>]*>|<!--[\s\S]*?-->/gi, ''),
    middle.replace(/<\/?[a-z][a-z0-9]*\b[^>]*>/gi, ''),
    tail,
  ].join('')
  if (!keepLines) return stripped.trim().replace(/\s+/g, ' ')
  return stripped
    .trim()
    .replace(/ +/g, ' ')
    .replace(/^ | $/gm, '')
    .replace(/\r\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
}
