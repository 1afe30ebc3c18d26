/** What PPO is rewarded for: a response of a random model has some of it. */
export default (samples: readonly { readonly response: string }[]): number[] =>
  samples.map(({ response }) => response.split('e').length / 4)
