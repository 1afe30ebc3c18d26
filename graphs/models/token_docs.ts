/** @module */

/** What the inputs mean that say what the tokens are. */
export const tokenDocs = {
  input_ids: "the tokens' numbers, shorter sequences filled up on the right",
  attention_mask: '1 at tokens, 0 at padding; examples that are packed into one sequence are numbered from 1',
  position_ids: 'how many tokens of its example stand before each token, from 0',
  token_type_ids: '0 at the tokens of the first text, 1 at those of the second',
  pool_positions: "where each sequence's last token is: the flat index b·sequence + t",
} as const
